// The tries of a PIN: what decides is what is known when the PIN is about to go, and nothing but a right PIN makes it
// forgotten.
import test from 'ava';
import { AgentError, type AgentErrorCode } from '../../../../agent/base/errors.ts';
import { FRESH_MS, PinTries, TryMemory, type ToldTries } from '../../../../agent/model/card/pin-tries.ts';
import type { PinState, TryPermit } from '../../../../agent/model/card/token.ts';
import { RECOVERY_MS } from '../../../../agent/model/card/wrong-pins.ts';

class Time {
  now = 0;
  readonly nowMs = (): number => this.now;
  readonly monotonicMs = (): number => this.now;
}

const any: TryPermit = () => undefined;
const count = (triesLeft: number | null): ToldTries => ({ triesLeft, triesTotal: null });

/** A PIN that is sent and fails. */
async function fail(tries: PinTries, code: AgentErrorCode, triesLeft?: number): Promise<void> {
  const failure = new AgentError(code, triesLeft === undefined ? {} : { triesLeft });
  await tries
    .spend(any, async (admit) => {
      await admit(() => Promise.resolve(count(null)));
      throw failure;
    })
    .catch((error: unknown) => {
      if (error !== failure) throw error;
    });
}

async function succeed(tries: PinTries): Promise<void> {
  await tries.spend(any, (admit) => admit(() => Promise.resolve(count(null))));
}

test('S4: three that wait with a PIN each: each is asked with what the one before has left', async (t) => {
  const tries = new PinTries(new Time());
  tries.heard({ triesLeft: 3, triesTotal: 3 });
  let card = 3;
  const asked: (number | null)[] = [];
  const one = (): Promise<void> =>
    tries.spend(
      (now) => {
        asked.push(now.triesLeft);
        if (now.triesLeft === 1) throw new AgentError('pin-reserve', { triesLeft: 1 });
      },
      async (admit) => {
        await admit(() => Promise.reject(new Error('what is known is fresh')));
        await new Promise(setImmediate);
        throw new AgentError('wrong-pin', { triesLeft: --card });
      },
    );
  const ends = await Promise.allSettled([one(), one(), one()]);
  t.deepEqual(asked, [3, 2, 1]);
  t.is(card, 1);
  t.deepEqual(
    ends.map((end) => (end.status === 'rejected' ? (end.reason as AgentError).code : 'sent')),
    ['wrong-pin', 'wrong-pin', 'pin-reserve'],
  );
});

test('S4: a count that is old is read again before the PIN goes, and one that is not, is not', async (t) => {
  const time = new Time();
  const tries = new PinTries(time);
  tries.heard({ triesLeft: 3, triesTotal: 3 });
  let reads = 0;
  const seen: PinState[] = [];
  const ask = (): Promise<void> =>
    tries.spend(
      (now) => {
        seen.push(now);
        throw new AgentError('pin-reserve');
      },
      (admit) =>
        admit(() => {
          reads += 1;
          return Promise.resolve(count(1));
        }),
    );
  time.now += FRESH_MS;
  await t.throwsAsync(ask(), { code: 'pin-reserve' });
  t.is(reads, 0);
  time.now += 1;
  await t.throwsAsync(ask(), { code: 'pin-reserve' });
  t.is(reads, 1);
  t.deepEqual(
    seen.map(({ triesLeft }) => triesLeft),
    [3, 1],
  );
});

test('S4: nothing is sent without a look at the tries', async (t) => {
  const tries = new PinTries(new Time());
  await t.throwsAsync(
    tries.spend(any, () => Promise.resolve()),
    { code: 'internal' },
  );
});

test('K8: one try left is said once by a flag, and holds until a right PIN, also when the card is put in again', async (t) => {
  const memory = new TryMemory(new Time());
  const tries = memory.of('card', '0', 'key');
  tries.heard(count(null));
  await fail(tries, 'wrong-pin');
  await fail(tries, 'wrong-pin', 1);
  const again = memory.of('card', '0', 'key');
  again.heard(count(null));
  t.is(again.state.triesLeft, 1);
  await succeed(again);
  t.deepEqual(again.state, { triesLeft: null, triesTotal: null });
  t.is(memory.of('card', '0', 'another key').state.triesLeft, null, 'a card that only calls itself the same');
});

