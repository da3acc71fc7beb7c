// Changes to an input: bytes, pieces, words of the sources, and two that keep a form, TLV with its lengths and JSON with
// its brackets, since a parser's first guard would stop nearly all others.

/** Numbers from 0 below `below`; the same ones for the same seed (splitmix32). */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  roll(below: number): number {
    this.#state = (this.#state + 0x9e3779b9) | 0;
    let z = Math.imul(this.#state ^ (this.#state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) % below;
  }

  of<T>(choices: readonly T[]): T {
    const chosen = choices[this.roll(choices.length)];
    if (chosen === undefined) throw new RangeError('nothing to choose from');
    return chosen;
  }
}

const MOST_BYTES = 16 * 1024;
const TELLING = [
  0, 1, 2, 0x04, 0x0a, 0x1f, 0x20, 0x22, 0x30, 0x53, 0x7e, 0x7f, 0x80, 0x81, 0x82, 0x83, 0xa0, 0xbf, 0xc0,
  0xff,
];
const VALUES: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  1.5,
  2 ** 53,
  '',
  'a',
  '\0',
  [],
  {},
  [[]],
  { a: 1 },
  '9'.repeat(70),
];

function spliced(bytes: Buffer, from: number, to: number, by: Uint8Array): Buffer {
  return Buffer.concat([bytes.subarray(0, from), by, bytes.subarray(to)]);
}

function changeBytes(bytes: Buffer, dice: Dice, other: Buffer): Buffer {
  const [from, length] = [dice.roll(bytes.length + 1), dice.roll(8)];
  switch (dice.roll(7)) {
    case 0: {
      const changed = Buffer.from(bytes);
      if (changed.length > 0)
        changed[from % changed.length] = (changed[from % changed.length] ?? 0) ^ (1 << dice.roll(8));
      return changed;
    }
    case 1:
      return spliced(bytes, from, from + 1, Buffer.from([dice.of(TELLING)]));
    case 2:
      return spliced(bytes, from, from + length, Buffer.alloc(0));
    case 3:
      return bytes.subarray(0, from);
    case 4:
      return spliced(bytes, from, from, Buffer.alloc(1 + dice.roll(300), dice.of(TELLING)));
    case 5:
      return spliced(bytes, from, from, bytes.subarray(from, from + dice.roll(64)));
    default:
      return Buffer.concat([bytes.subarray(0, from), other.subarray(dice.roll(other.length + 1))]);
  }
}

/** A number of the sources as the bytes that it may be in a format; null for another word. */
function numberBytes(word: string): Buffer | null {
  const number = Number(word);
  if (word === '' || !Number.isInteger(number) || number < 0 || number >= 2 ** 24) return null;
  const hex = number.toString(16);
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
}

function changeWord(bytes: Buffer, dice: Dice, words: readonly string[]): Buffer {
  const word = dice.of(words);
  const own = (dice.roll(2) === 0 ? numberBytes(word) : null) ?? Buffer.from(word);
  const from = dice.roll(bytes.length + 1);
  return spliced(bytes, from, from + (dice.roll(2) === 0 ? own.length : 0), own);
}

interface Element {
  readonly from: number;
  readonly valueFrom: number;
  readonly to: number;
  readonly tag: Buffer;
}

function elementAt(bytes: Buffer, from: number, end: number): Element | null {
  let at = from + 1;
  if (((bytes[from] ?? 0) & 0x1f) === 0x1f) while (at < end && ((bytes[at++] ?? 0) & 0x80) !== 0);
  const tag = bytes.subarray(from, at);
  const first = bytes[at++] ?? 0;
  const count = first < 0x80 ? 0 : first & 0x7f;
  if (at > end || count > 3 || at + count > end) return null;
  const length = count === 0 ? first & 0x7f : bytes.readUIntBE(at, count);
  const valueFrom = at + count;
  return valueFrom + length > end ? null : { from, valueFrom, to: valueFrom + length, tag };
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const size = length < 0x100 ? 1 : length < 0x10000 ? 2 : 3;
  const bytes = Buffer.alloc(1 + size, 0x80 | size);
  bytes.writeUIntBE(length, 1, size);
  return bytes;
}

