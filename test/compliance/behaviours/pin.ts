// What is typed in the place of the PIN, and what it costs.
import { withCard, type Behaviour } from '../behaviour.ts';
import type { Reply } from '../client.ts';
import type { Stack } from '../world.ts';

const WRONG: Reply = { text: '000000' };

/** No PIN of a PIV card (SP 800-73-4 part 2, 2.4.3: six to eight digits): it need not be sent to be known as wrong. */
const NO_PINS: readonly (readonly [name: string, what: string, text: string, of?: string])[] = [
  ['empty', 'An empty line', '', 'L6, CVE-2021-31924'],
  ['space', 'A space', ' '],
  ['one-digit', 'One digit', '1'],
  ['five-digits', 'Five digits', '24681'],
  ['nine-digits', 'Nine digits', '246813579'],
  ['pin-twice', 'The PIN typed twice', '246813246813'],
  ['password', 'The password of the account', 'correct-horse-7', 'L24, CVE-2019-16058 report'],
  ['sixty-four', 'Sixty-four characters', 'x'.repeat(64)],
  ['three-hundred', 'Three hundred characters', '9'.repeat(300)],
  ['five-hundred-and-eleven', 'Five hundred and eleven characters', '7'.repeat(511)],
  ['eight-thousand', 'Eight thousand characters', '8'.repeat(8000), 'L5'],
  ['emoji', 'Three emoji', '🔑🔑🔑'],
];

/** They have the length of a PIN: whether they are sent is the card's matter. */
const ODD_PINS: readonly (readonly [name: string, what: string, text: string])[] = [
  ['letters', 'Six letters', 'abcdef'],
  ['space-before', 'The PIN with a space before it', ' 246813'],
  ['space-behind', 'The PIN with a space behind it', '246813 '],
  ['control', 'Six control characters', '\u0001\u0002\u0003\u0004\u0005\u0006'],
  ['arabic', 'The PIN in Arabic digits', '٢٤٦٨١٣'],
  ['padded', 'The PIN with the card’s padding behind it', '246813\u00ff\u00ff'],
];

const nothing = [...NO_PINS, ...ODD_PINS].flatMap(([name, what, text, of]): Behaviour[] => {
  const rest = of === undefined ? {} : { of };
  return [
    withCard(
      `${name}-not-in`,
      `${what} in the place of the PIN lets nobody in`,
      async (world) => {
        return !(await world.login('only', { pins: [{ text }] })).letIn;
      },
      rest,
    ),
  ];
});

const free = NO_PINS.map(([name, what, text, of]) =>
  withCard(
    `${name}-no-try`,
    `${what} in the place of the PIN costs no try`,
    async (world) => {
      await world.login('only', { pins: [{ text }] });
      return (await world.spent()) === 0;
    },
    of === undefined ? {} : { of },
  ),
);

/** A conversation that does not do what was asked of it. */
const BROKEN: readonly (readonly [reply: Exclude<Reply, object>, what: string])[] = [
  ['null', 'no text'],
  ['error', 'an error'],
  ['missing', 'no answers at all'],
];
const STACKS = ['only', 'then-permit', 'or-permit-if-ignored'] as const satisfies Stack[];

const broken = BROKEN.flatMap(([reply, what]) =>
  STACKS.map((stack) =>
    withCard(
      `client-${reply}-${stack}`,
      `A client that answers the question with ${what} lets nobody in, at no cost (${stack})`,
      async (world) => {
        const { letIn } = await world.login(stack, { pins: [reply] });
        return !letIn && (await world.spent()) === 0;
      },
      { of: 'L1, L2, L5, CVE-2025-24031' },
    ),
  ),
);

const wrong = (
  ['only', 'then-permit', 'or-permit-if-ignored', 'told-on', 'twice'] as const satisfies Stack[]
).map((stack) =>
  withCard(
    `wrong-${stack}`,
    `A wrong PIN lets nobody in (${stack})`,
    async (world) => {
      return !(await world.login(stack, { pins: [WRONG, WRONG] })).letIn;
    },
    { of: 'L1' },
  ),
);

/** What is said of the tries before a person answers. */
const SAYS_LAST = /last|one try|1 try|final|only (1|one)/i;