test('K8: a card that was blocked and no longer says so has one try, and a number that it says is the truth', async (t) => {
  const tries = new PinTries(new Time());
  await fail(tries, 'pin-blocked', 0);
  t.is(tries.state.triesLeft, 0);
  tries.heard(count(null));
  t.is(tries.state.triesLeft, 1);
  tries.heard(count(3));
  t.is(tries.state.triesLeft, 3);
});

test('K8: wrong PINs are counted where the card does not, and what may have been one', async (t) => {
  const tries = new PinTries(new Time());
  await fail(tries, 'wrong-pin');
  await fail(tries, 'card-fault');
  t.is(tries.state.wrong, 2);
  for (const code of ['cancelled', 'pin-malformed', 'pin-timeout', 'card-changed', 'no-identity'] as const)
    await fail(tries, code);
  t.is(tries.state.wrong, 2, 'no try is gone with these');
  await succeed(tries);
  t.is(tries.state.wrong, undefined);
  tries.heard({ triesLeft: null, triesTotal: null, low: true });
  t.is(tries.state.wrong, 1, "somebody's wrong PIN");
  tries.heard(count(null));
  t.is(tries.state.wrong, 1);
});

test('S4: a right PIN gives a TPM no try back, and time gives one after the other', async (t) => {
  const time = new Time();
  const tries = TryMemory.ofTpm(time).of('tpm', '0');
  await fail(tries, 'wrong-pin');
  time.now += RECOVERY_MS - 1;
  await fail(tries, 'wrong-pin');
  await succeed(tries);
  t.is(tries.state.wrong, 2, 'the second one starts the time anew');
  time.now += RECOVERY_MS - 1;
  t.is(tries.state.wrong, 2);
  time.now += 1;
  t.is(tries.state.wrong, 1);
  await succeed(tries);
  time.now += RECOVERY_MS - 1;
  t.is(tries.state.wrong, 1, 'both do not fade at once, and a right PIN does not hurry it');
  time.now += 1;
  t.is(tries.state.wrong, undefined);
  time.now += 9 * RECOVERY_MS;
  await fail(tries, 'wrong-pin');
  t.is(tries.state.wrong, 1, 'time without wrong PINs is not saved up');
});

test("S4: all tokens of a TPM have one counter and one turn, and a card's PINs each their own", async (t) => {
  for (const [memory, most, second] of [
    [TryMemory.ofTpm(new Time()), 1, 2],
    [new TryMemory(new Time()), 2, 1],
  ] as const) {
    const [one, other] = [memory.of('token', '0'), memory.of('other token', '0')];
    let sending = 0;
    let atOnce = 0;
    const wrongPin = (tries: PinTries): Promise<void> =>
      tries.spend(any, async (admit) => {
        await admit(() => Promise.resolve(count(null)));
        atOnce = Math.max(atOnce, ++sending);
        await new Promise(setImmediate);
        sending -= 1;
        throw new AgentError('wrong-pin');
      });
    await Promise.allSettled([one, other].map(wrongPin));
    t.is(atOnce, most);
    t.deepEqual([one.state.wrong, other.state.wrong], [second, second]);
  }
});

test('K8: what a TPM has said of its last tries outlives a right PIN as wrong PINs, and is asked again', async (t) => {
  for (const [code, left, wrong] of [
    ['wrong-pin', 1, 2],
    ['pin-blocked', 0, 3],
  ] as const) {
    const tries = TryMemory.ofTpm(new Time()).of('tpm', '0');
    tries.heard(count(null));
    await fail(tries, code, left);
    t.is(tries.state.triesLeft, left);
    await succeed(tries);
    t.deepEqual(tries.state, { triesLeft: null, triesTotal: null, wrong });
    let reads = 0;
    await tries.spend(any, (admit) =>
      admit(() => {
        reads += 1;
        return Promise.resolve(count(null));
      }),
    );
    t.is(reads, 1, 'nothing that is known of it is fresh');
  }
});

test('the memory is bounded, and what was seen last stays', (t) => {
  const memory = new TryMemory(new Time());
  const kept = memory.of('kept');
  for (let n = 0; n < 2000; n += 1) {
    memory.of(`card ${n}`);
    if (n % 100 === 0) memory.of('kept');
  }
  t.is(memory.of('kept'), kept);
  const first = memory.of('card 0');
  first.heard(count(1));
  t.is(memory.of('card 0').state.triesLeft, 1);
});
