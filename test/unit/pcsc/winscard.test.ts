// Card slots over a fake winscard: deadlines, calls that never return, dead contexts, and what is wiped.
import test from 'ava';
import { freeSecretSlots } from '../../../agent/base/secret.ts';
import * as C from '../../../agent/pcsc/constants.ts';
import { Winscard, type WinscardOptions, type WinscardSlot } from '../../../agent/pcsc/winscard.ts';
import { ATR, FakeLibrary, READER } from './fake-library.ts';

const SELECT = Buffer.from('00a40400', 'hex');
const SHORT: WinscardOptions = { openTimeoutMs: 20, transmitTimeoutMs: 20 };

function reader(options: WinscardOptions = {}): {
  library: FakeLibrary;
  slot: WinscardSlot;
  winscard: Winscard;
} {
  const library = new FakeLibrary();
  const winscard = new Winscard(options, library);
  return { library, slot: winscard.slot(READER, ATR), winscard };
}

/** Until all that can run without a timer has run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('open, transmit, close: connect, begin, transmit, disconnect; the context stays for the next', async (t) => {
  const { library, slot, winscard } = reader({ extendedLength: 'never' });
  for (const disposition of ['leave', 'reset'] as const) {
    const channel = await slot.open();
    t.deepEqual(await channel.transmit(SELECT), Buffer.from('9000', 'hex'));
    await channel.close(disposition);
    await channel.close(disposition);
  }
  t.deepEqual(library.calls, [
    ...['establishContext', 'connect', 'beginTransaction', 'transmit 00a40400', 'disconnect leave'],
    ...['connect', 'beginTransaction', 'transmit 00a40400', 'endTransaction reset', 'disconnect leave'],
  ]);
  await winscard.close();
  t.is(library.contexts.size, 0);
});

test('a context that died with pcscd is replaced quietly, once', async (t) => {
  for (const rv of [
    C.SCARD_E_INVALID_HANDLE,
    C.SCARD_E_NO_SERVICE,
    C.SCARD_E_SERVICE_STOPPED,
    C.SCARD_F_COMM_ERROR,
  ]) {
    const { library, slot } = reader({ extendedLength: 'never' });
    await (await slot.open()).close('leave');
    library.returns.connect = [rv];
    await (await slot.open()).close('leave');
    library.returns.connect = [rv, rv];
    await t.throwsAsync(slot.open(), { code: 'no-service' });
    t.is(library.contexts.size, 0);
    await (await slot.open()).close('leave');
  }
});

test('no pcscd is no-service; refused by polkit is not-authorised', async (t) => {
  const { library, slot } = reader();
  library.returns.establishContext = [C.SCARD_E_NO_SERVICE, C.SCARD_W_SECURITY_VIOLATION];
  await t.throwsAsync(slot.open(), { code: 'no-service' });
  await t.throwsAsync(slot.open(), { code: 'not-authorised' });
  library.returns.connect = [C.SCARD_E_NO_SMARTCARD, C.SCARD_E_SHARING_VIOLATION];
  await t.throwsAsync(slot.open(), { code: 'no-card' });
  await t.throwsAsync(slot.open(), { code: 'card-busy' });
  t.notThrows(() => slot.open());
});

test('a card that was reset before the transaction began is begun again', async (t) => {
  const { library, slot } = reader({ extendedLength: 'never' });
  library.returns.beginTransaction = [C.SCARD_W_RESET_CARD];
  await (await slot.open()).close('leave');
  t.true(library.calls.includes('reconnect'));
  library.returns.beginTransaction = Array<number>(3).fill(C.SCARD_W_RESET_CARD);
  await t.throwsAsync(slot.open(), { code: 'card-reset' });
  library.returns.beginTransaction = [C.SCARD_W_REMOVED_CARD];
  await t.throwsAsync(slot.open(), { code: 'no-card' });
});

test('a transaction that another program keeps from us is card-busy, and its context is released to end the call', async (t) => {
  const { library, slot } = reader(SHORT);
  const begin = library.block('beginTransaction');
  await t.throwsAsync(slot.open(), { code: 'card-busy' });
  t.is(library.calls.at(-1), 'releaseContext 1');
  await t.throwsAsync(slot.open(), { code: 'card-busy' }, 'until the call has come back');
  begin.release(C.SCARD_E_INVALID_HANDLE);
  await settled();
  await (await slot.open()).close('leave');
});

test('a connect that blocks is card-busy; what it brings in the end is let go', async (t) => {
  const { library, slot } = reader(SHORT);
  const connect = library.block('connect');
  await t.throwsAsync(slot.open(), { code: 'card-busy' });
  const made = library.calls.length;
  await t.throwsAsync(slot.open(), { code: 'card-busy' });
  t.is(library.calls.length, made, 'no second thread into a reader that blocks');
  connect.release();
  await settled();
  t.is(library.calls.at(-1), 'releaseContext 1');
  await (await slot.open()).close('leave');
});

test('a transmit that does not return is card-timeout; the reader is free again, and reset, when it does', async (t) => {
  const { library, slot } = reader({ ...SHORT, extendedLength: 'never' });
  const free = freeSecretSlots();
  const channel = await slot.open();
  const transmit = library.block('transmit');
  const secret = Buffer.from('0020008008313233343536ffff', 'hex');
  await t.throwsAsync(channel.transmit(secret), { code: 'card-timeout' });
  secret.fill(0);
  t.is(library.command.toString('hex'), '0020008008313233343536ffff', 'the call still has its own copy');
  await t.throwsAsync(channel.transmit(SELECT), { code: 'card-timeout' });
  await channel.close('reset');
  const refused = await t.throwsAsync(slot.open());
  t.like(refused, { code: 'card-busy', detail: 'an earlier call to the reader has not returned' }, 'at once');
  transmit.release();
  await settled();
  t.deepEqual(library.calls.slice(-3), ['endTransaction reset', 'disconnect leave', 'releaseContext 1']);
  t.true(
    library.command.every((byte) => byte === 0),
    'and loses it',
  );
  t.is(freeSecretSlots(), free);
  await (await slot.open()).close('leave');
});

test('a close that does not return does not hang its caller', async (t) => {
  const { library, slot } = reader({ ...SHORT, extendedLength: 'never' });
  const channel = await slot.open();
  const end = library.block('disconnect');
  await channel.close('leave');
  await t.throwsAsync(slot.open(), { code: 'card-busy' });
  end.release();
  await settled();
  await (await slot.open()).close('leave');
});

test('two that open at once take turns', async (t) => {
  const { library, slot } = reader({ extendedLength: 'never' });
  const first = await slot.open();
  const second = slot.open();
  await settled();
  t.is(library.calls.filter((call) => call === 'connect').length, 1);
  await first.close('leave');
  await (await second).close('leave');
  t.is(library.calls.filter((call) => call === 'connect').length, 2);
});

test('waiting for its turn ends at the deadline, and does not take the turn of the next', async (t) => {
  const { slot } = reader({ ...SHORT, extendedLength: 'never' });
  const first = await slot.open();
  await t.throwsAsync(slot.open(), { code: 'card-busy' });
  await first.close('leave');
  await (await slot.open()).close('leave');
});

test('errors of transmit: reset, removed, no service', async (t) => {
  const { library, slot } = reader({ extendedLength: 'never' });
  const expected = [
    [C.SCARD_W_RESET_CARD, 'card-reset'],
    [C.SCARD_W_REMOVED_CARD, 'no-card'],
    [C.SCARD_E_NO_SERVICE, 'no-service'],
  ] as const;
  for (const [rv, code] of expected) {
    const channel = await slot.open();
    library.returns.transmit = [rv];
    await t.throwsAsync(channel.transmit(SELECT), { code });
    await channel.close('leave');
  }
});

test('a card that was pulled shows as a failed transmit or an empty reply first: the reader is asked', async (t) => {
  for (const empty of [false, true]) {
    for (const [eventState, code] of [
      [C.SCARD_STATE_EMPTY, 'no-card'],
      [C.SCARD_STATE_PRESENT, 'card-fault'],
    ] as const) {
      const { library, slot } = reader({ extendedLength: 'never' });
      const channel = await slot.open();
      if (empty) library.reply = Buffer.alloc(0);
      else library.returns.transmit = [C.SCARD_E_NOT_TRANSACTED];
      library.looks.push({ rv: C.SCARD_S_SUCCESS, events: [{ name: READER, eventState, atr: ATR }] });
      await t.throwsAsync(channel.transmit(SELECT), { code });
      await channel.close('leave');
    }
  }
});

test('the same when it is opened; a card that could not be powered up is mute first, and then gone', async (t) => {
  const { SCARD_STATE_PRESENT: present, SCARD_STATE_MUTE: mute, SCARD_STATE_CHANGED: changed } = C;
  for (const call of ['connect', 'beginTransaction'] as const)
    for (const [last, code] of [
      [C.SCARD_STATE_EMPTY | changed, 'no-card'],
      [present | mute, 'card-fault'],
    ] as const) {
      const { library, slot } = reader({ extendedLength: 'never' });
      library.returns[call] = [C.SCARD_W_UNRESPONSIVE_CARD];
      for (const eventState of [present | mute | changed, last])
        library.looks.push({ rv: C.SCARD_S_SUCCESS, events: [{ name: READER, eventState, atr: ATR }] });
      await t.throwsAsync(slot.open(), { code });
      t.is(library.looks.length, 0, 'it was looked at until nothing changed any more');
      await (await slot.open()).close('leave');
    }
});

test('a card that was swapped is gone, although there is one in the reader', async (t) => {
  const { library, slot } = reader({ extendedLength: 'never' });
  const channel = await slot.open();
  const transmit = library.block('transmit');
  const sent = channel.transmit(SELECT);
  await transmit.entered;
  slot.end();
  transmit.release(C.SCARD_E_NOT_TRANSACTED);
  await t.throwsAsync(sent, { code: 'no-card' });
  await channel.close('leave');
});

test('the buffers of an APDU are wiped when it is done', async (t) => {
  const { library, slot } = reader({ extendedLength: 'never' });
  const channel = await slot.open();
  library.reply = Buffer.from('0102039000', 'hex');
  await channel.transmit(SELECT);
  t.true(library.command.every((byte) => byte === 0));
  t.true(library.receive.every((byte) => byte === 0));
  await channel.close('leave');
});

test('extended length: both ATR and reader must say so; a reader known by name need not', async (t) => {
  const features = { rv: 0, reply: Buffer.from('120442330012', 'hex') };
  const says = (size: number): { rv: number; reply: Buffer } => {
    const reply = Buffer.from('0A0400000000', 'hex');
    reply.writeUInt32LE(size, 2);
    return { rv: 0, reply };
  };
  const shortAtr = Buffer.from('3BFD1300008131FE158073C0218057597562694B657900', 'hex');
  const open = async (
    options: WinscardOptions,
    name: string,
    atr: Buffer,
    controls: FakeLibrary['controls'],
  ) => {
    const library = new FakeLibrary();
    library.controls = controls;
    const channel = await new Winscard(options, library).slot(name, atr).open();
    await channel.close('leave');
    return channel.extendedLength;
  };
  t.true(await open({}, READER, ATR, [features, says(65_536)]));
  t.false(await open({}, READER, ATR, [features, says(0)]));
  t.false(await open({}, READER, ATR, [features]));
  t.false(await open({}, READER, ATR, []));
  t.false(await open({}, READER, shortAtr, [features, says(65_536)]));
  t.true(await open({}, 'Virtual PCD 00 00', ATR, []));
  t.false(await open({}, 'Virtual PCD 00 00', shortAtr, []));
  t.true(await open({ extendedLength: 'always' }, READER, shortAtr, []));
  t.false(await open({ extendedLength: 'never' }, 'Virtual PCD 00 00', ATR, []));
});

test('a slot whose card is gone opens no more', async (t) => {
  const { library, slot } = reader({ extendedLength: 'never' });
  const connect = library.block('connect');
  const opening = slot.open();
  await connect.entered;
  slot.end();
  connect.release();
  await t.throwsAsync(opening, { code: 'no-card' });
  t.is(library.calls.at(-1), 'disconnect leave');
  await t.throwsAsync(slot.open(), { code: 'no-card' });
});
