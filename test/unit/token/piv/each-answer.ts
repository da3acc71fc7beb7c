// L10: the software card answers one command of a reading and a login wrong, or all from that one on, in each of some
// three hundred ways: the person has an answer, nobody is let in without a proof, no PIN is sent twice, what is asked of the card
// and taken from it has a bound, and the next card works.
import test from 'ava';
import type { CardChannel } from '../../../../agent/pcsc/channel.ts';
import { PivDriver } from '../../../../agent/token/piv/driver.ts';
import { TokenRegistry } from '../../../../agent/token/registry.ts';
import { SoftwareCard } from '../../../kit/card/card.ts';
import { INS } from '../../../kit/card/constants.ts';
import { nameOf } from '../../../kit/person/person.ts';
import { makeProfile } from '../../../kit/card/profile.ts';
import { FakeReaders } from '../../../kit/story/card-events.ts';
import { alice, FakePairings, pairing, PIN, type Answer } from '../../../kit/story/fakes.ts';
import { runLogin, type Seen } from '../../../kit/story/run-login.ts';
import { probe, SoftwareSlot } from './card-slot.ts';

/** What a card answers, made into something else. */
type Lie = (reply: Buffer) => Buffer;

const MOST_COMMANDS = 1200;
const MOST_BYTES = 2 * 1024 * 1024;
const OK = Buffer.from('9000', 'hex');
const profile = makeProfile({ pin: PIN, puk: '86420975', key: 'p256' });

const STATUS =
  '6100 61FF 6C00 6CFF 6200 6282 6300 63C0 63CF 6700 6881 6982 6983 6984 6985 6A80 6A81 6A82 6A86 6A88 6B00 6D00 6E00 6F00 0000 9001 FFFF';
const LENGTHS = [0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0xff];
const FIRST_BYTES = 12;
const CUTS = 40;

function changed(reply: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(reply);
  if (at < copy.length) copy[at] = value;
  return copy;
}

const data = (reply: Buffer): Buffer => reply.subarray(0, -2);
const withOk = (...parts: Buffer[]): Buffer => Buffer.concat([...parts, OK]);

const LIES: readonly (readonly [name: string, lie: Lie])[] = [
  ...STATUS.split(' ').flatMap((word): [string, Lie][] => [
    [`${word} alone`, () => Buffer.from(word, 'hex')],
    [`its data, and ${word}`, (reply) => Buffer.concat([data(reply), Buffer.from(word, 'hex')])],
  ]),
  ['61FF and 256 bytes', () => Buffer.concat([Buffer.alloc(256), Buffer.from('61FF', 'hex')])],
  ...Array.from({ length: CUTS }, (_, bytes): [string, Lie] => [
    `cut after ${bytes}`,
    (reply) => reply.subarray(0, bytes),
  ]),
  ...Array.from({ length: CUTS }, (_, bytes): [string, Lie] => [
    `cut after ${bytes}, and 9000`,
    (reply) => withOk(data(reply).subarray(0, bytes)),
  ]),
  ...[1, 2, 3].map((bytes): [string, Lie] => [
    `its last ${bytes} bytes missing`,
    (reply) => withOk(data(reply).subarray(0, -bytes)),
  ]),
  ...Array.from({ length: FIRST_BYTES }, (_, at) => at).flatMap((at) =>
    LENGTHS.map((value): [string, Lie] => [`byte ${at} is ${value}`, (reply) => changed(reply, at, value)]),
  ),
  ['a byte more', (reply) => withOk(data(reply), Buffer.alloc(1))],
  ['twice', (reply) => withOk(data(reply), data(reply))],
  ['64 KiB more', (reply) => withOk(data(reply), Buffer.alloc(0x10000 - reply.length))],
  ['64 KiB of FF', () => withOk(Buffer.alloc(0x10000, 0xff))],
  ['zeros', (reply) => withOk(Buffer.alloc(data(reply).length))],
  ['FF', (reply) => withOk(Buffer.alloc(data(reply).length, 0xff))],
  ['an indefinite length', () => withOk(Buffer.from('538070FF0000', 'hex'))],
  ['a length of five bytes', () => withOk(Buffer.from('5385010000000070', 'hex'))],
  ['tags in tags', () => withOk(Buffer.from('7C'.repeat(120) + '00', 'hex'))],
];

/** Lies at one command, and at each GET RESPONSE that follows from it; `ever`: and at each command after it. */
class LyingSlot extends SoftwareSlot {
  readonly #at: number;
  readonly #lie: Lie | null;
  readonly #ever: boolean;
  #asked = 0;
  #lying = false;
  bytes = 0;

