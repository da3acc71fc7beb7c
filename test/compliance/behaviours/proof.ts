// What a card must prove, and how it may leave the reader to the next program.
import { withCard, type Behaviour } from '../behaviour.ts';
import { makeCertificate, toPem } from '../../kit/card/certificate.ts';
import { readKey } from '../../kit/card/profile.ts';
import { PcscClient, strangerSignStatus } from '../../kit/person/pcsc-client.ts';
import type { Reply } from '../client.ts';
import type { Stack, World } from '../world.ts';

const STACKS = ['only', 'then-permit', 'or-permit-if-ignored', 'or-password'] as const satisfies Stack[];
const WRONG: Reply = { text: '000000' };
/** SW_SECURITY_STATUS_NOT_SATISFIED (ISO 7816-4). */
const NOT_VERIFIED = '6982';
/** VERIFY and GENERAL AUTHENTICATE (SP 800-73-4 part 2, 3.2). */
const VERIFY = '20';
const SIGN = '87';

/** Another key in the login slot, with a certificate that says what it likes; the old ones come back. */
export async function withOtherKey<T>(
  world: World,
  certificate: string | null,
  act: () => Promise<T>,
  key = `${world.key}:2`,
): Promise<T> {
  const { card, program, sandbox } = world;
  const before = await card.getCertificate('9A');
  await program.eject(sandbox);
  await card.setKey('9A', key);
  if (certificate !== null) await card.setCertificate('9A', certificate);
  await program.insert(sandbox);
  try {
    return await act();
  } finally {
    await program.eject(sandbox);
    await card.setKey('9A', `${world.key}:1`);
    await card.setCertificate('9A', before);
    await program.insert(sandbox);
  }
}

/** Of the attacker's own key, with the names of the victim. */
export function forged(world: World, key = `${world.key}:2`): string {
  const privateKey = readKey(key, 0x9a);
  const fields = { cn: 'Ada Lovelace', email: 'ada@example.org', upn: 'ada@example.org' };
  return toPem(makeCertificate(privateKey, fields));
}

const stolen = STACKS.flatMap((stack) => [
  withCard(
    `stolen-certificate-${stack}`,
    `A card with the victim's certificate, an own PIN and another key lets nobody in (${stack})`,
    (world) =>
      withOtherKey(world, null, async () => !(await world.login(stack, { pins: [world.pin] })).letIn),
    { of: 'L3, CVE-2025-24032' },
  ),
  withCard(
    `forged-certificate-${stack}`,
    `A card with a certificate that its owner made in the victim's name lets nobody in (${stack})`,
    (world) =>
      withOtherKey(
        world,
        forged(world),
        async () => !(await world.login(stack, { pins: [world.pin] })).letIn,
      ),
    { of: 'L4, pam_pkcs11#80' },
  ),
]);

/** Bytes that a signature has not. L9: 256 are what a careless buffer holds. */
const LENGTHS = [0, 1, 8, 63, 64, 65, 128, 255, 257, 511, 512, 1024, 4096, 65_536];
const lengths = LENGTHS.map((bytes) =>
  withCard(
    `signature-${bytes}`,
    `A signature of ${bytes} bytes that says nothing lets nobody in and breaks nothing`,
    async (world) => {
      await world.card.misbehave({ kind: 'signature-length', bytes, times: 'always' });
      return !(await world.rightPin()).letIn;
    },
    { of: 'L9, CVE-2019-16058' },
  ),
);

const proofs = STACKS.flatMap((stack) => [
  withCard(
    `wrong-signature-${stack}`,
    `A signature with one wrong bit lets nobody in (${stack})`,
    async (world) => {
      await world.card.misbehave({ kind: 'wrong-signature', times: 'always' });
      return !(await world.login(stack, { pins: [world.pin] })).letIn;
    },
    { of: 'L3' },
  ),
  withCard(
    `replay-${stack}`,
    `The signature of the last login lets nobody in (${stack})`,
    async (world) => {
      await world.rightPin();
      await world.idle();
      await world.card.misbehave({ kind: 'replay-signature', times: 'always' });
      return !(await world.login(stack, { pins: [world.pin] })).letIn;
    },
    { of: 'L8, x41-2018-003' },
  ),
]);

/** What a card may claim about a wrong PIN. */
const yes = (['only', 'then-permit', 'or-permit-if-ignored'] as const).map((stack) =>
  withCard(
    `verify-says-yes-${stack}`,
    `A card that calls each PIN right lets nobody in without its key (${stack})`,
    async (world) => {
      await world.card.misbehave({ kind: 'status', sw: '9000', ins: VERIFY, body: true, times: 'always' });
      return !(await world.login(stack, { pins: [WRONG] })).letIn;
    },
    { of: 'L3' },
  ),
);

async function verifiedByAnother<T>(world: World, act: (other: PcscClient) => Promise<T>): Promise<T> {
  const other = await PcscClient.connect(world.sandbox);
  try {
    await other.select();
    await other.verify(world.sandbox.pin);
    return await act(other);
  } finally {
    await other.close();
  }
}

const inputs: readonly (readonly [name: string, what: string, reply: Reply])[] = [
  ['wrong', 'a wrong PIN', WRONG],
  ['empty', 'an empty line', { text: '' }],
  ['null', 'no text', 'null'],
  ['error', 'an error', 'error'],
];
const preVerified = inputs.map(([name, what, reply]) =>
  withCard(
    `verified-before-${name}`,
    `A card that another program has verified lets nobody in by ${what}`,
    (world) => verifiedByAnother(world, async () => !(await world.login('only', { pins: [reply] })).letIn),
    { of: 'L6, CVE-2023-40660' },
  ),
);

