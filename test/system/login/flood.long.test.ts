// Floods of both sockets while the card is required: no password gets in, the card does, and root is heard. Some logins
// under some floods; test/soak has them all.
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { BREAK_GLASS_PROMPT, cardRequired, enforced } from '../../kit/person/enforcement.ts';
import { bothSockets, startFloods, type FloodMode } from './floods.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start();
  await cardRequired(sandbox);
});
test.after.always(() => sandbox.stop());

for (const [row, mode, uids, each] of [
  ['S1', 'idle', 17, 8],
  ['S1', 'half', 1000, 1],
  ['S2', 'oneway', 1, 8],
  ['S2', 'calls', 17, 8],
  ['S5', 'more', 17, 8],
] as const satisfies readonly (readonly [string, FloodMode, number, number])[]) {
  test.serial(
    `${row}: under a flood (${mode}) by ${uids} uids the card opens sudo, the password does not`,
    async (t) => {
      const stop = await startFloods(sandbox, bothSockets(mode, uids, each));
      t.teardown(stop);
      const { code, screen } = await person.sudo(
        sandbox,
        [PIN_PROMPT, ''],
        [PASSWORD_PROMPT, sandbox.password],
        [BREAK_GLASS_PROMPT, ''],
      );
      t.not(code, 0);
      t.false(ROOT.test(screen));
      await person.expectCardLogin(sandbox);
      t.like(await enforced(sandbox, 'status'), { state: 'on' });
      await stop();
    },
  );
}
