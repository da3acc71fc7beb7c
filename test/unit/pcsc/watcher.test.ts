// The watcher over a fake winscard: insertion, removal, swap, mute cards, readers that come and go, pcscd up and down.
import test from 'ava';
import * as C from '../../../agent/pcsc/constants.ts';
import type { CardEvent } from '../../../agent/pcsc/events.ts';
import type { ReaderEvent } from '../../../agent/pcsc/library.ts';
import { ReaderTable } from '../../../agent/pcsc/reader-table.ts';
import { CardWatcher } from '../../../agent/pcsc/watcher.ts';
import { Winscard, WinscardSlot } from '../../../agent/pcsc/winscard.ts';
import { ATR, FakeLibrary, READER } from './fake-library.ts';

const counter = (insertions: number): number => insertions * 0x10000;
const present = (count: number, name = READER, atr = ATR): ReaderEvent => ({
  name,
  eventState: C.SCARD_STATE_CHANGED | C.SCARD_STATE_PRESENT | counter(count),
  atr,
});
const empty = (count: number, name = READER): ReaderEvent => ({
  name,
  eventState: C.SCARD_STATE_CHANGED | C.SCARD_STATE_EMPTY | counter(count),
  atr: Buffer.alloc(0),
});
const mute = (count: number): ReaderEvent => ({
  name: READER,
  eventState: C.SCARD_STATE_PRESENT | C.SCARD_STATE_MUTE | counter(count),
  atr: Buffer.alloc(0),
});

function table(...readers: string[]): ReaderTable {
  const made = new ReaderTable({
    slot: (reader, atr) => new WinscardSlot(reader, atr, () => Promise.reject(new Error())),
  });
  made.keepOnly(readers);
  return made;
}
const kinds = (events: readonly CardEvent[]): string[] => events.map(({ kind }) => kind);

test('insertion and removal', (t) => {
  const readers = table(READER);
  t.deepEqual(readers.update([empty(0)]), []);
  const [event] = readers.update([present(1)]);
  t.like(event, { kind: 'card-in', slot: { reader: READER, atr: ATR } });
  t.deepEqual(readers.update([present(1)]), [], 'in use by another program: no event');
  t.deepEqual(kinds(readers.update([empty(2)])), ['card-out']);
  t.deepEqual(readers.update([empty(2)]), []);
});

test('a card swapped between two looks is out and in', async (t) => {
  const readers = table(READER);
  const [first] = readers.update([present(1)]);
  t.deepEqual(kinds(readers.update([present(3)])), ['card-out', 'card-in']);
  if (first?.kind !== 'card-in') throw new Error('no card');
  await t.throwsAsync(first.slot.open(), { code: 'no-card' });
});

test('a mute card is told once, and is a card when it answers', (t) => {
  const readers = table(READER);
  t.deepEqual(kinds(readers.update([mute(1)])), ['card-mute']);
  t.deepEqual(readers.update([mute(1)]), []);
  t.deepEqual(kinds(readers.update([present(1)])), ['card-out', 'card-in']);
  t.deepEqual(kinds(readers.update([mute(3)])), ['card-out', 'card-mute']);
});

test('a card without ATR yet is waited for', (t) => {
  const readers = table(READER);
  t.deepEqual(readers.update([present(1, READER, Buffer.alloc(0))]), []);
  t.deepEqual(kinds(readers.update([present(1)])), ['card-in']);
});

test('a reader that goes takes its card along, listed or not', (t) => {
  const readers = table(READER, 'B');
  readers.update([present(1), present(1, 'B')]);
  t.deepEqual(readers.keepOnly([READER]), [{ kind: 'card-out', reader: 'B', removed: true }]);
  const gone = {
    name: READER,
    eventState: C.SCARD_STATE_CHANGED | C.SCARD_STATE_UNKNOWN,
    atr: Buffer.alloc(0),
  };
  t.deepEqual(readers.update([gone]), [{ kind: 'card-out', reader: READER, removed: true }]);
  t.deepEqual(readers.states(), []);
});

/** A running watcher, and its events as they come. */
function watch(prepare: (library: FakeLibrary) => void = () => undefined) {
  const library = new FakeLibrary();
  prepare(library);
  const watcher = new CardWatcher(new Winscard({}, library));
  const events: CardEvent[] = [];
  const waiting: { kind: string; go: () => void }[] = [];
  watcher.subscribe((event) => {
    events.push(event);
    const name = event.kind === 'service' ? `${event.kind} ${event.up ? 'up' : 'down'}` : event.kind;
    for (const one of waiting.splice(0)) {
      if (one.kind === name) one.go();
      else waiting.push(one);
    }
  });
  const next = (kind: string): Promise<void> => new Promise((go) => waiting.push({ kind, go }));
  return { library, watcher, events, next };
}

