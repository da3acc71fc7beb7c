// Walks the chain of seals over the lines of a log: which records are as scauthd wrote them, and what is wrong with the
// rest. The seal's arithmetic is model/sealed-log/sealed-line.ts. One pass, constant memory; nothing is read here.
// A record whose seal is right can be trusted also behind a fault: its key did not exist before it was written, and not
// after.

import type { Anchor } from '../../../model/sealed-log/anchor.ts';
import type { SealState } from '../../../model/sealed-log/seal-state.ts';
import {
  chainName,
  parseSealedLine,
  sealOf,
  stepKey,
  type SealedLine,
} from '../../../model/sealed-log/sealed-line.ts';
import { faultDetail, type ChainFault } from '../../../words/audit-log.ts';

export interface Fault extends ChainFault {
  /** Where: the file's path and the line, from 1; null for what is in no file. */
  readonly file: string | null;
  readonly line: number | null;
  to: number | null;
}

/** Records that are as they were written. Chains count from 0. */
export interface Trusted {
  readonly chain: number;
  readonly from: number;
  to: number;
  readonly fromMs: number;
  toMs: number;
}

interface Walk {
  readonly index: number;
  /** Key of the record `sequence`. */
  key: Buffer;
  sequence: number;
  /** Seal of the record before; null when that one is not known. */
  prev: string | null;
}

/** Longest hole over which the chain is walked, and how much walking may be in vain: a number in a line is not believed. */
const MAX_HOLE = 5_000_000;
const VAIN_STEPS = 5_000_000;
const MAX_LISTED = 1000;
/** Gaps after which something that happened is not in the log. */
const LOSSES = ['records-missing', 'records-altered', 'seal-lost', 'not-written'];

export class ChainCheck {
  readonly faults: Fault[] = [];
  faultCount = 0;
  /** What is no fault, but worth to be known: clock set back, half a line taken out. */
  readonly remarks: Fault[] = [];
  readonly trusted: Trusted[] = [];
  records = 0;
  good = 0;
  readonly #keys: readonly Buffer[];
  readonly #chains: ReadonlyMap<string, number>;
  readonly #state: SealState | null;
  readonly #anchors: Map<number, string[]>;
  readonly #first: number;
  #walk: Walk | null = null;
  #stateSeen = false;
  #vain = 0;
  /** Lines since the last good record that may be altered ones of its successors. */
  #strange = 0;
  /** Seal of the last line of a chain whose key we have not. */
  #foreign: string | null = null;
  #file = '';
  #line = 0;

  /**
   * @param keys first keys of the chains, in their order; not changed
   * @param state what lies beside the log; null when there is none
   * @param first the record with which the log may begin; those before it are kept elsewhere
   */
  constructor(keys: readonly Buffer[], state: SealState | null, anchors: readonly Anchor[] = [], first = 0) {
    this.#keys = keys;
    this.#chains = new Map(keys.map((key, index) => [chainName(key), index]));
    this.#state = state;
    this.#first = first;
    this.#anchors = new Map();
    for (const { sequence, seal } of anchors) {
      this.#anchors.set(sequence, [...(this.#anchors.get(sequence) ?? []), seal]);
    }
  }

  beginFile(path: string): void {
    this.#file = path;
    this.#line = 0;
  }

