// How a login asks for the PIN: whom the prompt names, how wide it is, and who hears what Enter does.

import { readFileSync } from 'node:fs';
import test from 'ava';
import { parseCertificateFile } from '../../../../agent/model/key/key.ts';
import type { PasswordInstead } from '../../../../agent/stories/login/login-parts.ts';
import { fittingWords } from '../../../../agent/stories/card/pin-prompt.ts';
import { pinPrompt } from '../../../../agent/words/login.ts';
import { FakePerson, FakeToken, PIN } from '../../../kit/story/fakes.ts';
import { runLogin, victim } from '../../../kit/story/run-login.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';

const LABEL = 'PIV (Ada Lovelace):Certificate for PIV Authentication (Ada Lovelace)';
const HINT = 'Enter on an empty line asks for your password instead.';

const PEM = new URL('../../../vectors/keys/p256.pem', import.meta.url);
const certificate = { ...parseCertificateFile(readFileSync(PEM)), holder: 'Ada Lovelace' };

for (const [service, style, instead, asked, told] of [
  ['sudo', 'short', 'yes', "Enter PIN for 'Ada Lovelace': ", []],
  ['sudo', 'short', 'untold', "Enter PIN for 'Ada Lovelace': ", [HINT]],
  ['su', 'short', 'untold', "Enter PIN for 'Ada Lovelace': ", [HINT]],
  ['login', 'short', 'untold', "Enter PIN for 'Ada Lovelace': ", [HINT]],
  // A card is required: nobody is sent to a password that opens nothing.
  ['sudo', 'short', 'no', "Enter PIN for 'Ada Lovelace': ", []],
  ['gdm-password', 'short', 'no', "PIN of 'Ada Lovelace': ", []],
  ['gdm-password', 'short', 'untold', "PIN of 'Ada Lovelace' (Enter: password): ", []],
  ['i3lock', 'short', 'yes', "PIN of 'Ada Lovelace' (Enter: password): ", []],
  ['polkit-1', 'short', 'yes', "PIN of 'Ada Lovelace' (Enter: password): ", []],
  ['sudo', 'macos', 'untold', `Enter PIN for '${LABEL}': `, []],
  ['i3lock', 'macos', 'yes', `Enter PIN for '${LABEL}': `, []],
] as const)
  test.serial(`U: ${service}, ${style}, password instead: ${instead}`, async (t) => {
    const seen = await runLogin(t, {
      tokens: [new FakeToken(victim, { certificate, label: LABEL })],
      answers: [PIN],
      policy: { prompt: { style } },
      request: { service },
      parts: { passwordInstead: (): PasswordInstead => instead },
    });
    t.is(seen.outcome, 'granted');
    t.deepEqual(seen.asked, [asked]);
    t.deepEqual(seen.told, told);
  });

test('U: a prompt has at most 60 columns for a usual name, and no two people look alike in one', (t) => {
  const all = (['sentence', 'form', 'form-or-password'] as const).flatMap((words) =>
    ([null, 'always'] as const).map((touch) => ({ words, touch })),
  );
  for (const { words, touch } of all) {
    const width = pinPrompt('Ada Lovelace', touch, words).length;
    t.true(width <= 60, `${words} ${touch ?? ''}: ${width}`);
    // Cut to what a relay takes, also where a name's letters have several bytes.
    for (const letter of ['a', 'é', '𝒜']) {
      const names = ['1', '2'].map((end) => letter.repeat(400) + end);
      const [one = '', other = ''] = names.map((name) => pinPrompt(name, touch, words));
      t.not(one, other);
      t.true(Buffer.byteLength(one) <= 512);
    }
    // And what fits is never cut.
    t.true(pinPrompt(`${'x'.repeat(200)} Lovelace`, touch, words).includes("x Lovelace'"));
  }
});

for (const [columns, words, style, chosen] of [
  [80, 'sentence', 'short', 'sentence'],
  [31, 'sentence', 'short', 'sentence'],
  // 30 columns: the cursor would stand on the next line.
  [30, 'sentence', 'short', 'form'],
  [1, 'sentence', 'short', 'form'],
  [null, 'sentence', 'short', 'sentence'],
  [30, 'sentence', 'macos', 'sentence'],
  [30, 'form-or-password', 'short', 'form-or-password'],
] as const)
  test(`U: a terminal of ${columns ?? 'an unknown number of'} columns, ${words}, ${style}: ${chosen}`, async (t) => {
    const somebody = Object.assign(new FakePerson([]), { columns: () => Promise.resolve(columns) });
    const policy = { ...defaultPolicy, prompt: { ...defaultPolicy.prompt, style } };
    t.is(await fittingWords(words, { label: 'Ada Lovelace', touch: null }, policy, somebody), chosen);
  });
