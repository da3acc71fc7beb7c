// The APDU log of the card: one entry for each command APDU that came over the wire, PINs masked.
// The benchmark counts with it and tests look into it; it keeps the last 100,000 entries.
// Masked instructions: VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (ISO/IEC 7816-4 section 11.6).
import { INS } from './constants.ts';

/** One command APDU and its answer. Chained parts and GET RESPONSEs are entries of their own. */
export interface LogEntry {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  /** The command after its header, hex; the data of PIN commands is `**` a byte. */
  readonly body: string;
  readonly bytesIn: number;
  /** Response bytes with the status word; 0 where none was sent. */
  readonly bytesOut: number;
  /** Status word, or null where no answer was sent (hang, card pulled). */
  readonly sw: number | null;
  /** Microseconds since the card started, when the command arrived. */
  readonly atUs: number;
  /** Microseconds from the command's arrival to its answer, artificial delay included. */
  readonly durationUs: number;
}

const PIN_INSTRUCTIONS: ReadonlySet<number> = new Set([
  INS.VERIFY,
  INS.CHANGE_REFERENCE_DATA,
  INS.RESET_RETRY_COUNTER,
]);
const LIMIT = 100_000;

const microseconds = (): number => Number(process.hrtime.bigint() / 1000n);

/** The entries, and the time. */
export class ApduLog {
  readonly #startUs = microseconds();
  #entries: LogEntry[] = [];

  /** Microseconds since the card started. */
  nowUs(): number {
    return microseconds() - this.#startUs;
  }

  /** Adds one. @param response null where none was sent */
  add(command: Buffer, response: Buffer | null, atUs: number): LogEntry {
    const [cla = 0, ins = 0, p1 = 0, p2 = 0] = command;
    const body = command.subarray(4);
    const entry: LogEntry = {
      ...{ cla, ins, p1, p2 },
      body: PIN_INSTRUCTIONS.has(ins) ? maskedBody(body) : body.toString('hex'),
      bytesIn: command.length,
      bytesOut: response?.length ?? 0,
      sw: response === null || response.length < 2 ? null : response.readUInt16BE(response.length - 2),
      atUs,
      durationUs: this.nowUs() - atUs,
    };
    this.#entries.push(entry);
    if (this.#entries.length > LIMIT) this.#entries.shift();
    return entry;
  }

  entries(): readonly LogEntry[] {
    return this.#entries;
  }

  clear(): void {
    this.#entries = [];
  }

  /** VERIFYs with a body: each may have cost a try. */
  verifyCount(): number {
    return this.#entries.filter(({ ins, p1, body }) => ins === INS.VERIFY && p1 === 0 && body.length > 2)
      .length;
  }
}

/** Lc stays, every other byte is `**`. */
function maskedBody(body: Buffer): string {
  return body.subarray(0, 1).toString('hex') + '**'.repeat(Math.max(0, body.length - 1));
}