  /** @param whole false for a last line without its end */
  take(bytes: Buffer, whole: boolean): void {
    this.#line += 1;
    const line = whole ? parseSealedLine(bytes) : null;
    if (line === null) {
      this.#strange += 1;
      this.#fault('not-a-record', null, null, whole ? null : faultDetail.halfLine);
      return;
    }
    this.records += 1;
    if (line.sequence < this.#first || this.#isForeign(line)) return;
    if (!this.#follows(line)) this.#strange += 1;
    else this.#gapOf(bytes, line);
  }

  #isForeign(line: SealedLine): boolean {
    const begins = line.sequence === 0 && line.prev !== this.#walk?.prev && !this.#chains.has(line.prev);
    if (!begins && line.prev !== this.#foreign) return false;
    this.#foreign = line.seal;
    this.#fault('no-key', line.sequence, line.sequence, null);
    return true;
  }

  /** Whether the line is the next record of its chain, or a later one; says what is wrong otherwise. */
  #follows(line: SealedLine): boolean {
    const walk = this.#walk;
    if (line.sequence === 0 && this.#chains.has(line.prev)) return this.#begins(line);
    if (walk === null) return this.#beginsLate(line);
    if (line.sequence < walk.sequence) {
      this.#fault('repeated', line.sequence, line.sequence, null);
      return false;
    }
    if (!this.#reach(walk, line)) {
      this.#fault('altered', line.sequence, line.sequence, null);
      return false;
    }
    return true;
  }

  /** Record 0 of a chain whose key we have. */
  #begins(line: SealedLine): boolean {
    const index = this.#chains.get(line.prev) ?? 0;
    const walk: Walk = { index, key: Buffer.from(this.#keys[index] ?? []), sequence: 0, prev: line.prev };
    if (this.#walk?.index === index) {
      this.#fault('repeated', 0, 0, null);
      return false;
    }
    if (!this.#reach(walk, line)) {
      this.#fault('altered', 0, 0, null);
      return false;
    }
    if (this.#walk !== null) {
      this.#fault('new-chain', this.#walk.sequence, null, null);
      this.#walk.key.fill(0);
    }
    this.#walk = walk;
    return true;
  }

  /** The first good line of all: it may be a later record, of any of the chains. */
  #beginsLate(line: SealedLine): boolean {
    for (const [index, key] of [...this.#keys.entries()].reverse()) {
      const walk: Walk = { index, key: Buffer.from(key), sequence: 0, prev: null };
      const missing = this.#strange;
      if (!this.#reach(walk, line, false)) continue;
      this.#walk = walk;
      const to = line.sequence - 1 - missing;
      if (to >= this.#first) this.#fault('missing', this.#first, to, faultDetail.beginsLater);
      return true;
    }
    this.#fault('altered', line.sequence, line.sequence, null);
    return false;
  }

  /** Steps to the record of `line`; true, and the walk stands behind it, if the seal is right. */
  #reach(walk: Walk, line: SealedLine, tellMissing = true): boolean {
    const hole = line.sequence - walk.sequence;
    if (hole > MAX_HOLE || (hole > 0 && this.#vain + hole > VAIN_STEPS)) return false;
    let key = walk.key;
    for (let step = 0; step < hole; step += 1) {
      this.#meetState(walk.sequence + step, key);
      key = stepKey(key).next;
    }
    const { next, record } = stepKey(key);
    const right =
      line.seal === sealOf(record, line.signed) &&
      (hole > 0 || this.#strange > 0 || walk.prev === null || walk.prev === line.prev);
    record.fill(0);
    if (!right) {
      this.#vain += hole;
      return false;
    }
    const from = walk.sequence;
    this.#meetState(line.sequence, key);
    walk.key = next;
    walk.sequence = line.sequence + 1;
    walk.prev = line.seal;
    if (tellMissing && hole > this.#strange) {
      this.#fault('missing', from, line.sequence - 1, this.#strange > 0 ? faultDetail.orAltered : null);
    }
    this.#strange = 0;
    this.#trust(walk.index, line);
    return true;
  }

  #meetState(sequence: number, key: Buffer): void {
    if (this.#state?.sequence === sequence && this.#state.key.equals(key)) this.#stateSeen = true;
  }

  #trust(chain: number, line: SealedLine): void {
    this.good += 1;
    const last = this.trusted.at(-1);
    if (last?.chain === chain && last.to === line.sequence - 1) {
      last.to = line.sequence;
      last.toMs = line.timeMs;
    } else if (this.trusted.length < MAX_LISTED) {
      const { sequence, timeMs } = line;
      this.trusted.push({ chain, from: sequence, to: sequence, fromMs: timeMs, toMs: timeMs });
    }
    if (this.#anchors.size > 0) this.#meetAnchor(line);
  }

  #meetAnchor({ sequence, seal }: SealedLine): void {
    const left = this.#anchors.get(sequence)?.filter((wanted) => wanted !== seal);
    if (left === undefined) return;
    if (left.length > 0) this.#anchors.set(sequence, left);
    else this.#anchors.delete(sequence);
  }

  /** What a record says of the log itself. Its seal is right. */
  #gapOf(bytes: Buffer, line: SealedLine): void {
    // Cheap first: nearly no record is one.
    if (!bytes.includes('"event_code":"gap"')) return;
    const { status_detail: reason, unmapped } = JSON.parse(bytes.toString()) as {
      status_detail?: unknown;
      unmapped?: { count?: unknown };
    };
    if (typeof reason !== 'string') return;
    const count = typeof unmapped?.count === 'number' ? ` (${unmapped.count})` : '';
    const fault = this.#made('gap', line.sequence, line.sequence, `${reason}${count}`);
    if (LOSSES.includes(reason)) this.#add(fault);
    else if (this.remarks.length < MAX_LISTED) this.remarks.push(fault);
  }

  /** After the last line. */
  end(): void {
    const walk = this.#walk;
    for (const [sequence, seals] of this.#anchors) {
      for (const seal of seals)
        this.#add({ ...NOWHERE, kind: 'anchor', from: sequence, to: sequence, detail: seal });
    }
    this.#checkEnd(walk);
    walk?.key.fill(0);
  }

  #checkEnd(walk: Walk | null): void {
    const state = this.#state;
    if (state === null) {
      this.#add({ ...NOWHERE, kind: 'state-missing' });
      return;
    }
    if (walk === null) {
      if (state.sequence > 0)
        this.#add({ ...NOWHERE, kind: 'tail-missing', from: 0, to: state.sequence - 1 });
      return;
    }
    const { sequence } = walk;
    for (let key = walk.key; !this.#stateSeen; key = stepKey(key).next, walk.sequence += 1) {
      this.#meetState(walk.sequence, key);
      if (walk.sequence >= state.sequence || walk.sequence - sequence > MAX_HOLE) break;
    }
    if (!this.#stateSeen) this.#add({ ...NOWHERE, kind: 'state-other' });
    else if (state.sequence > sequence) {
      this.#add({ ...NOWHERE, kind: 'tail-missing', from: sequence, to: state.sequence - 1 });
    }
  }

  #made(kind: ChainFault['kind'], from: number | null, to: number | null, detail: string | null): Fault {
    return { kind, file: this.#file, line: this.#line, from, to, detail };
  }

  #fault(kind: ChainFault['kind'], from: number | null, to: number | null, detail: string | null): void {
    this.#add(this.#made(kind, from, to, detail));
  }

  #add(fault: Fault): void {
    this.faultCount += 1;
    const last = this.faults.at(-1);
    if (
      last?.kind === fault.kind &&
      last.file === fault.file &&
      last.to !== null &&
      last.to + 1 === fault.from
    ) {
      last.to = fault.to;
      return;
    }
    if (this.faults.length < MAX_LISTED) this.faults.push(fault);
  }
}

const NOWHERE = { file: null, line: null, from: null, to: null, detail: null } as const;
