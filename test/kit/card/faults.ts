// Programmable misbehaviour: what the card does wrong, at which command, how often.
// Faults of the wire (raw replies, hangs, pulls, truncation) stand around the transport; those of a signature inside the applet.
// Nothing here is in a specification: these are the cards of test/ lessons L3, L8, L9, L10 and L11.
import { INS } from './constants.ts';
import { statusBytes } from './apdu.ts';

/** What goes wrong. Hex is without spaces; status words are four hex digits. */
export type FaultAction =
  | { readonly kind: 'reply'; readonly hex: string } // this response APDU, status word included; the command is not processed
  | { readonly kind: 'status'; readonly sw: string } // this status word; the command is not processed
  | { readonly kind: 'hang' } // no answer until release()
  | { readonly kind: 'hang-after' } // processed, and no answer until release()
  | { readonly kind: 'touch'; readonly timeoutMs: number } // waits for release() as for a finger; after the time 6982
  | { readonly kind: 'eject' } // the card is pulled before it processes the command
  | { readonly kind: 'eject-after' } // … after it processed it, before the answer
  | { readonly kind: 'truncate'; readonly bytes: number } // the response APDU cut to its first bytes
  | { readonly kind: 'endless-61' } // 256 bytes and 61FF, at this command and each GET RESPONSE after it
  | { readonly kind: 'empty-61' } // 6100 and nothing, at this command and each GET RESPONSE after it
  | { readonly kind: 'delay'; readonly ms: number } // answers later
  | { readonly kind: 'wrong-signature' } // one bit of the signature flipped
  | { readonly kind: 'replay-signature' } // the signature before this one
  | { readonly kind: 'signature-length'; readonly bytes: number } // 0, 65536, …
  | { readonly kind: 'ignore-deverify' }; // VERIFY with P1 = FF says 9000 and leaves the card verified

/** An action and when it strikes. */
export type Fault = FaultAction & {
  /** Hex bytes; absent = any. Signature kinds strike at GENERAL AUTHENTICATE, ignore-deverify at VERIFY, by themselves. */
  readonly ins?: string;
  readonly p1?: string;
  readonly p2?: string;
  /** Only commands with a body, or only those without; absent = any. */
  readonly body?: boolean;
  /** Matching commands let through first; default 0. */
  readonly skip?: number;
  /** How often; default 1; `always` until clearFaults(). */
  readonly times?: number | 'always';
};

interface Armed {
  readonly fault: Fault;
  skip: number;
  left: number;
}

const INNER: ReadonlySet<FaultAction['kind']> = new Set([
  'wrong-signature',
  'replay-signature',
  'signature-length',
  'ignore-deverify',
]);

function matches(fault: Fault, command: Buffer): boolean {
  const byte = (index: number, wanted: string | undefined): boolean =>
    wanted === undefined || command[index] === Number.parseInt(wanted, 16);
  const body = fault.body === undefined || fault.body === command.length > 5;
  return body && byte(1, fault.ins) && byte(2, fault.p1) && byte(3, fault.p2);
}

/** The armed faults of one card. */
export class FaultBook {
  #armed: Armed[] = [];
  #lastSignature = Buffer.alloc(0);
  #tail: 'endless-61' | 'empty-61' | null = null;

  arm(fault: Fault): void {
    const times = fault.times ?? 1;
    this.#armed.push({ fault, skip: fault.skip ?? 0, left: times === 'always' ? Infinity : times });
  }

  clear(): void {
    this.#armed = [];
    this.#tail = null;
  }

  armed(): readonly Fault[] {
    return this.#armed.map(({ fault }) => fault);
  }

  /** The fault of the wire that strikes at this command APDU, or null. */
  strike(command: Buffer): FaultAction | null {
    if (this.#tail !== null && command[1] === INS.GET_RESPONSE) return { kind: this.#tail };
    this.#tail = null;
    const fault = this.#take((one) => !INNER.has(one.kind) && matches(one, command));
    if (fault?.kind === 'endless-61' || fault?.kind === 'empty-61') this.#tail = fault.kind;
    return fault;
  }

  /** For the applet: whether this de-verify is ignored. */
  ignoreDeverify(): boolean {
    return this.#take((one) => one.kind === 'ignore-deverify') !== null;
  }

  /** For the applet: what is answered instead of this signature. */
  signature(real: Buffer): Buffer {
    const last = this.#lastSignature;
    this.#lastSignature = Buffer.from(real);
    const fault = this.#take(
      ({ kind }) => kind === 'wrong-signature' || kind === 'replay-signature' || kind === 'signature-length',
    );
    if (fault?.kind === 'replay-signature') return last;
    if (fault?.kind === 'signature-length') return Buffer.alloc(fault.bytes, 0x5a);
    if (fault?.kind !== 'wrong-signature') return real;
    const wrong = Buffer.from(real);
    wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1;
    return wrong;
  }

  #take(wanted: (fault: Fault) => boolean): Fault | null {
    for (const armed of this.#armed) {
      if (!wanted(armed.fault)) continue;
      if (armed.skip > 0) {
        armed.skip -= 1;
        continue;
      }
      armed.left -= 1;
      if (armed.left <= 0) this.#armed = this.#armed.filter((one) => one !== armed);
      return armed.fault;
    }
    return null;
  }
}

/** The response APDU of a 61xx fault. */
export function moreDataReply(kind: 'endless-61' | 'empty-61'): Buffer {
  return kind === 'empty-61' ? statusBytes(0x6100) : Buffer.concat([Buffer.alloc(256), statusBytes(0x61ff)]);
}