export const pin: readonly Behaviour[] = [
  ...nothing,
  ...free,
  ...broken,
  ...wrong,
  withCard('wrong-one-try', 'A wrong PIN costs one try', async (world) => {
    await world.login('only', { pins: [WRONG] });
    return (await world.spent()) === 1;
  }),
  withCard('wrong-said', 'After a wrong PIN the person is told that the PIN was wrong', async (world) => {
    const { messages, questions } = await world.login('only', { pins: [WRONG] });
    return [...messages, ...questions].some(
      (text) => /wrong|incorrect|invalid/i.test(text) && /PIN/i.test(text),
    );
  }),
  withCard(
    'wrong-tries-said',
    'After a wrong PIN the person is told how many tries are left',
    async (world) => {
      const { messages, questions } = await world.login('only', { pins: [WRONG] });
      return [...messages, ...questions].some((text) => /\b(2|two)\b/i.test(text));
    },
  ),
  withCard(
    'wrong-then-right',
    'After a wrong PIN the right one lets in, and all tries are there again',
    async (world) => {
      await world.login('only', { pins: [WRONG] });
      return (await world.rightPin()).letIn && (await world.spent()) === 0;
    },
  ),
  withCard(
    'wrong-then-password',
    'After a wrong PIN the password lets in, without a second try',
    async (world) => {
      return (await world.passwordWorks([WRONG])) && (await world.spent()) === 1;
    },
  ),
  withCard(
    'wrong-and-password',
    'A wrong PIN and the right password do not let in where both are wanted',
    async (world) => {
      const { password } = world.sandbox;
      return !(await world.login('and-password', { pins: [WRONG], password })).letIn;
    },
  ),
  withCard(
    'pin-and-wrong-password',
    'The right PIN and a wrong password do not let in where both are wanted',
    async (world) => {
      return !(await world.login('and-password', { pins: [world.pin], password: 'nobody-has-it' })).letIn;
    },
  ),
  withCard(
    'password-and-wrong-pin',
    'The right password and then a wrong PIN do not let in',
    async (world) => {
      const { password } = world.sandbox;
      return !(await world.login('password-first', { pins: [WRONG], password })).letIn;
    },
  ),
  withCard(
    'password-first-no-try',
    'A password that was typed for another module is not tried as a PIN',
    async (world) => {
      const { password } = world.sandbox;
      await world.login('password-first', { pins: ['error'], password });
      return (await world.spent()) === 0;
    },
    { of: 'L24' },
  ),
  withCard(
    'empty-is-password',
    'An empty line means: the password',
    async (world) => {
      return (await world.passwordWorks([{ text: '' }])) && (await world.spent()) === 0;
    },
    { of: 'pam_pkcs11#36' },
  ),
  withCard(
    'authtok-not-pin',
    'After a login no other module finds the PIN in PAM_AUTHTOK',
    async (world) => {
      await world.told();
      const { letIn } = await world.login('told-on', { pins: [world.pin] });
      return letIn && !(await world.told()).includes(world.sandbox.pin);
    },
    { of: 'L24' },
  ),
  withCard(
    'authtok-not-wrong-pin',
    'After a wrong PIN no other module finds it in PAM_AUTHTOK',
    async (world) => {
      await world.told();
      await world.login('told-on', { pins: [{ text: '135790' }] });
      return !(await world.told()).includes('135790');
    },
    { of: 'L24' },
  ),
  withCard(
    'last-said',
    'With one try left the person is told so',
    async (world) => {
      await world.card.setTries(1);
      const { questions, messages } = await world.login('only', { pins: [WRONG] });
      return [...questions, ...messages].some((text) => SAYS_LAST.test(text));
    },
    { of: 'K8, S9' },
  ),
  withCard(
    'last-kept',
    'With one try left one wrong line alone does not block the card',
    async (world) => {
      await world.card.setTries(1);
      await world.login('only', { pins: [WRONG] });
      await world.idle();
      return (await world.card.getTries()) === 1;
    },
    { of: 'K8, S9' },
  ),
  withCard('last-password', 'With one try left the password lets in and leaves it', async (world) => {
    await world.card.setTries(1);
    const isIn = await world.passwordWorks([{ text: '' }, { text: '' }]);
    await world.idle();
    return isIn && (await world.card.getTries()) === 1;
  }),
  ...STACKS.map((stack) =>
    withCard(
      `blocked-${stack}`,
      `A blocked card lets nobody in, not by the right PIN either (${stack})`,
      async (world) => {
        await world.card.setTries(0);
        return !(await world.login(stack, { pins: [world.pin, world.pin] })).letIn;
      },
    ),
  ),
  withCard(
    'blocked-said',
    'A blocked card is called blocked',
    async (world) => {
      await world.card.setTries(0);
      const { messages, questions } = await world.login('only', { pins: [world.pin] });
      return [...messages, ...questions].some((text) => /block|lock/i.test(text));
    },
    { of: 'SSSD#6153' },
  ),
  withCard('blocked-password', 'A blocked card leaves the password its turn', async (world) => {
    await world.card.setTries(0);
    return world.passwordWorks([{ text: '' }, { text: '' }]);
  }),
  withCard(
    'blocked-no-loop',
    'A blocked card does not ask for its PIN for ever',
    async (world) => {
      await world.card.setTries(0);
      const { questions } = await world.login('only', { pins: Array.from({ length: 20 }, () => world.pin) });
      return questions.length < 10;
    },
    { of: 'pam_p11#29, SSSD#862' },
  ),
  withCard('blocked-no-verify', 'No PIN is sent to a card that is blocked', async (world) => {
    await world.card.setTries(0);
    await world.login('only', { pins: [world.pin] });
    await world.idle();
    return (await world.card.verifyCount()) === 0;
  }),
];
