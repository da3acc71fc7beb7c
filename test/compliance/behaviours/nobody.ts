// Where there is nothing to log in with: no card, no reader service, nobody paired. L1: whatever stands behind the module.
import { ofAny, withCard, type Behaviour } from '../behaviour.ts';
import type { End, LoginOptions } from '../client.ts';
import type { Stack, World } from '../world.ts';

const STACKS = ['only', 'then-permit', 'or-permit-if-ignored', 'twice', 'told-on'] as const satisfies Stack[];
/** Without a card the person may be asked to put it in; nobody does. */
const PATIENCE_MS = 40_000;

/** A state of the machine, for as long as `act` takes. */
type Situation = <T>(world: World, act: () => Promise<T>) => Promise<T>;

const cardOut: Situation = async (world, act) => {
  await world.program.eject(world.sandbox);
  return act();
};

const noPcscd: Situation = async (world, act) => {
  await world.sandbox.stopPcscd();
  try {
    return await act();
  } finally {
    await world.sandbox.startPcscd();
    await world.program.eject(world.sandbox).catch(() => undefined);
    await world.program.insert(world.sandbox);
  }
};

const notPaired: Situation = async (world, act) => {
  await world.program.unpair(world.sandbox);
  try {
    return await act();
  } finally {
    await world.program.pair(world.sandbox);
  }
};

const asIs: Situation = (_world, act) => act();

interface Case {
  readonly name: string;
  /** Begins a sentence. */
  readonly what: string;
  readonly situation: Situation;
  readonly options?: Partial<LoginOptions>;
}

const CASES: readonly Case[] = [
  { name: 'no-card', what: 'Without a card', situation: cardOut },
  { name: 'no-pcscd', what: 'Without pcscd', situation: noPcscd },
  { name: 'not-paired', what: 'A person to whom no card or key was given', situation: notPaired },
  {
    name: 'root',
    what: 'root, to whom no card or key was given,',
    situation: asIs,
    options: { user: 'root' },
  },
  { name: 'unknown', what: 'A name that no account has', situation: asIs, options: { user: 'nobody-such' } },
  { name: 'empty-name', what: 'An empty name and no card', situation: cardOut, options: { user: '' } },
  {
    name: 'long-name',
    what: 'A name of 5,000 characters',
    situation: asIs,
    options: { user: 'a'.repeat(5000) },
  },
  {
    name: 'path-name',
    what: 'A name that is a path',
    situation: asIs,
    options: { user: '../../etc/passwd' },
  },
  {
    name: 'format-name',
    what: 'A name of format characters',
    situation: asIs,
    options: { user: '%s%n%s%n%x' },
  },
];

function trying(world: World, stack: Stack, options: Partial<LoginOptions> = {}): Promise<End> {
  const pins = [world.pin, world.pin, world.pin];
  return world.login(stack, { pins }, { withinMs: PATIENCE_MS, ...options });
}

const refused = CASES.flatMap(({ name, what, situation, options }) =>
  STACKS.map((stack) =>
    ofAny(
      `${name}-${stack}`,
      `${what}: nobody is let in (${stack})`,
      (world) => situation(world, async () => !(await trying(world, stack, options)).letIn),
      { of: 'L1, CVE-2025-24531; L2, CVE-2025-23013' },
    ),
  ),
);

const password = CASES.slice(0, 3).map(({ name, what, situation }) =>
  ofAny(
    `${name}-password`,
    `${what}: the password lets in`,
    (world) =>
      situation(world, async () => {
        const person = { pins: [{ text: '' }, { text: '' }], password: world.sandbox.password };
        return (await world.login('or-password', person, { withinMs: PATIENCE_MS })).letIn;
      }),
    { of: 'systemd#19872, pam-u2f#296' },
  ),
);

const twoFactors = CASES.slice(0, 3).map(({ name, what, situation }) =>
  ofAny(`${name}-two-factors`, `${what}: the password alone does not let in where both are wanted`, (world) =>
    situation(world, async () => {
      const person = { pins: [world.pin], password: world.sandbox.password };
      return !(await world.login('and-password', person, { withinMs: PATIENCE_MS })).letIn;
    }),
  ),
);

const files = CASES.slice(0, 3).map(({ name, what, situation }) =>
  ofAny(
    `${name}-no-files`,
    `${what}: no file is left open`,
    (world) => situation(world, async () => !(await trying(world, 'only')).leaksFiles),
    { of: 'L14' },
  ),
);

const quick = CASES.slice(0, 3).map(({ name, what, situation }) =>
  ofAny(
    `${name}-quick`,
    `${what}: the password has its turn within ten seconds`,
    (world) =>
      situation(world, async () => {
        const login = world.start('or-password', { withinMs: 10_000 });
        for (let question = await login.question(); question !== null; question = await login.question()) {
          if (/password/i.test(question)) {
            login.answer('error');
            await login.end();
            return true;
          }
          login.answer({ text: '' });
        }
        return false;
      }),
    { of: 'PCSC#254' },
  ),
);

const BOB = 'bob';
const withBob: Situation = async (world, act) => {
  await world.shell(
    `id ${BOB} >/dev/null 2>&1 || useradd --no-create-home --home-dir / ${BOB}; echo ${BOB}:bobs-own-1 | chpasswd`,
  );
  return act();
};

const others = STACKS.map((stack) =>
  withCard(
    `others-card-${stack}`,
    `Somebody else's card and its right PIN let nobody in (${stack})`,
    (world) => withBob(world, async () => !(await trying(world, stack, { user: BOB })).letIn),
    { of: 'CVE-2025-24032' },
  ),
);

export const nobody: readonly Behaviour[] = [
  ...refused,
  ...password,
  ...twoFactors,
  ...files,
  ...quick,
  ...others,
  withCard(
    'others-card-password',
    'Somebody else’s card in the reader keeps nobody from their password',
    (world) =>
      withBob(world, async () => {
        const person = { pins: [{ text: '' }], password: 'bobs-own-1' };
        return (await world.login('or-password', person, { user: BOB })).letIn;
      }),
    { of: 'pop-os/beta#190' },
  ),
  withCard('others-card-no-try', 'Somebody else’s card in the reader loses no try', (world) =>
    withBob(world, async () => {
      const person = { pins: [{ text: '000000' }], password: 'bobs-own-1' };
      await world.login('or-password', person, { user: BOB });
      return (await world.spent()) === 0;
    }),
  ),
  withCard(
    'others-card-no-question',
    'Whom no card in the reader belongs to is not asked for its PIN',
    (world) =>
      withBob(world, async () => {
        const { questions } = await world.login('only', { pins: [world.pin] }, { user: BOB });
        return questions.length === 0;
      }),
  ),
  withCard('paired-again', 'Whose card was taken away and given again is let in', async (world) => {
    await world.program.unpair(world.sandbox);
    await world.program.pair(world.sandbox);
    return (await world.rightPin()).letIn;
  }),
  withCard(
    'unpaired-at-the-question',
    'A card that is taken away while the question stands lets nobody in',
    async (world) => {
      const login = world.start('only');
      if ((await login.question()) === null) return false;
      await world.program.unpair(world.sandbox);
      try {
        login.answer(world.pin);
        return !(await world.answer(login, {})).letIn;
      } finally {
        await world.program.pair(world.sandbox);
      }
    },
    { of: 'L12, CVE-2026-12610' },
  ),
  withCard(
    'pcscd-again',
    'After pcscd was started anew card and PIN let in',
    async (world) => {
      await noPcscd(world, () => Promise.resolve());
      return (await world.rightPin()).letIn;
    },
    { of: 'pyscard#27, keepassxc#11082' },
  ),
];
