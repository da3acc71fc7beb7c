// U: the prompt on terminals of several widths: sudo, su and login, by the module's own look at the terminal.

import test from 'ava';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

/** In the sentence it takes 40 columns, in the form 33. */
const NAME = 'Augusta Ada King Byron';

let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start({ cardArgs: ['--cn', NAME] });
  await person.pairCard(sandbox);
});
test.beforeEach(() => person.freshCard(sandbox));
test.after.always(() => sandbox.stop());

const SENTENCE = `Enter PIN for '${NAME}': `;
const FORM = `PIN of '${NAME}': `;

for (const [columns, prompt] of [
  [80, SENTENCE],
  [41, SENTENCE],
  [40, FORM],
  // A terminal that does not say how wide it is.
  [0, SENTENCE],
] as const)
  test.serial(`U: ${columns} columns: sudo and su ask "${prompt}"`, async (t) => {
    const size = { rows: 24, columns };
    for (const argv of [
      ['sudo', '-k', 'id', '-u'],
      ['su', sandbox.user, '-c', 'id -un'],
    ]) {
      const pty = sandbox.pty(argv, { user: sandbox.user, size });
      await pty.expect(prompt);
      const [line = ''] = pty.screen.split(/\r?\n/).slice(-1);
      t.is(line, prompt);
      t.true(columns === 0 || line.length < columns, 'the cursor stands on the same line');
      pty.send(`${sandbox.pin}\n`);
      const { code, screen } = await person.untilEnd(pty);
      t.is(code, 0, screen);
    }
  });
