// Other users at the sockets of the machine, while something is done (sockets-program.ts).
import { createInterface } from 'node:readline';
import { APP } from '../kit/sandbox/namespace.ts';
import type { World } from './world.ts';

/** Of nobody's, as newuidmap gives them to a user. */
const FIRST_UID = 300_000;

const OTHERS = {
  /** 17 users and eight connections each, at each socket. */
  idle: [17, 8],
  busy: [1, 8],
  garbage: [1, 1],
} as const;

/** @throws Error where no socket was found: pcscd's is always there */
export async function withOthers<T>(
  world: World,
  mode: keyof typeof OTHERS,
  act: () => Promise<T>,
): Promise<T> {
  const { namespace } = world.sandbox;
  const [uids, each] = OTHERS[mode];
  const node = [`${APP}/node_modules/node/bin/node`, '--disable-warning=ExperimentalWarning'];
  const program = [`${APP}/test/compliance/sockets-program.ts`, mode, FIRST_UID, uids, each].map(String);
  const child = namespace.spawn([...node, ...program], {
    env: world.sandbox.environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const over = new Promise((resolve) => child.once('close', resolve));
  try {
    if (child.stdout === null) throw new Error('the others have no output');
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const said: IteratorResult<string, unknown> = await lines.next();
    if (!/^ready [1-9]/.test(String(said.value))) throw new Error(`the others say ${String(said.value)}`);
    return await act();
  } finally {
    child.stdin?.end();
    await over;
  }
}
