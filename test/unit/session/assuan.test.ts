// Assuan's lines: what goes to pinentry cannot break out of its line or be taken for markup, and what comes is taken apart
// without a string of a secret.

import test from 'ava';
import { assuanLine, parseResponse, plain, unescapeData } from '../../../agent/session/assuan.ts';
import { SessionWatch } from '../../../agent/session/watch.ts';
import { readState, type SeenCard } from '../../../agent/session/state.ts';

test('text of a card has no markup, no control characters and no lines of its own', (t) => {
  t.is(plain('<b>x</b> & y'), '‹b›x‹/b› + y');
  t.is(plain('a\nERR 1\x1b[31m\u202ez'), 'a?ERR 1?[31m?z');
  t.is(plain('x'.repeat(500)).length, 120);
});

test('an argument stays in its line, and within Assuan’s limit', (t) => {
  t.is(assuanLine('SETDESC', 'a%0Ab\r\nc').toString(), 'SETDESC a%250Ab%0D%0Ac\n');
  t.is(assuanLine('GETPIN').toString(), 'GETPIN\n');
  const long = assuanLine('SETDESC', 'é%'.repeat(900));
  t.true(long.length <= 1001);
  t.false(long.toString().includes('\uFFFD'));
});

test('responses: data stays bytes, ends have meanings', (t) => {
  t.like(parseResponse(Buffer.from('OK Pleased to meet you')), { kind: 'end', end: 'ok' });
  t.like(parseResponse(Buffer.from('ERR 83886179 Operation cancelled <Pinentry>')), { end: 'cancelled' });
  t.like(parseResponse(Buffer.from('ERR 83886194 Not confirmed')), { end: 'not-confirmed' });
  t.like(parseResponse(Buffer.from('ERR 83886142 Timeout')), { end: 'timeout' });
  t.like(parseResponse(Buffer.from('ERR nonsense')), { end: 'failed' });
  t.is(parseResponse(Buffer.from('S PASSWORD_FROM_CACHE')).kind, 'other');
  const data = parseResponse(Buffer.from('D 12%2534'));
  t.is(data.kind, 'data');
  const into = Buffer.alloc(8);
  t.is(unescapeData(data.kind === 'data' ? data.bytes : Buffer.alloc(0), into, 0), 5);
  t.is(into.subarray(0, 5).toString(), '12%34');
  t.is(unescapeData(Buffer.from('12345'), Buffer.alloc(4), 0), null);
  t.is(unescapeData(Buffer.from('1%2'), into, 0), null);
  t.is(unescapeData(Buffer.from('1%zz'), into, 0), null);
});

function card(more: Partial<SeenCard> = {}): SeenCard {
  return {
    ...{ number: 1, token: 'a:1', label: 'PIV', reader: 'R', standing: 'unpaired', why: null, hash: 'AA' },
    ...{ identity: 'PIV:x', holder: null, issuer: null, prompt: true, claimed: false, ...more },
  };
}

function watch() {
  const done: string[] = [];
  const note =
    (what: string) =>
    ({ number }: { readonly number: number }): Promise<void> => {
      done.push(`${what} ${number}`);
      return Promise.resolve();
    };
  const parts = { session: '7', openDialog: note('dialog'), passOver: note('pass'), lock: note('lock') };
  return { done, session: new SessionWatch({ ...parts, log: () => undefined }) };
}

const state = (cards: readonly SeenCard[], loggingIn = false) => ({
  user: 'ada',
  loggingIn,
  cards,
  removals: [],
});

test('one dialog an insertion; none for cards of people, for claimed ones and where the prompt is off', async (t) => {
  const { done, session } = watch();
  session.take(state([card()]));
  session.take(state([card()]));
  session.take(
    state([
      card(),
      card({ number: 2, standing: 'own' }),
      card({ number: 3, standing: 'others' }),
      card({ number: 4, claimed: true }),
      card({ number: 5, prompt: false }),
      card({ number: 6, standing: 'unfit' }),
    ]),
  );
  // The prompt is switched on later: nobody has put a card in.
  session.take(state([card(), card({ number: 5 })]));
  await new Promise(setImmediate);
  t.deepEqual(done, ['dialog 1', 'dialog 6']);
});

test('a card that goes in during a login is passed over, and a removal of another session is none of ours', async (t) => {
  const { done, session } = watch();
  session.take(state([card()], true));
  const removal = { label: 'PIV', action: 'lock', done: true, command: ['i3lock'], claimed: false };
  const removals = [
    { ...removal, number: 8, session: '9' },
    { ...removal, number: 9, session: '7' },
    { ...removal, number: 10, session: '7', claimed: true },
  ];
  session.take({ ...state([]), removals });
  await new Promise(setImmediate);
  t.deepEqual(done, ['pass 1', 'lock 9']);
});

test('after a restart of scauthd a card that was in before is not new', async (t) => {
  const { done, session } = watch();
  session.takeAsSeen(state([card({ number: 70 }), card({ number: 71, token: 'b:2' })]), new Set(['a:1']));
  await new Promise(setImmediate);
  t.deepEqual(done, ['dialog 71']);
});

test('a state that makes no sense is refused', (t) => {
  const whole = { user: 'ada', prompt: true, loggingIn: false, cards: [card()], removals: [] };
  t.is(readState(whole).cards.length, 1);
  for (const broken of [
    {},
    { ...whole, cards: {} },
    { ...whole, cards: [{ ...card(), standing: 'friend' }] },
    { ...whole, cards: [{ ...card(), number: 1.5 }] },
    { ...whole, removals: [{ number: 1, command: [1] }] },
  ])
    t.throws(() => readState(broken), { code: 'malformed' });
});
