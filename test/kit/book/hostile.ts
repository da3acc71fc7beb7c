// Books of a directory that an attacker administers: they have every line that was ever published, keys of their own, and
// time. What they do not have is an officer's card and the on-line key; `stolen` gives them one, to see that the test sees it.

import { Challenge } from '../../../agent/model/challenge.ts';
import {
  bookBody,
  bookNumbersHash,
  type HeadInput,
  type RecordInput,
} from '../../../agent/model/book/book-body.ts';
import {
  bookItem,
  bookLineText,
  parseBookLine,
  type BookKind,
  type BookLine,
} from '../../../agent/model/book/book.ts';
import { makeSigner, type Signer } from '../../unit/model/signer.ts';
import { ada, FleetWorld, headKey, mallory, olga, olgaLine, otto, ottoLine } from './fleet-world.ts';
import { headLine, line, NOW_S, officerLine, REALM, recordLine, signatureOf } from './make-book.ts';

const expired = makeSigner('p256');
const elsewhere = makeSigner('p256');
const unscoped = makeSigner('p256');
const foreign = makeSigner('p256');
const bob = makeSigner('p256');
const DAY_S = 24 * 3600;

/** Whose cards must not get in: the attacker's, and one that was revoked. */
export const SHUT_OUT: readonly Signer[] = [mallory, ada];

/** Everything that was ever published. */
function published(): string[] {
  const heads = Array.from({ length: 5 }, (_, epoch) =>
    headLine(headKey, { epoch: epoch + 1, issued: NOW_S - (6 - epoch) * 3600, until: NOW_S + 12 * 3600 }),
  );
  return [
    olgaLine,
    ottoLine,
    ...heads,
    headLine(headKey, { epoch: 6, issued: NOW_S - 30, revoked: [ada.publicKey.sha256] }),
    recordLine('alice', ada.publicKey, olga),
    recordLine('alice', ada.publicKey, olga, { number: 40 }),
    recordLine('bob', bob.publicKey, olga, { number: 41 }),
    // Officers who once were, or are elsewhere; and what each of them has signed.
    officerLine(expired.publicKey, [olga, otto], {
      ...{ number: 50, notBefore: NOW_S - 9 * DAY_S, notAfter: NOW_S - DAY_S },
    }),
    officerLine(elsewhere.publicKey, [olga, otto], { number: 51, hosts: ['server*'] }),
    officerLine(unscoped.publicKey, [olga, otto], { number: 52, groups: ['staff'] }),
    officerLine(foreign.publicKey, [olga, otto], { number: 53, realm: 'example.com' }),
    ...[expired, elsewhere, unscoped, foreign].map((by, index) =>
      recordLine('alice', mallory.publicKey, by, { number: 60 + index }),
    ),
    recordLine('alice', mallory.publicKey, olga, { number: 70, realm: 'example.com' }),
    recordLine('alice', mallory.publicKey, olga, {
      ...{ number: 71, notBefore: NOW_S - 9 * DAY_S, notAfter: NOW_S - 1 },
    }),
    recordLine('alice', mallory.publicKey, olga, { number: 72, uses: [] }),
    recordLine('root', mallory.publicKey, olga, { number: 73 }),
  ];
}

export class Attacker {
  readonly #lines = published();
  readonly #stolen: Signer | null;
  #seed: number;

  constructor(seed: number, stolen: Signer | null = null) {
    this.#seed = seed;
    this.#stolen = stolen;
  }

  /** mulberry32 */
  #random(below: number): number {
    this.#seed = (this.#seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#seed ^ (this.#seed >>> 15), 1 | this.#seed);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  #one<T>(list: readonly [T, ...T[]] | readonly T[]): T {
    const found = list[this.#random(list.length)];
    if (found === undefined) throw new Error('an empty list');
    return found;
  }

  #known(kind?: BookKind): BookLine {
    for (;;) {
      const found = parseBookLine(this.#one(this.#lines));
      if (found !== null && (kind === undefined || found.kind === kind)) return found;
    }
  }

