// libpcsclite.so.1 by koffi: each function of winscard that we use, as a promise of its return value.
// No policy, no deadline, no retry here. Each call runs in libuv's pool, so a blocked one costs a thread
// (the launcher sets UV_THREADPOOL_SIZE). Source: winscard.h, pcsclite.h (DWORD is `unsigned long` on Linux).
//
// koffi takes a Buffer for a pointer parameter in place, without a copy, but does not keep it alive: each call below
// holds its buffers until it returns. Buffers that koffi writes to must lie outside V8's heap (`nativeBuffer`).

import koffi, { type LibraryHandle } from 'koffi';
import { nativeBuffer } from '../base/bytes.ts';
import { AgentError } from '../base/errors.ts';
import * as C from './constants.ts';

/** One reader in SCardGetStatusChange. */
export interface ReaderState {
  readonly name: string;
  /** dwCurrentState: what we know; 0 = nothing. */
  readonly currentState: number;
}

export interface ReaderEvent {
  readonly name: string;
  /** dwEventState, event counter included. */
  readonly eventState: number;
  readonly atr: Buffer;
}

/** winscard's functions. `rv` is SCARD_S_SUCCESS or an error of pcsclite.h, as an unsigned 32-bit number. */
export interface WinscardLibrary {
  establishContext(): Promise<{ rv: number; context: number }>;
  releaseContext(context: number): Promise<number>;
  cancel(context: number): Promise<number>;
  listReaders(context: number): Promise<{ rv: number; readers: string[] }>;
  getStatusChange(
    context: number,
    timeoutMs: number,
    states: readonly ReaderState[],
  ): Promise<{ rv: number; events: ReaderEvent[] }>;
  connect(context: number, reader: string): Promise<{ rv: number; card: number; protocol: number }>;
  reconnect(card: number): Promise<{ rv: number; protocol: number }>;
  beginTransaction(card: number): Promise<number>;
  /** `command` and `reply` are used in place until the promise settles. */
  transmit(
    card: number,
    protocol: number,
    command: Buffer,
    reply: Buffer,
  ): Promise<{ rv: number; length: number }>;
  /** `input` is copied. */
  control(card: number, code: number, input?: Uint8Array): Promise<{ rv: number; reply: Buffer }>;
  endTransaction(card: number, disposition: number): Promise<number>;
  disconnect(card: number, disposition: number): Promise<number>;
}

/** SCARD_READERSTATE. */
export const readerStateLayout = koffi.struct({
  szReader: 'void *',
  pvUserData: 'void *',
  dwCurrentState: 'unsigned long',
  dwEventState: 'unsigned long',
  cbAtr: 'unsigned long',
  rgbAtr: koffi.array('uint8_t', C.MAX_ATR_SIZE),
});
const STATE_BYTES = koffi.sizeof(readerStateLayout);
const at = {
  szReader: koffi.offsetof(readerStateLayout, 'szReader'),
  dwCurrentState: koffi.offsetof(readerStateLayout, 'dwCurrentState'),
  dwEventState: koffi.offsetof(readerStateLayout, 'dwEventState'),
  cbAtr: koffi.offsetof(readerStateLayout, 'cbAtr'),
  rgbAtr: koffi.offsetof(readerStateLayout, 'rgbAtr'),
};
const DWORD_BYTES = koffi.sizeof('unsigned long');
/** Room for pcscd's 16 readers, and for as many as a pcscd that was built otherwise may have. */
const READERS_BYTES = 32 * C.MAX_READERNAME;
const MOST_READERS_BYTES = 1024 * C.MAX_READERNAME;

/** A DWORD or LONG variable for an output parameter. */
class Variable {
  readonly bytes = nativeBuffer(DWORD_BYTES);
  constructor(value = 0) {
    this.bytes.writeUInt32LE(value);
  }
  /** The low 32 bits: all that winscard uses. */
  get value(): number {
    return this.bytes.readUInt32LE();
  }
}

type KoffiFunction = ReturnType<LibraryHandle['func']>;

/** SCARDCONTEXT and SCARDHANDLE are LONGs that hold 32 bits. */
function call(fn: KoffiFunction, ...args: unknown[]): Promise<number> {
  return new Promise((resolve, reject) => {
    fn.async(...args, (error: Error | null, rv: number | bigint) => {
      // Naming `args` here keeps its buffers from being collected while the native thread uses them.
      args.length = 0;
      if (error !== null) reject(error);
      else resolve(Number(BigInt.asUintN(32, BigInt(rv))));
    });
  });
}

function encodeStates(states: readonly ReaderState[]): { array: Buffer; names: Buffer[] } {
  const array = nativeBuffer(STATE_BYTES * states.length);
  const names = states.map(({ name, currentState }, index) => {
    const text = Buffer.from(`${name}\0`);
    const cName = nativeBuffer(text.length);
    cName.set(text);
    array.writeBigUInt64LE(koffi.address(cName), index * STATE_BYTES + at.szReader);
    array.writeUInt32LE(currentState >>> 0, index * STATE_BYTES + at.dwCurrentState);
    return cName;
  });
  return { array, names };
}

function decodeStates(states: readonly ReaderState[], array: Buffer): ReaderEvent[] {
  return states.map(({ name }, index) => {
    const one = array.subarray(index * STATE_BYTES, (index + 1) * STATE_BYTES);
    const atrLength = Math.min(one.readUInt32LE(at.cbAtr), C.MAX_ATR_SIZE);
    return {
      name,
      eventState: one.readUInt32LE(at.dwEventState),
      atr: Buffer.from(one.subarray(at.rgbAtr, at.rgbAtr + atrLength)),
    };
  });
}

