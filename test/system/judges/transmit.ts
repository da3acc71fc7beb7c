// Sends command APDUs, given as hex arguments, to the card in the first reader, and prints each response APDU as hex.
// The judges' programs rewrite what they are asked to send (extended length, 61xx); this one sends it as it is.
// PC/SC part 5; pcsclite's winscard.h (DWORD is `unsigned long`; SCARD_IO_REQUEST is two of them).
import koffi from 'koffi';

const library = koffi.load('libpcsclite.so.1');
const establish = library.func(
  'long SCardEstablishContext(ulong scope, void *a, void *b, _Out_ long *context)',
);
const connect = library.func(
  'long SCardConnect(long context, const char *reader, ulong share, ulong protocols, _Out_ long *card, _Out_ ulong *protocol)',
);
const begin = library.func('long SCardBeginTransaction(long card)');
const transmit = library.func(
  'long SCardTransmit(long card, ulong *io, const uint8_t *send, ulong length, void *receivedIo, uint8_t *receive, _Inout_ ulong *received)',
);
const disconnect = library.func('long SCardDisconnect(long card, ulong disposition)');

const SCARD_SCOPE_SYSTEM = 2;
const SCARD_SHARE_SHARED = 2;
const SCARD_PROTOCOL_T1 = 2;
const SCARD_RESET_CARD = 1;

/** @throws Error with the name of the call and its code */
function check(name: string, code: unknown): void {
  if (code !== 0) throw new Error(`${name} failed: 0x${(Number(code) >>> 0).toString(16)}`);
}

const context = [0];
check('SCardEstablishContext', establish(SCARD_SCOPE_SYSTEM, null, null, context));
const [card, protocol] = [[0], [0]];
check(
  'SCardConnect',
  connect(context[0], 'Virtual PCD 00 00', SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, card, protocol),
);
check('SCardBeginTransaction', begin(card[0]));
for (const apdu of process.argv.slice(2)) {
  const command = Buffer.from(apdu, 'hex');
  const response = Buffer.alloc(0x10000 + 2);
  const received = [response.length];
  const io = BigUint64Array.of(BigInt(SCARD_PROTOCOL_T1), 16n);
  check('SCardTransmit', transmit(card[0], io, command, command.length, null, response, received));
  console.log(response.subarray(0, received[0]).toString('hex'));
}
check('SCardDisconnect', disconnect(card[0], SCARD_RESET_CARD));
