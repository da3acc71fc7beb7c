// The stories of changepin and unblock: which card, what is asked in which order, what reaches the card, what is
// recorded, and that no secret stays behind on any path.

import test, { type ExecutionContext } from 'ava';
import { AgentError, asAgentError } from '../../../../agent/base/errors.ts';
import type { Pin } from '../../../../agent/base/pin.ts';
import { freeSecretSlots, secretBlock } from '../../../../agent/base/secret.ts';
import { changeCardPin } from '../../../../agent/stories/pin/change-pin.ts';
import type { Token } from '../../../../agent/token/interface.ts';
import type { WantedToken } from '../../../../agent/stories/card/find/choose-token.ts';
import { unblockCardPin } from '../../../../agent/stories/pin/unblock-pin.ts';
import type { AuditEvent } from '../../../../agent/model/sealed-log/audit-event.ts';
import type { PinState, PinTry } from '../../../../agent/model/card/token.ts';
import { PIN_NOT_CHANGED_ON_READER } from '../../../../agent/words/login.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import {
  accounts,
  alice,
  bob,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noHelpDesk,
  noTrust,
  pairing,
  PIN,
  tokensOf,
  type Answer,
  type CardOptions,
} from '../../../kit/story/fakes.ts';
import { attacker, victim } from '../../../kit/story/run-login.ts';

const NEW = '48151623';
const PUK = '87654321';
const ANY: WantedToken = { id: null, user: null };
const ID = 'org.scauth.fake:01';
const peer = { pid: 7, uid: 1000, gid: 1000 };
const read = (pin: Pin): string => pin.peek((bytes) => bytes.toString());

interface PukOptions extends CardOptions {
  readonly pukTries?: number | null;
  /** The card does not take the new PIN, whatever acceptsPin said. */
  readonly refusesNew?: boolean;
}

/** A card that takes a new PIN; `set` is what it was given, as `proof>next`. */
class PinToken extends FakeToken {
  readonly set: string[] = [];
  pukTries: number | null;
  readonly #refusesNew: boolean;

  constructor(options: PukOptions = {}) {
    super(options.id === undefined ? victim : attacker, options);
    this.pukTries = options.pukTries === undefined ? 3 : options.pukTries;
    this.#refusesNew = options.refusesNew === true;
  }