/**
 * Loads libpcsclite.
 * @throws AgentError `no-service` where it is not installed
 */
export function loadWinscard(): WinscardLibrary {
  const lib = (() => {
    try {
      return koffi.load('libpcsclite.so.1');
    } catch (cause) {
      throw new AgentError('no-service', { detail: 'libpcsclite.so.1 cannot be loaded', cause });
    }
  })();
  const fn = (name: string, ...parameters: string[]): KoffiFunction => lib.func(name, 'long', parameters);
  const DWORD = 'unsigned long';
  const SCardEstablishContext = fn('SCardEstablishContext', DWORD, 'void *', 'void *', 'void *');
  const SCardReleaseContext = fn('SCardReleaseContext', 'long');
  const SCardCancel = fn('SCardCancel', 'long');
  const SCardListReaders = fn('SCardListReaders', 'long', 'void *', 'void *', 'void *');
  const SCardGetStatusChange = fn('SCardGetStatusChange', 'long', DWORD, 'void *', DWORD);
  const SCardConnect = fn('SCardConnect', 'long', 'void *', DWORD, DWORD, 'void *', 'void *');
  const SCardReconnect = fn('SCardReconnect', 'long', DWORD, DWORD, DWORD, 'void *');
  const SCardBeginTransaction = fn('SCardBeginTransaction', 'long');
  const SCardEndTransaction = fn('SCardEndTransaction', 'long', DWORD);
  const SCardDisconnect = fn('SCardDisconnect', 'long', DWORD);
  const transmitTypes = ['long', 'void *', 'void *', DWORD, 'void *', 'void *', 'void *'];
  const SCardTransmit = fn('SCardTransmit', ...transmitTypes);
  const SCardControl = fn('SCardControl', 'long', DWORD, 'void *', DWORD, 'void *', DWORD, 'void *');
  const protocols = C.SCARD_PROTOCOL_T0 | C.SCARD_PROTOCOL_T1;

  return {
    async establishContext() {
      const context = new Variable();
      const rv = await call(SCardEstablishContext, C.SCARD_SCOPE_SYSTEM, null, null, context.bytes);
      return { rv, context: context.value };
    },
    releaseContext: (context) => call(SCardReleaseContext, context),
    cancel: (context) => call(SCardCancel, context),
    async listReaders(context) {
      let names = nativeBuffer(READERS_BYTES);
      let length = new Variable(names.length);
      let rv = await call(SCardListReaders, context, null, names, length.bytes);
      if (rv === C.SCARD_E_INSUFFICIENT_BUFFER) {
        names = nativeBuffer(MOST_READERS_BYTES);
        length = new Variable(names.length);
        rv = await call(SCardListReaders, context, null, names, length.bytes);
      }
      const text = rv === C.SCARD_S_SUCCESS ? names.toString('utf8', 0, length.value) : '';
      return { rv, readers: text.split('\0').filter((name) => name !== '') };
    },
    async getStatusChange(context, timeoutMs, states) {
      const { array, names } = encodeStates(states);
      const rv = await call(SCardGetStatusChange, context, timeoutMs, array, states.length);
      // The array points to the names: they live until here.
      return { rv, events: decodeStates(states, array).slice(0, names.length) };
    },
    async connect(context, reader) {
      const name = nativeBuffer(Buffer.byteLength(reader) + 1);
      name.write(reader);
      const [card, protocol] = [new Variable(), new Variable()];
      const rv = await call(
        SCardConnect,
        context,
        name,
        C.SCARD_SHARE_SHARED,
        protocols,
        card.bytes,
        protocol.bytes,
      );
      return { rv, card: card.value, protocol: protocol.value };
    },
    async reconnect(card) {
      const protocol = new Variable();
      const rv = await call(
        SCardReconnect,
        card,
        C.SCARD_SHARE_SHARED,
        protocols,
        C.SCARD_LEAVE_CARD,
        protocol.bytes,
      );
      return { rv, protocol: protocol.value };
    },
    beginTransaction: (card) => call(SCardBeginTransaction, card),
    async transmit(card, protocol, command, reply) {
      // SCARD_IO_REQUEST {dwProtocol, cbPciLength}
      const pci = nativeBuffer(2 * DWORD_BYTES);
      pci.writeUInt32LE(protocol);
      pci.writeUInt32LE(pci.length, DWORD_BYTES);
      const length = new Variable(reply.length);
      const rv = await call(SCardTransmit, card, pci, command, command.length, null, reply, length.bytes);
      return { rv, length: rv === C.SCARD_S_SUCCESS ? Math.min(length.value, reply.length) : 0 };
    },
    async control(card, code, input = new Uint8Array()) {
      const sent = nativeBuffer(input.length);
      sent.set(input);
      const reply = nativeBuffer(512);
      const length = new Variable();
      const rv = await call(
        SCardControl,
        card,
        code,
        sent.length === 0 ? null : sent,
        sent.length,
        reply,
        reply.length,
        length.bytes,
      );
      const count = rv === C.SCARD_S_SUCCESS ? Math.min(length.value, reply.length) : 0;
      return { rv, reply: reply.subarray(0, count) };
    },
    endTransaction: (card, disposition) => call(SCardEndTransaction, card, disposition),
    disconnect: (card, disposition) => call(SCardDisconnect, card, disposition),
  };
}
