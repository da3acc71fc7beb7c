// The calls of the control socket: names, arguments and results, shared by the card (control.ts) and its client (client.ts).
// Wire: one JSON object a line; {id, call, args} is answered by {id, result} or {id, error}.
import type { Fault } from './faults.ts';
import type { LogEntry } from './log.ts';

/** What the card says about itself. */
export interface CardState {
  /** The port of its reader's slot. */
  readonly port: number;
  /** Whether it sits in the reader, and whether it is switched on now (pcscd lets an unused card sleep). */
  readonly inserted: boolean;
  readonly powered: boolean;
  readonly selected: boolean;
  readonly pinVerified: boolean;
  readonly triesLeft: number;
  readonly pukTriesLeft: number;
  readonly extended: boolean;
  readonly delayMs: number;
  readonly atr: string;
  /** Slots with a key, as hex. */
  readonly slots: readonly string[];
  /** Tags of the data objects, hex. */
  readonly objects: readonly string[];
  readonly faults: readonly Fault[];
  readonly apdus: number;
  readonly verifyCount: number;
}

/** Matches a command APDU by its header; hex bytes, absent = any. */
export interface CommandPattern {
  readonly ins?: string;
  readonly p1?: string;
  readonly p2?: string;
}

/** Every call: its arguments and its result. */
export interface ControlCalls {
  /** Entries since the start or the last clearLog. */
  log: { args: Record<string, never>; result: readonly LogEntry[] };
  clearLog: { args: Record<string, never>; result: undefined };
  /** VERIFYs with a body in the log. */
  verifyCount: { args: Record<string, never>; result: number };
  state: { args: Record<string, never>; result: CardState };
  /** Resolves when pcscd has switched the card on since it went in. */
  insert: { args: Record<string, never>; result: undefined };
  /** Resolves when pcscd switches the card on the next time (after a restart of pcscd, say). */
  nextPowerOn: { args: Record<string, never>; result: undefined };
  /** Resolves at once; pcscd sees it within 400 ms. */
  eject: { args: Record<string, never>; result: undefined };
  setDelay: { args: { ms: number }; result: undefined };
  setTries: { args: { tries: number }; result: undefined };
  /** Unverifies nothing, verifies nothing: only changes whether extended APDUs are accepted (and, at the next insertion, the ATR). */
  setExtended: { args: { extended: boolean }; result: undefined };
  /** A new PIN with all its tries. */
  setPin: { args: { pin: string }; result: undefined };
  misbehave: { args: Fault; result: undefined };
  clearFaults: { args: Record<string, never>; result: undefined };
  /** Answers commands that hang; the number of them. */
  release: { args: Record<string, never>; result: number };
  /** Resolves when the next matching command APDU arrives (before it is answered). */
  waitFor: { args: CommandPattern; result: undefined };
  /** Resolves when the next matching command APDU has been answered. */
  waitForAnswer: { args: CommandPattern; result: LogEntry };
  /** PEM of the certificate that goes into the slot; the key stays. */
  setCertificate: { args: { slot: string; pem: string; gzip?: boolean }; result: undefined };
  /** PEM, or a test key's name; the certificate stays. */
  setKey: { args: { slot: string; key: string }; result: undefined };
  /** The PEM of the slot's certificate, as the card made or was given it. */
  getCertificate: { args: { slot: string }; result: string };
  /** Hex that goes inside the wrapper 53; with `whole` the reply to GET DATA as it is; empty = delete. */
  putObject: { args: { tag: string; hex: string; whole?: boolean }; result: undefined };
  /** A certificate object whose gzip inflates to so many zero bytes (1 MiB of them take about 1 KiB). */
  putGzipBomb: { args: { slot: string; inflatedBytes: number }; result: undefined };
}

export type CallName = keyof ControlCalls;