test('the first look tells the service and the cards that are in, before poke settles', async (t) => {
  const { library, watcher, events } = watch((fake) => {
    fake.see(present(1));
  });
  watcher.start();
  await watcher.poke();
  t.deepEqual(kinds(events), ['service', 'card-in']);
  await watcher.stop();
  t.is(library.contexts.size, 0);
});

test('without pcscd: down, and poke tries at once', async (t) => {
  const { library, watcher, events } = watch((fake) => {
    fake.returns.establishContext = [C.SCARD_E_NO_SERVICE, C.SCARD_W_SECURITY_VIOLATION];
  });
  watcher.start();
  await watcher.poke();
  t.like(events[0], { kind: 'service', up: false, error: { code: 'no-service' } });
  await watcher.poke();
  t.like(events[1], { kind: 'service', up: false, error: { code: 'not-authorised' } });
  library.see(present(1));
  await watcher.poke();
  t.deepEqual(kinds(events.slice(2)), ['service', 'card-in']);
  await watcher.stop();
});

test('pcscd that dies takes the cards along, and they come back with it', async (t) => {
  const { library, watcher, events, next } = watch((fake) => {
    fake.see(present(1));
  });
  watcher.start();
  await watcher.poke();
  for (const rv of [
    C.SCARD_E_NO_SERVICE,
    C.SCARD_E_SERVICE_STOPPED,
    C.SCARD_F_COMM_ERROR,
    C.SCARD_E_INVALID_HANDLE,
  ]) {
    events.length = 0;
    const down = next('service down');
    library.fail(rv);
    await down;
    const back = next('card-in');
    library.see(present(1));
    await watcher.poke();
    await back;
    t.deepEqual(kinds(events), ['card-out', 'service', 'service', 'card-in'], `${rv}`);
    t.like(events[0], { removed: false }, 'it may be in still');
  }
  await watcher.stop();
});

test('a reader that goes between listing and waiting is no failure', async (t) => {
  const { library, watcher, events, next } = watch((fake) => {
    fake.see(present(1));
  });
  watcher.start();
  await watcher.poke();
  const out = next('card-out');
  library.readers = [];
  library.fail(C.SCARD_E_UNKNOWN_READER);
  await out;
  t.deepEqual(kinds(events), ['service', 'card-in', 'card-out']);
  await watcher.stop();
});

test('no readers at all is a service that is up', async (t) => {
  const { watcher, events } = watch((fake) => {
    fake.returns.listReaders = [C.SCARD_E_NO_READERS_AVAILABLE];
  });
  watcher.start();
  await watcher.poke();
  t.deepEqual(events, [{ kind: 'service', up: true }]);
  await watcher.stop();
});

test('stop cancels the wait, and stops a watcher that has no pcscd', async (t) => {
  const up = watch();
  up.watcher.start();
  await up.watcher.poke();
  await up.watcher.stop();
  t.true(up.library.calls.includes('cancel'));
  const down = watch((fake) => {
    fake.returns.establishContext = [C.SCARD_E_NO_SERVICE];
  });
  down.watcher.start();
  await down.watcher.poke();
  await down.watcher.stop();
  await down.watcher.poke();
  t.pass();
});

for (const count of [1, 15, 16, 17, 33]) {
  test(`S16: with ${count} readers the card in the last one is seen, and no call asks for more than 16`, async (t) => {
    const { library, watcher, events } = watch((fake) => {
      fake.readers = [...Array(count).keys()].map((index) => `Reader ${index}`);
      fake.see(present(1, `Reader ${count - 1}`));
    });
    watcher.start();
    await watcher.poke();
    t.deepEqual(kinds(events), ['service', 'card-in']);
    t.true(library.asked.every((asked) => asked <= 16));
    const looks = library.calls.filter((call) => call === 'getStatusChange').length;
    if (count <= 16) t.is(library.asked[0], count < 16 ? count + 1 : 16, 'one call, as with few readers');
    else t.true(looks >= Math.ceil((count + 1) / 16));
    await watcher.stop();
  });
}