/** How a login ends, and the status that a stranger then gets for a signature. */
const ENDS: readonly (readonly [name: string, what: string, act: (world: World) => Promise<unknown>])[] = [
  ['right', 'a login', (world) => world.rightPin()],
  ['wrong', 'a wrong PIN', (world) => world.login('only', { pins: [WRONG] })],
  [
    'failed',
    'a signature that failed',
    async (world) => {
      await world.card.misbehave({ kind: 'status', sw: '6F00', ins: SIGN });
      await world.rightPin();
    },
  ],
  [
    'killed',
    'the death of the program that logs in',
    async (world) => {
      await world.card.misbehave({ kind: 'delay', ms: 1500, ins: SIGN });
      const signing = world.card.waitFor({ ins: SIGN });
      const login = world.start('only');
      if ((await login.question()) === null) throw new Error('it asks nothing');
      login.answer(world.pin);
      await signing;
      login.kill();
    },
  ],
];
const leftAs = ENDS.map(([name, what, act]) =>
  withCard(
    `left-${name}`,
    `After ${what} the next program gets no signature without a PIN`,
    async (world) => {
      await act(world);
      await world.idle();
      await world.card.clearFaults();
      const status = await strangerSignStatus(world.sandbox, world.key);
      await verifiedByAnother(world, async (other) => {
        if ((await other.signStatus(world.key)) === NOT_VERIFIED) throw new Error('nobody gets a signature');
      });
      return status === NOT_VERIFIED;
    },
    { of: 'L7, pivy#51' },
  ),
);

const held = (['begin', 'exclusive'] as const).flatMap((how) => {
  const what = how === 'begin' ? 'in a transaction' : 'for itself alone';
  async function withHolder<T>(world: World, act: () => Promise<T>): Promise<T> {
    const holder = await PcscClient.connect(world.sandbox, how === 'exclusive' ? 'exclusive' : 'connect');
    try {
      if (how === 'begin') await holder.do('begin');
      return await act();
    } finally {
      await holder.close();
    }
  }
  return [
    withCard(
      `held-${how}-not-in`,
      `A card that another program holds ${what} lets nobody in by a wrong PIN`,
      (world) => withHolder(world, async () => !(await world.login('only', { pins: [WRONG] })).letIn),
    ),
    withCard(
      `held-${how}-password`,
      `A card that another program holds ${what} leaves the password its turn`,
      (world) => withHolder(world, () => world.passwordWorks([world.pin])),
      { of: 'yubikey-agent#4, PCSC#254' },
    ),
    withCard(
      `held-${how}-after`,
      `Once another program that held the card ${what} lets it go, card and PIN let in`,
      async (world) => {
        await withHolder(world, () => Promise.resolve());
        return (await world.rightPin()).letIn;
      },
    ),
  ];
});

/** When the card is pulled. */
const PULLS: readonly (readonly [name: string, what: string, arm: (world: World) => Promise<void>])[] = [
  [
    'verify',
    'before it sees the PIN',
    ({ card }) => card.misbehave({ kind: 'eject', ins: VERIFY, body: true }),
  ],
  [
    'verify-after',
    'once it has seen the PIN',
    ({ card }) => card.misbehave({ kind: 'eject-after', ins: VERIFY, body: true }),
  ],
  ['sign', 'before it signs', ({ card }) => card.misbehave({ kind: 'eject', ins: SIGN })],
  ['sign-after', 'once it has signed', ({ card }) => card.misbehave({ kind: 'eject-after', ins: SIGN })],
];
const pulled = PULLS.flatMap(([name, what, arm]) => [
  withCard(`pulled-${name}`, `A card that is pulled ${what} lets nobody in`, async (world) => {
    await arm(world);
    return !(await world.rightPin()).letIn;
  }),
  withCard(
    `pulled-${name}-password`,
    `A card that is pulled ${what} leaves the password its turn`,
    async (world) => {
      await arm(world);
      return world.passwordWorks([world.pin]);
    },
  ),
]);

export const proof: readonly Behaviour[] = [
  ...stolen,
  ...proofs,
  ...lengths,
  ...yes,
  ...preVerified,
  ...leftAs,
  ...held,
  ...pulled,
  withCard(
    'pulled-at-question',
    'A card that is pulled while the question stands lets nobody in',
    async (world) => {
      const login = world.start('only');
      if ((await login.question()) === null) return false;
      await world.card.eject();
      login.answer(world.pin);
      return !(await world.answer(login, {})).letIn;
    },
  ),
  withCard(
    'put-back-at-question',
    'A card that is pulled and put back while the question stands logs in by its PIN',
    async (world) => {
      const login = world.start('only');
      if ((await login.question()) === null) return false;
      await world.program.eject(world.sandbox);
      await world.program.insert(world.sandbox);
      login.answer(world.pin);
      return (await world.answer(login, { pins: [world.pin] })).letIn;
    },
    { of: 'C8, SSSD#6022' },
  ),
  withCard(
    'other-program-soon',
    'Another program gets the card within a second of a login',
    async (world) => {
      const { letIn } = await world.rightPin();
      const from = performance.now();
      const other = await PcscClient.connect(world.sandbox);
      await other.do('begin');
      const took = performance.now() - from;
      await other.do('end');
      await other.close();
      return letIn && took < 1000;
    },
    { of: 'yubikey-agent#4' },
  ),
  withCard(
    'challenge-anew',
    'No two logins have the same message signed',
    async (world) => {
      const seen = new Set<string>();
      for (let time = 0; time < 3; time += 1) {
        await world.rightPin();
        await world.idle();
        const signed = (await world.card.log()).filter(({ ins }) => ins === 0x87).at(-1);
        if (signed !== undefined) seen.add(signed.body);
      }
      return seen.size === 3;
    },
    { of: 'L8, L21' },
  ),
];
