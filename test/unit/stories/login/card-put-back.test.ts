// C8: a card that was taken out and put back while somebody types. It is a new token, and its key is the one that was shown.

import test from 'ava';
import type { Token } from '../../../../agent/token/interface.ts';
import { AgentError } from '../../../../agent/base/errors.ts';
import {
  alice,
  ChangingTokens,
  FakeToken,
  pairing,
  PIN,
  type CardOptions,
} from '../../../kit/story/fakes.ts';
import { attacker, pairedTable, runLogin, victim } from '../../../kit/story/run-login.ts';

type Proving = ReturnType<Token['prove']>;

/** In no reader any more. */
class Pulled extends FakeToken {
  gone = false;

  override prove(...[identity, challenge, attempt]: Parameters<FakeToken['prove']>): Proving {
    if (!this.gone) return super.prove(identity, challenge, attempt);
    attempt.pin?.wipe();
    return Promise.reject(new AgentError('no-card'));
  }

  override pinState(): ReturnType<Token['pinState']> {
    return this.gone ? Promise.reject(new AgentError('no-card')) : super.pinState();
  }
}

interface Swap {
  readonly back: readonly FakeToken[];
  readonly typed?: readonly string[];
  readonly more?: Parameters<typeof runLogin>[1];
}

/** While the first prompt is open the card goes, and `back` is what is in after that. */
async function swapped({ back, typed = [PIN], more = {} }: Swap) {
  const first = new Pulled(victim);
  const tokens = new ChangingTokens(first);
  const [answer = PIN, ...others] = typed;
  const seen = await runLogin(null, {
    tokens,
    answers: [
      () => {
        first.gone = true;
        tokens.set(...back);
        return answer;
      },
      ...others,
    ],
    ...more,
  });
  return { ...seen, first };
}

const again = (options: CardOptions = {}) => new FakeToken(victim, { reader: 'Other reader', ...options });

test.serial('C8: put back, also into another reader: the PIN goes to it, and it logs in', async (t) => {
  const card = again();
  const { outcome, first, told } = await swapped({ back: [new FakeToken(attacker), card] });
  t.is(outcome, 'granted');
  t.deepEqual([first.sent, card.sent, told], [[], [PIN], []]);
});

test.serial('C8: out and not put back, or another card is in: nobody gets the PIN', async (t) => {
  const other = new FakeToken(attacker, { id: 'org.scauth.fake:02' });
  for (const back of [[], [other]]) {
    const { outcome, first, told } = await swapped({ back });
    t.is(outcome, 'unavailable card-removed');
    t.deepEqual(first.sent, []);
    t.regex(told.at(-1) ?? '', /was taken out/);
  }
  t.deepEqual(other.sent, []);
});

test.serial('C8: another key that this user has paired as well is not the one that was shown', async (t) => {
  const pairings = pairedTable();
  pairings.rows.push(pairing(alice.name, attacker.publicKey));
  const other = new FakeToken(attacker, { id: 'org.scauth.fake:02' });
  const { outcome } = await swapped({ back: [other], more: { pairings } });
  t.is(outcome, 'unavailable card-removed');
  t.deepEqual(other.sent, []);
});

test.serial('C8: it passes the gates anew, and the driver gate: no PIN where one says no', async (t) => {
  const contactless = again({ reader: 'Reader Contactless [Contactless Interface]' });
  const refused = await swapped({ back: [contactless] });
  t.is(refused.outcome, 'denied contactless-not-allowed');
  const card = again();
  const gated = await swapped({ back: [card], more: { parts: { driverGate: (token) => token !== card } } });
  t.is(gated.outcome, 'unavailable card-removed');
  t.deepEqual([...contactless.sent, ...card.sent], []);
});

test.serial('C8: it is asked in the way that it takes a PIN, or not at all', async (t) => {
  const onPad = again({ pad: () => PIN });
  t.is((await swapped({ back: [onPad] })).outcome, 'unavailable card-removed');
  const choosy = again({ acceptsPin: () => false });
  t.is((await swapped({ back: [choosy] })).outcome, 'unavailable card-removed');
  t.deepEqual([...onPad.sent, ...choosy.sent], []);
});

test.serial('C8: its own count decides: a last try is not spent unasked', async (t) => {
  const card = again({ triesLeft: 1 });
  const { outcome } = await swapped({ back: [card], typed: [PIN, 'no'] });
  t.is(outcome, 'denied pin-reserve');
  t.deepEqual(card.sent, []);
  const agreed = again({ triesLeft: 1 });
  t.is((await swapped({ back: [agreed], typed: [PIN, 'yes'] })).outcome, 'granted');
});

/** Goes when it has had a PIN. */
class Once extends Pulled {
  readonly leave: () => void;

  constructor(leave: () => void) {
    super(victim);
    this.leave = leave;
  }

  override async prove(...args: Parameters<FakeToken['prove']>): Proving {
    try {
      return await super.prove(...args);
    } finally {
      this.gone = true;
      this.leave();
    }
  }
}

test.serial('C8: before the second PIN prompt it is looked for as well', async (t) => {
  const card = again();
  const first: Once = new Once(() => {
    tokens.set(card);
  });
  const tokens = new ChangingTokens(first);
  const policy = { login: { pinAttempts: 2 } };
  const seen = await runLogin(t, { tokens, answers: ['000000', PIN], policy });
  t.is(seen.outcome, 'granted');
  t.deepEqual([first.sent, card.sent], [['000000'], [PIN]]);
});

/** Whose counter is still being read when it goes. */
class Counting extends Pulled {
  fail: (error: Error) => void = () => undefined;

  override pinState(): ReturnType<Token['pinState']> {
    return new Promise((_, reject) => {
      this.fail = reject;
    });
  }
}

test.serial(
  'C8: taken out while its counter is read: the one that is back decides, and nothing else does',
  async (t) => {
    for (const [code, outcome, sent] of [
      ['no-card', 'granted', [PIN]],
      ['card-reset', 'granted', [PIN]],
      ['card-fault', 'unavailable card-fault', []],
      ['pin-blocked', 'denied pin-blocked', []],
    ] as const) {
      const first = new Counting(victim);
      const card = again();
      const tokens = new ChangingTokens(first);
      const pulled = (): string => {
        first.gone = true;
        tokens.set(card);
        first.fail(new AgentError(code));
        return PIN;
      };
      const seen = await runLogin(t, { tokens, answers: [pulled] });
      t.is(seen.outcome, outcome, code);
      t.deepEqual(card.sent, sent);
    }
  },
);