  #signer(): Signer {
    return this.#stolen ?? this.#one([mallory, ada, bob, foreign]);
  }

  #record(by: Signer): string {
    const more: Partial<RecordInput> = { number: 1000 + this.#random(100_000) };
    return recordLine(this.#one(['alice', 'root', 'bob']), this.#one(SHUT_OUT).publicKey, by, more);
  }

  #head(by: Signer): string {
    const said: HeadInput = {
      ...{
        realm: REALM,
        epoch: 1 + this.#random(50),
        issued: NOW_S - this.#random(7200) + 100,
        part: 1,
        parts: 1,
      },
      ...{
        until: NOW_S + 7200,
        revoked: [],
        revokedNumbers: [],
        records: { count: 0, hash: bookNumbersHash([]) },
      },
    };
    return line('head', String(said.epoch), bookBody('head', said), [by]);
  }

  #text(kinds: readonly string[]): string {
    const key = this.#one(SHUT_OUT).publicKey;
    switch (this.#one(kinds)) {
      case 'flipped': {
        const text = this.#one(this.#lines);
        const at = this.#random(text.length);
        return `${text.slice(0, at)}${String.fromCharCode(33 + this.#random(94))}${text.slice(at + 1)}`;
      }
      case 'cut':
        return this.#one(this.#lines).slice(0, this.#random(2000));
      case 'record':
        return this.#record(this.#signer());
      case 'head':
        return this.#head(this.#signer());
      case 'officer':
        return officerLine(key, [this.#signer(), this.#signer(), mallory], {
          number: 900 + this.#random(99),
        });
      case 'as another kind': {
        const { name, body, signatures } = this.#known();
        return bookLineText({
          kind: this.#one(['officer', 'record', 'head'] as const),
          name,
          body,
          signatures,
        });
      }
      case 'signatures of another': {
        const mine = parseBookLine(this.#record(mallory));
        const { signatures } = this.#known();
        return bookLineText({ kind: 'record', name: 'x', body: mine?.body ?? '', signatures });
      }
      case 'key of an officer': {
        const mine = parseBookLine(this.#record(mallory));
        const body = mine?.body ?? '';
        const { proof, message } = signatureOf(mallory, 'record', body);
        const { spki } = this.#one([olga, otto]).publicKey;
        return bookLineText({ kind: 'record', name: 'x', body, signatures: [{ proof, message, spki }] });
      }
      case 'a login of an officer': {
        // Olga logged in at a machine of the attacker’s, which chose all that it could of the message.
        const body = parseBookLine(this.#record(mallory))?.body ?? '';
        const challenge = Challenge.create({
          ...{
            purpose: this.#one(['login', 'pairing', 'rehearsal', 'card'] as const),
            hostId: Buffer.alloc(16),
          },
          ...{ user: 'alice', service: bookItem({ kind: 'record', body }) },
        });
        const message = challenge.message();
        const signed = { proof: olga.sign(message), message, spki: olga.publicKey.spki };
        return bookLineText({ kind: 'record', name: 'x', body, signatures: [signed] });
      }
      case 'noise':
        return `scauth-book 1 record ${'A'.repeat(this.#random(20_000))} ${'\u00ff'.repeat(this.#random(9))}`;
      default:
        return this.#one(this.#lines);
    }
  }

  book(): string[] {
    const kinds = [
      ...['published', 'published', 'published', 'published', 'flipped', 'cut', 'record', 'head', 'officer'],
      ...['as another kind', 'signatures of another', 'key of an officer', 'a login of an officer', 'noise'],
    ];
    const all = this.#random(3) === 0 ? [...this.#lines] : [];
    const more = Array.from({ length: 2 + this.#random(14) }, () => this.#text(kinds));
    return [...all, ...more].sort(() => this.#random(3) - 1);
  }

  /** A clock that somebody on the network sets back now and then; what it was before, it is again. */
  clock(step: number): number {
    return this.#random(8) === 0 ? NOW_S - this.#random(10 * DAY_S) : NOW_S + step * 20;
  }
}

/** @returns how often somebody got in */
export async function attack(books: number, seed: number, stolen: Signer | null = null): Promise<number> {
  const attacker = new Attacker(seed, stolen);
  let grants = 0;
  for (let done = 0; done < books;) {
    // A new machine now and then; most have seen the revocation, as all do that reached the book once since.
    const world = new FleetWorld();
    // Nobody fetches anything here: what a book says, it has said.
    world.answerMs = 0;
    try {
      await world.carry(...published());
      if (!world.table.isRevoked([ada.publicKey.sha256])) throw new Error('the revocation was not taken');
      for (let on = 0; on < 100 && done < books; on += 1, done += 1) {
        world.nowS = attacker.clock(on);
        await world.carry(...attacker.book());
        for (const by of SHUT_OUT) if ((await world.outcome(by)) === 'granted') grants += 1;
      }
    } finally {
      world.close();
    }
  }
  return grants;
}
