// Wrong PINs at several prompts at once, round after round: at the end of each the PIN must not be blocked, since nobody
// has said yes. A right PIN, with a yes, gives a card its tries back, and a TPM none.
import type { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';

const PROMPTS = 5;
const SERVICE = 'scauth-test';

export interface Round {
  /** How often the person was asked about the last tries. */
  readonly asked: number;
  /** Whether the card still took its PIN. */
  readonly good: boolean;
}

/** Five prompts with a wrong PIN each and no yes, then the right PIN with one. */
export async function wrongPinsAtOnce(sandbox: Sandbox): Promise<Round> {
  const login = (...lines: string[]): ReturnType<typeof person.pamtester> =>
    person.pamtester(sandbox, 'root', [SERVICE, sandbox.user], ...lines);
  const wrong = await Promise.all(Array.from({ length: PROMPTS }, () => login(person.WRONG_PIN, '')));
  if (wrong.some(({ code }) => code === 0)) throw new Error('a wrong PIN opened');
  const asked = wrong.filter(({ stdout, stderr }) => /Type yes to use it/.test(stdout + stderr)).length;
  const { code } = await login('yes', sandbox.pin);
  return { asked, good: code === 0 };
}