/** Goes down at random, changes what is there, and writes the lengths on the way up as they now are. */
function changeTlv(
  bytes: Buffer,
  dice: Dice,
  tags: readonly Buffer[],
  change: (value: Buffer) => Buffer,
): Buffer {
  const elements: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const element = elementAt(bytes, at, bytes.length);
    if (element === null) break;
    elements.push(element);
    at = element.to;
  }
  if (elements.length === 0) return change(bytes);
  const { from, valueFrom, to, tag } = dice.of(elements);
  const whole = bytes.subarray(from, to);
  const value = bytes.subarray(valueFrom, to);
  switch (dice.roll(14)) {
    case 0:
      return spliced(bytes, from, to, Buffer.alloc(0));
    case 1:
      return spliced(bytes, to, to, whole);
    case 2:
      return spliced(bytes, to, to, bytes.subarray(dice.of(elements).from));
    case 3:
      return spliced(bytes, from, from + 1, Buffer.from([dice.of(TELLING)]));
    case 4:
      return spliced(bytes, from, to, Buffer.concat([tag, lengthOf(0)]));
    case 5:
      return spliced(bytes, from, from + tag.length, dice.of(tags));
    case 6: {
      const few = Buffer.from(Array.from({ length: dice.roll(4) }, () => dice.roll(256)));
      return spliced(bytes, to, to, Buffer.concat([dice.of(tags), lengthOf(few.length), few]));
    }
    default: {
      // A BIT STRING may hold more of it behind its first byte.
      const skip = tag[0] === 0x03 && value[0] === 0 ? 1 : 0;
      const inner = changeTlv(value.subarray(skip), dice, tags, change);
      const changed = Buffer.concat([value.subarray(0, skip), inner]);
      return spliced(bytes, from, to, Buffer.concat([tag, lengthOf(changed.length), changed]));
    }
  }
}

function changeValue(value: unknown, dice: Dice, words: readonly string[]): unknown {
  if (typeof value !== 'object' || value === null || dice.roll(6) === 0)
    return dice.roll(2) === 0 ? dice.of(VALUES) : dice.of(words);
  const entries: [string, unknown][] = Object.entries(value);
  if (entries.length === 0) return { [dice.of(words)]: dice.of(VALUES) };
  const [name, own] = dice.of(entries);
  const changed: [string, unknown][] = entries.map((entry) =>
    entry[0] === name ? [name, changeValue(own, dice, words)] : entry,
  );
  const kind = dice.roll(10);
  const kept = kind === 0 ? changed.filter(([key]) => key !== name) : changed;
  if (kind === 1) kept.push([dice.of(words), own]);
  return Array.isArray(value) ? kept.map(([, item]) => item) : Object.fromEntries(kept);
}

/** Text in front of the JSON and behind it (a header, a NUL) stays. */
function changeJson(bytes: Buffer, dice: Dice, words: readonly string[]): Buffer | null {
  const [from, to] = [bytes.indexOf('{'), bytes.lastIndexOf('}') + 1];
  if (from === -1 || to <= from) return null;
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8', from, to));
    return spliced(bytes, from, to, Buffer.from(JSON.stringify(changeValue(value, dice, words))));
  } catch {
    return null;
  }
}

/** The words and numbers of the sources. */
export interface Lexicon {
  readonly words: readonly string[];
  /** Numbers as bytes: tags, for one. */
  readonly tags: readonly Buffer[];
}

export function lexiconOf(words: readonly string[]): Lexicon {
  const numbers = words.map(numberBytes).filter((bytes) => bytes !== null);
  return { words, tags: [...numbers, Buffer.from([0x30])] };
}

/** `bytes` with some changes. @param other an input whose tail may be taken */
export function mutate(bytes: Buffer, dice: Dice, other: Buffer, { words, tags }: Lexicon): Buffer {
  let out = bytes;
  for (let times = 1 + dice.roll(4); times > 0; times--) {
    const plain = (value: Buffer): Buffer =>
      dice.roll(3) === 0 ? changeWord(value, dice, words) : changeBytes(value, dice, other);
    const kind = dice.roll(3);
    out =
      kind === 0
        ? plain(out)
        : kind === 1
          ? changeTlv(out, dice, tags, plain)
          : (changeJson(out, dice, words) ?? plain(out));
  }
  return out.subarray(0, MOST_BYTES);
}