  async changePin({ pin, permit }: PinTry, next: Pin): Promise<void> {
    permit(this.lastPinState);
    const old = pin ?? next;
    this.set.push(`${read(old)}>${read(next)}`);
    await Promise.resolve();
    if (read(old) !== PIN) throw new AgentError('wrong-pin', { triesLeft: 2 });
    if (this.#refusesNew) throw new AgentError('pin-malformed');
  }

  async unblockPin({ pin, permit }: PinTry, next: Pin): Promise<void> {
    permit({ triesLeft: this.pukTries, triesTotal: 3 });
    const puk = pin ?? next;
    this.set.push(`${read(puk)}>${read(next)}`);
    await Promise.resolve();
    if (read(puk) === PUK) return;
    this.pukTries = (this.pukTries ?? 3) - 1;
    if (this.pukTries === 0) throw new AgentError('puk-blocked', { triesLeft: 0 });
    throw new AgentError('wrong-puk', { triesLeft: this.pukTries });
  }

  acceptsPuk(puk: Pin): boolean {
    return puk.length === 8;
  }

  pukState(): Promise<PinState> {
    return Promise.resolve({ triesLeft: this.pukTries, triesTotal: 3 });
  }
}

interface Seen {
  readonly result: string;
  readonly events: readonly AuditEvent[];
  readonly asked: readonly string[];
  readonly told: readonly string[];
}

async function tell(
  t: ExecutionContext,
  story: (...args: Parameters<typeof unblockCardPin>) => Promise<Token>,
  tokens: readonly FakeToken[],
  answers: readonly Answer[],
  wanted: WantedToken = ANY,
): Promise<Seen> {
  const free = freeSecretSlots();
  const audit = new FakeAudit();
  const pairings = new FakePairings();
  pairings.rows.push(pairing(alice.name, victim.publicKey));
  const person = new FakePerson(answers);
  const parts = {
    ...{ policy: () => defaultPolicy, pairings, tokens: tokensOf(...tokens), audit },
    ...{ accounts, trust: noTrust, helpDesk: noHelpDesk },
  };
  const result = await story(wanted, { peer, person, parts }).then(
    (token): string => token.id,
    (error: unknown): string => asAgentError(error).code,
  );
  t.is(freeSecretSlots(), free, 'no secret is kept');
  t.false([PIN, NEW, PUK].some((secret) => secretBlock().includes(secret)));
  t.false(JSON.stringify(audit.events).includes(NEW));
  t.is(person.unused, 0);
  return { result, events: audit.events, asked: person.asked.map(({ text }) => text), told: person.told };
}

test.serial('changepin: old, new, new again; one command; recorded', async (t) => {
  const token = new PinToken();
  const { result, events, asked } = await tell(t, changeCardPin, [token], [PIN, NEW, NEW]);
  t.is(result, ID);
  t.deepEqual(token.set, [`${PIN}>${NEW}`]);
  t.deepEqual(token.sent, [], 'the old PIN goes with the new one, and not before');
  const key = { pkhh: victim.publicKey.pkhh, tokenId: ID, certificateSerial: null, certificateIssuer: null };
  const card = { tokenId: ID, user: alice.name, key, actor: peer };
  t.deepEqual(events, [{ kind: 'pin-changed', how: 'changed', good: true, ...card }]);
  t.deepEqual(asked, [
    "Enter PIN for 'Fake:Key (alice)': ",
    "Enter new PIN for 'Fake:Key (alice)': ",
    'Enter new PIN again: ',
  ]);
});

test.serial(
  'changepin: where the PIN is typed on the reader, that is said, and nothing is sent',
  async (t) => {
    const token = new PinToken({ pad: () => PIN });
    const { result, events, asked, told } = await tell(t, changeCardPin, [token], []);
    t.is(result, 'not-supported');
    t.deepEqual([token.set, events, asked], [[], [], []]);
    t.deepEqual(told, [PIN_NOT_CHANGED_ON_READER], 'nobody is told to type it there');
  },
);

test.serial('changepin: a wrong old PIN is recorded as a try', async (t) => {
  const { result, events } = await tell(t, changeCardPin, [new PinToken()], ['000000', NEW, NEW]);
  t.is(result, 'wrong-pin');
  t.like(events, [{ kind: 'pin-changed', good: false }]);
});

test.serial('changepin: a new PIN that the card refuses after all is no try of anybody', async (t) => {
  const token = new PinToken({ refusesNew: true });
  const { result, events } = await tell(t, changeCardPin, [token], [PIN, NEW, NEW]);
  t.is(result, 'pin-malformed');
  t.deepEqual(events, []);
});

test.serial('a new PIN that differs, is unfit or is the old one: three rounds, nothing sent', async (t) => {
  const token = new PinToken();
  const { result, told } = await tell(t, changeCardPin, [token], [PIN, NEW, '48151624', '12', PIN]);
  t.is(result, 'pin-malformed');
  t.deepEqual(token.set, []);
  t.is(told.length, 3);
});

test.serial('a mistake in the first round is mended in the second', async (t) => {
  const token = new PinToken();
  t.is((await tell(t, changeCardPin, [token], [PIN, 'not digits', NEW, NEW])).result, ID);
  t.deepEqual(token.set, [`${PIN}>${NEW}`]);
});

test.serial('L5, L6: Ctrl-C or nothing at each question: nothing is sent, nothing recorded', async (t) => {
  for (const story of [changeCardPin, unblockCardPin]) {
    const proof = story === changeCardPin ? PIN : PUK;
    for (const nothing of [null, ''] as const) {
      for (const before of [[], [proof], [proof, NEW]]) {
        const token = new PinToken();
        const { result, events } = await tell(t, story, [token], [...before, nothing]);
        t.is(result, 'cancelled');
        t.deepEqual([token.set, token.sent, events], [[], [], []]);
      }
    }
  }
});

test.serial('changepin: the last try needs a yes; a blocked PIN is not asked for', async (t) => {
  const last = new PinToken({ triesLeft: 1 });
  t.is((await tell(t, changeCardPin, [last], [PIN])).result, 'pin-reserve');
  t.deepEqual(last.set, []);
  t.is((await tell(t, changeCardPin, [last], ['yes', PIN, NEW, NEW])).result, ID);
  t.is((await tell(t, changeCardPin, [new PinToken({ triesLeft: 0 })], [])).result, 'pin-blocked');
});

test.serial(
  'a driver that cannot, and a PIN that is typed on the reader: said so, nothing asked',
  async (t) => {
    for (const story of [changeCardPin, unblockCardPin])
      t.is((await tell(t, story, [new FakeToken(victim)], [])).result, 'not-supported');
    const pad = new PinToken({ pad: () => PIN });
    const { result, asked } = await tell(t, changeCardPin, [pad], []);
    t.deepEqual([result, asked], ['not-supported', []]);
    t.deepEqual(pad.sent, []);
  },
);

test.serial('which card: the named one, the only one, the paired one', async (t) => {
  const own = new PinToken();
  const other = new PinToken({ id: 'x:2' });
  const answers = [PIN, NEW, NEW];
  t.is((await tell(t, changeCardPin, [], [])).result, 'no-card');
  t.is((await tell(t, changeCardPin, [own, other], [])).result, 'invalid-argument');
  t.is((await tell(t, changeCardPin, [own, other], answers, { id: other.id, user: null })).result, 'x:2');
  t.is((await tell(t, changeCardPin, [other, own], answers, { id: null, user: alice.name })).result, ID);
  t.is((await tell(t, changeCardPin, [other], [], { id: null, user: alice.name })).result, 'no-identity');
  t.is((await tell(t, changeCardPin, [own], [], { id: null, user: bob.name })).result, 'not-paired');
});

test.serial('unblock: also with a blocked PIN; one command; recorded', async (t) => {
  const token = new PinToken({ triesLeft: 0 });
  const { result, events, asked } = await tell(t, unblockCardPin, [token], [PUK, NEW, NEW]);
  t.is(result, ID);
  t.deepEqual(token.set, [`${PUK}>${NEW}`]);
  t.like(events, [{ kind: 'pin-changed', how: 'unblocked', good: true }]);
  t.is(asked[0], "Enter PUK for 'Fake:Key (alice)': ");
});

test.serial('unblock: a wrong PUK and the one that blocks are recorded', async (t) => {
  const token = new PinToken({ pukTries: 2 });
  const wrong = await tell(t, unblockCardPin, [token], ['11111111', NEW, NEW]);
  t.deepEqual([wrong.result, token.pukTries], ['wrong-puk', 1]);
  t.like(wrong.events, [{ how: 'unblocked', good: false }]);
  const last = await tell(t, unblockCardPin, [token], ['yes', '11111111', NEW, NEW]);
  t.is(last.result, 'puk-blocked');
  t.like(last.events, [{ how: 'unblocked', good: false }]);
});

test.serial("unblock: the PUK's last try needs a yes; a blocked PUK is not asked for", async (t) => {
  const last = new PinToken({ pukTries: 1 });
  for (const no of ['', 'no', PUK, null])
    t.is((await tell(t, unblockCardPin, [last], [no])).result, 'cancelled');
  t.deepEqual(last.set, []);
  t.is((await tell(t, unblockCardPin, [new PinToken({ pukTries: 0 })], [])).result, 'puk-blocked');
  const silent = new PinToken({ pukTries: null });
  t.is((await tell(t, unblockCardPin, [silent], [PUK, NEW, NEW])).result, ID);
});

test.serial('unblock: what cannot be a PUK is not sent', async (t) => {
  const token = new PinToken();
  t.is((await tell(t, unblockCardPin, [token], ['1234'])).result, 'pin-malformed');
  t.deepEqual(token.set, []);
});

test.serial('prompts stay within what a relay takes', async (t) => {
  const token = new PinToken({ label: 'ä'.repeat(2000) });
  for (const [story, proof] of [
    [changeCardPin, PIN],
    [unblockCardPin, PUK],
  ] as const) {
    const { asked } = await tell(t, story, [token], [proof, NEW, NEW]);
    t.true(asked.every((text) => Buffer.byteLength(text) <= 512));
  }
});
