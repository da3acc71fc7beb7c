// Another PC/SC program, as a process: does what it is told on standard input, line by line, and says how it went.
// `connect`, `exclusive` (to connect so), `begin`, `end`, `disconnect` (leaves the card as it is), or a command APDU in hex; each is answered by
// `ok`, a response APDU in hex, or `failed 0x…`. winscard.h of pcsc-lite; the reader is vpcd's first.
import { createInterface } from 'node:readline';
import koffi from 'koffi';

const library = koffi.load('libpcsclite.so.1');
const establish = library.func(
  'long SCardEstablishContext(ulong scope, void *a, void *b, _Out_ long *context)',
);
const connect = library.func(
  'long SCardConnect(long context, const char *reader, ulong share, ulong protocols, _Out_ long *card, _Out_ ulong *protocol)',
);
const begin = library.func('long SCardBeginTransaction(long card)');
const end = library.func('long SCardEndTransaction(long card, ulong disposition)');
const transmit = library.func(
  'long SCardTransmit(long card, ulong *io, const uint8_t *send, ulong length, void *receivedIo, uint8_t *receive, _Inout_ ulong *received)',
);
const disconnect = library.func('long SCardDisconnect(long card, ulong disposition)');

const SCARD_SCOPE_SYSTEM = 2;
const SCARD_SHARE_EXCLUSIVE = 1;
const SCARD_SHARE_SHARED = 2;
const SCARD_PROTOCOL_T1 = 2;
const SCARD_LEAVE_CARD = 0;
const SCARD_PCI_BYTES = 16n; // SCARD_IO_REQUEST: two DWORDs

const context = [0];
const card = [0];
const protocol = [0];

function send(hex: string): string {
  const command = Buffer.from(hex, 'hex');
  const response = Buffer.alloc(0x10000 + 2);
  const received = [response.length];
  const io = BigUint64Array.of(BigInt(SCARD_PROTOCOL_T1), SCARD_PCI_BYTES);
  const rv = transmit(card[0], io, command, command.length, null, response, received) as number;
  return rv === 0 ? response.subarray(0, received[0]).toString('hex') : failed(rv);
}

const failed = (rv: number): string => `failed 0x${(rv >>> 0).toString(16)}`;
const outcome = (rv: unknown): string => (rv === 0 ? 'ok' : failed(rv as number));

function run(line: string): string {
  switch (line) {
    case 'exclusive':
    case 'connect': {
      const rv = establish(SCARD_SCOPE_SYSTEM, null, null, context) as number;
      if (rv !== 0) return failed(rv);
      const reader = 'Virtual PCD 00 00';
      const share = line === 'connect' ? SCARD_SHARE_SHARED : SCARD_SHARE_EXCLUSIVE;
      return outcome(connect(context[0], reader, share, SCARD_PROTOCOL_T1, card, protocol));
    }
    case 'begin':
      return outcome(begin(card[0]));
    case 'end':
      return outcome(end(card[0], SCARD_LEAVE_CARD));
    case 'disconnect':
      return outcome(disconnect(card[0], SCARD_LEAVE_CARD));
    default:
      return send(line);
  }
}

for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${run(line)}\n`);