  constructor(at = 0, lie: Lie | null = null, ever = false) {
    super();
    this.card = new SoftwareCard(profile);
    this.card.power();
    this.#at = at;
    this.#lie = lie;
    this.#ever = ever;
  }

  get asked(): number {
    return this.#asked;
  }

  override async open(): Promise<CardChannel> {
    const channel = await super.open();
    return {
      ...channel,
      transmit: async (command) => {
        const reply = await channel.transmit(command);
        const isMore = command[1] === INS.GET_RESPONSE;
        this.#lying = this.#asked === this.#at || (this.#lying && (isMore || this.#ever));
        this.#asked += 1;
        const said = this.#lie !== null && this.#lying ? this.#lie(reply) : reply;
        this.bytes += said.length;
        return said;
      },
    };
  }

  /** Signatures after a right PIN: two where the card said 6Cxx to the first, and was asked for its length. */
  proofs(): number {
    return this.card.log
      .entries()
      .filter((entry) => nameOf(entry) === 'GENERAL AUTHENTICATE' && entry.sw === 0x9000).length;
  }

  pins(): number {
    return this.card.log.entries().filter((entry) => nameOf(entry) === 'VERIFY').length;
  }
}

/** The PIN once, and then nothing: the password. No last try is spent. */
function types(): Answer[] {
  let isTyped = false;
  const answer = (text: string): string => {
    if (isTyped || /\byes\b/.test(text)) return '';
    isTyped = true;
    return PIN;
  };
  return [answer, answer, answer, answer];
}

const pairings = new FakePairings();

async function logIn(tokens: TokenRegistry): Promise<Seen> {
  return runLogin(null, {
    ...{ tokens, pairings, request: { user: alice.name }, answers: types(), lenient: true },
  });
}

async function play(at: number, [name, lie]: readonly [string, Lie], ever: boolean): Promise<string[]> {
  const problems: string[] = [];
  const say = (problem: string): void => {
    problems.push(`${name}${ever ? ' for ever' : ''} at ${at}: ${problem}`);
  };
  const readers = new FakeReaders();
  const tokens = new TokenRegistry(readers, [new PivDriver()]);
  readers.tell({ kind: 'service', up: true });
  try {
    const bad = new LyingSlot(at, lie, ever);
    readers.tell({ kind: 'card-in', slot: bad });
    const seen = await logIn(tokens);
    if (seen.decision.kind === 'granted' && bad.proofs() === 0) say('granted without a proof');
    if (seen.outcome.endsWith('internal')) say(`no cause: ${seen.log.join('; ')}`);
    if (bad.pins() > 1) say(`the PIN was sent ${bad.pins()} times`);
    if (bad.asked > MOST_COMMANDS || bad.bytes > MOST_BYTES) say(`${bad.asked} commands, ${bad.bytes} bytes`);
    readers.tell({ kind: 'card-out', reader: bad.reader, removed: true });
    readers.tell({ kind: 'card-in', slot: new LyingSlot() });
    const next = await logIn(tokens);
    if (next.decision.kind !== 'granted') say(`then ${next.outcome}: ${next.log.join('; ')}`);
    return problems;
  } finally {
    tokens.close();
  }
}

/** How many commands a reading and a login send to a card that does not lie. */
async function commands(): Promise<number> {
  const readers = new FakeReaders();
  const tokens = new TokenRegistry(readers, [new PivDriver()]);
  readers.tell({ kind: 'service', up: true });
  const slot = new LyingSlot();
  readers.tell({ kind: 'card-in', slot });
  const seen = await logIn(tokens);
  await new Promise((resolve) => setTimeout(resolve, 100));
  tokens.close();
  if (seen.decision.kind !== 'granted') throw new Error(`${seen.outcome}: ${seen.log.join('; ')}`);
  return slot.asked;
}

/**
 * Tests of each way at each command.
 * @param each so many of the cases are left out for one that is played
 */
export function answerTests(each: number): void {
  test.before(async () => {
    const token = await probe(new LyingSlot());
    const [identity] = token?.identities ?? [];
    if (identity === undefined) throw new Error('no key');
    pairings.rows.push(pairing(alice.name, identity.publicKey));
  });

  for (const ever of [false, true])
    test.serial(
      `L10: commands are answered wrong in each way${ever ? ', and all after them' : ''}`,
      async (t) => {
        const problems: string[] = [];
        const count = await commands();
        let played = 0;
        for (let at = 0; at < count; at += 1)
          for (const [number, lie] of LIES.entries()) {
            if ((at + number) % each !== 0) continue;
            played += 1;
            problems.push(...(await play(at, lie, ever)));
          }
        t.log(`${played} of ${count * LIES.length} cases`);
        t.deepEqual(problems, []);
        t.true(played > 1000);
      },
    );
}
