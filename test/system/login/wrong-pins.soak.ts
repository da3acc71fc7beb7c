// S4: 500 wrong PINs by five prompts at once, through PIV, OpenSC's module and a TPM: no PIN is blocked without a yes.
import test, { type ExecutionContext } from 'ava';
import { makeTpm, TPM_CONFIG } from '../pkcs11/tokens.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { wrongPinsAtOnce } from './wrong-pins.ts';

const ROUNDS = 100;
const NOT_PIV = '[tokens]\ndisabled = ["org.scauth.piv"]\n';

async function soak(t: ExecutionContext, sandbox: Sandbox): Promise<void> {
  let asked = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const seen = await wrongPinsAtOnce(sandbox);
    t.true(seen.good, `blocked in round ${round}: ${sandbox.agentLog().slice(-600)}`);
    asked += seen.asked;
  }
  t.log(`${ROUNDS * 5} wrong PINs typed, ${asked} kept from the card by the question, 0 blocked`);
}

for (const [name, config] of [
  ['PIV', ''],
  ["OpenSC's module", NOT_PIV],
] as const)
  test.serial(`S4: 500 wrong PINs at five prompts through ${name}`, async (t) => {
    const sandbox = await Sandbox.start({ config });
    try {
      await person.pairCard(sandbox);
      await soak(t, sandbox);
      t.is(await sandbox.card.getTries(), 3);
    } finally {
      await sandbox.stop();
    }
  });

test.serial('S4: 500 wrong PINs at five prompts through a TPM', async (t) => {
  const sandbox = await Sandbox.start({ agent: false, card: 'none', config: TPM_CONFIG });
  try {
    await makeTpm(sandbox);
    await sandbox.startAgent();
    await person.untilAgentSays(sandbox, 'token in: org.scauth.pkcs11:');
    const hash = await person.cardHash(sandbox);
    await sandbox.exec(['sc_auth', 'pair', '-u', sandbox.user, '-h', hash]);
    await soak(t, sandbox);
  } finally {
    await sandbox.stop();
  }
});
