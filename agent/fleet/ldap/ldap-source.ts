// A book in a directory. A poll is one small search; heads and officers are read when the book's entry has changed, and
// the records that are wanted when an entry of theirs has. Of several servers the one that answered last is asked first; each is
// known by what it said itself, for two servers need not be equally far. Why: DECISIONS.md D313.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates } from 'node:tls';
import type { Filter } from 'ldapts';
import { AgentError, describeError } from '../../base/errors.ts';
import { readTrustedFile } from '../../base/trusted-file.ts';
import { MAX_BOOK_BYTES, MAX_BOOK_RECORDS } from '../../model/book/limits.ts';
import { BookMaker, EMPTY_BOOK, type Book } from '../book.ts';
import { parseItem, type Item } from '../item.ts';
import { LOOK_UP_MS, type BookSource, type Wanted } from '../source.ts';
import { changesFrom, markOf, suffixOf } from './change-mark.ts';
import { serverOf, type Server, type TlsParts } from './connect.ts';
import {
  any,
  anyOf,
  BOOK,
  bookOrKeys,
  HEAD,
  is,
  KEY_HASH,
  OFFICER,
  PERSON,
  RECORD,
  since,
} from './schema.ts';
import { Session, type Bind, type FoundEntry, type Search } from './session.ts';

const CONNECT_MS = 5000;
const ANSWER_MS = 10_000;
/** Everybody's records, of a large fleet over a slow line. */
const WHOLE_MS = 5 * 60_000;
/** How often everybody's records are read as a whole: what was deleted is not among the changes. */
const WHOLE_EVERY_MS = 24 * 3_600_000;
/** So many polls later what is wanted is read again though the server says that nothing has changed: a contextCSN stays as
 * it was where the overlay was taken out. */
const READ_EVERY = 10;
/** Values in one filter. */
const AT_ONCE = 50;
const MOST_MEMBERS = 5000;
/** Entries of people per value that is asked for: a key may be paired with several accounts. */
const ENTRIES_EACH = 8;
const MARKS = ['entryCSN', 'objectClass'];
const MARKED = { entries: 64 + AT_ONCE * ENTRIES_EACH, bytes: 1024 * 1024 };
const SMALL = { entries: 64, bytes: 256 * 1024 };
const BOOK_ENTRY = { entries: 64, bytes: 32 * 1024 * 1024 };
const PEOPLE = { entries: MAX_BOOK_RECORDS, bytes: 2 * MAX_BOOK_BYTES };
const MAX_CA_BYTES = 4 * 1024 * 1024;

export interface LdapSettings {
  readonly base: string;
  readonly userAttribute: string;
  readonly ca: string;
  readonly bind: 'anonymous' | 'simple' | 'external';
  readonly bindDn: string;
}

/** What a server has said, and the marks of then. */
interface Known {
  readonly server: Server;
  readonly suffix: string | null;
  bookMark: string | null;
  head: Pick<Book, 'heads' | 'officers'>;
  context: readonly string[];
  /** Lines of records by entry. */
  people: Map<string, readonly Item[]>;
  /** What `people` was asked for: names of keys; null before the first answer. */
  keys: ReadonlySet<string> | null;
  wholeMs: number | null;
  /** Polls since the records that are wanted were read. */
  polls: number;
}

function slicesOf(values: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(values.length / AT_ONCE) }, (_, at) => [
    ...values.slice(at * AT_ONCE, (at + 1) * AT_ONCE),
  ]);
}

/** The entries with what each of them was last changed by; null when one does not say it. */
function markOfAll(entries: readonly FoundEntry[]): string | null {
  const marks = entries.map((entry) => {
    const mark = markOf(entry.values('entryCSN'));
    return mark === null ? null : `${entry.dn} ${mark}`;
  });
  return marks.includes(null) ? null : marks.sort().join('\n');
}

function recordsOf(entry: FoundEntry): Item[] {
  return entry
    .values(RECORD)
    .map(parseItem)
    .filter((item): item is Item => item?.kind === 'record');
}

export class LdapSource implements BookSource {
  readonly name: string;
  readonly #settings: LdapSettings;
  readonly #tls: TlsParts;
  readonly #bind: Bind;
  #servers: readonly Server[];
  #session: Session | null = null;
  #known: Known | null = null;

  constructor(servers: readonly string[], settings: LdapSettings, tls: TlsParts, bind: Bind) {
    this.#servers = servers.map(serverOf);
    this.#settings = settings;
    this.#tls = tls;
    this.#bind = bind;
    this.name = servers.join(' ');
  }

  close(): void {
    this.#session?.close();
    this.#session = null;
  }

  async lookUp(key: string): Promise<readonly Item[]> {
    const endMs = performance.now() + LOOK_UP_MS;
    const left = (): number => Math.max(1, endMs - performance.now());
    // A connection of its own: the other one may be in the middle of a long answer.
    // A server that is silent leaves half of the time to the next.
    const session = await this.#open(() => (this.#servers.length > 1 ? left() / 2 : left()));
    try {
      const [found = []] = await session.search([this.#people(is(KEY_HASH, key))], SMALL, left());
      return found.flatMap(recordsOf).filter(({ name }) => name === key);
    } finally {
      session.close();
    }
  }

  async fetch({ keys, prefetch }: Wanted): Promise<Book> {
    const session = this.#session?.isOpen === true ? this.#session : await this.#open(() => CONNECT_MS);
    this.#session = session;
    try {
      const known = await this.#knownOf(session);
      const before = await this.#poll(session, known, { keys, prefetch });
      if (prefetch.all) await this.#readAll(session, known, before);
      else await this.#readWanted(session, known, { keys, prefetch }, before !== null);
      const maker = new BookMaker();
      for (const item of [...known.head.heads, ...known.head.officers]) maker.add(item);
      for (const own of known.people.values()) for (const item of own) maker.add(item);
      return maker.made();
    } catch (error) {
      // What it said before may be half of something.
      this.#known = null;
      this.close();
      throw error;
    }
  }

  #people(filter: Filter): Search {
    return { base: this.#settings.base, scope: 'sub', filter, attributes: [RECORD] };
  }

  /** The first server that answers. @throws what each of them said */
  async #open(timeoutMs: () => number): Promise<Session> {
    const said: string[] = [];
    for (const server of this.#servers) {
      try {
        const session = await Session.open(server, this.#tls, this.#bind, timeoutMs());
        this.#servers = [server, ...this.#servers.filter((other) => other !== server)];
        return session;
      } catch (error) {
        said.push(`${server.url}: ${describeError(error)}`);
      }
    }
    throw new AgentError('malformed', { detail: said.join('; ') });
  }

  async #knownOf(session: Session): Promise<Known> {
    if (this.#known?.server === session.server) return this.#known;
    const root: Search = {
      base: '',
      scope: 'base',
      filter: any,
      attributes: ['namingContexts'],
    };
    const [[entry] = []] = await session.search([root], SMALL, ANSWER_MS);
    this.#known = {
      server: session.server,
      suffix: suffixOf(this.#settings.base, entry?.values('namingContexts') ?? []),
      bookMark: null,
      head: EMPTY_BOOK,
      context: [],
      people: new Map(),
      keys: null,
      wholeMs: null,
      polls: 0,
    };
    return this.#known;
  }

  /**
   * Looks whether something has changed, and reads heads and officers when they have. Of a few keys, whose entries have
   * changed is seen by these entries themselves; of many, by the database's contextCSN.
   * @returns the contextCSN of the poll before, from which on people may have changed; null when nothing has
   */
  async #poll(session: Session, known: Known, { keys, prefetch }: Wanted): Promise<readonly string[] | null> {
    const { base } = this.#settings;
    const areFew =
      keys.size <= AT_ONCE && !prefetch.all && prefetch.users.length === 0 && prefetch.groups.length === 0;
    const book: Search = { base, scope: 'sub', filter: is('objectClass', BOOK), attributes: MARKS };
    const searches: Search[] = areFew
      ? [{ ...book, filter: bookOrKeys([...keys]) }]
      : [
          book,
          ...(known.suffix === null
            ? []
            : [{ base: known.suffix, scope: 'base', filter: any, attributes: ['contextCSN'] } as const]),
        ];
    const [found = [], [top] = []] = await session.search(searches, MARKED, ANSWER_MS);
    const isBook = (entry: FoundEntry): boolean =>
      entry.values('objectClass').some((name) => name.toLowerCase() === BOOK.toLowerCase());
    const books = found.filter(isBook);
    if (books.length === 0) throw new AgentError('malformed', { detail: `no entry of a book below ${base}` });
    const bookMark = markOfAll(books);
    if (bookMark === null || bookMark !== known.bookMark) {
      known.head = await this.#readBook(session, book);
      known.bookMark = bookMark;
    }
    const before = known.context;
    const peopleMark = areFew ? markOfAll(found.filter((entry) => !isBook(entry))) : null;
    const now = areFew
      ? peopleMark === null
        ? []
        : [`entries ${peopleMark}`]
      : (top?.values('contextCSN') ?? []);
    known.context = now;
    return markOf(now) !== null && markOf(now) === markOf(before) ? null : before;
  }

  async #readBook(session: Session, book: Search): Promise<Pick<Book, 'heads' | 'officers'>> {
    const [found = []] = await session.search(
      [{ ...book, attributes: [HEAD, OFFICER] }],
      BOOK_ENTRY,
      ANSWER_MS,
    );
    const maker = new BookMaker();
    for (const entry of found)
      for (const line of [...entry.values(HEAD), ...entry.values(OFFICER)]) {
        const item = parseItem(line);
        if (item !== null && item.kind !== 'record') maker.add(item);
      }
    return maker.made();
  }

  async #readWanted(
    session: Session,
    known: Known,
    { keys, prefetch }: Wanted,
    isChanged: boolean,
  ): Promise<void> {
    const isAsked = known.keys !== null && [...keys].every((key) => known.keys?.has(key) === true);
    known.polls += 1;
    if (!isChanged && isAsked && known.polls < READ_EVERY) return;
    const people = new Map<string, readonly Item[]>();
    const ask = async (filter: Filter, count: number, keep: (item: Item) => boolean): Promise<void> => {
      const allowed = { entries: count * ENTRIES_EACH, bytes: 16 * 1024 * 1024 };
      const [found = []] = await session.search([this.#people(filter)], allowed, ANSWER_MS);
      for (const entry of found) {
        const items = [...(people.get(entry.dn) ?? []), ...recordsOf(entry).filter(keep)];
        people.set(entry.dn, [...new Map(items.map((item) => [item.line, item])).values()]);
      }
    };
    for (const slice of slicesOf([...keys]))
      await ask(anyOf(KEY_HASH, slice), slice.length, ({ name }) => keys.has(name));
    const users = [...prefetch.users, ...(await this.#membersOf(session, prefetch.groups))];
    for (const slice of slicesOf(users))
      await ask(anyOf(this.#settings.userAttribute, slice), slice.length, () => true);
    known.people = people;
    known.keys = keys;
    known.polls = 0;
  }

  /** Names of accounts: memberUid of RFC 2307's groups. */
  async #membersOf(session: Session, groups: readonly string[]): Promise<string[]> {
    if (groups.length === 0) return [];
    const search: Search = {
      base: this.#settings.base,
      scope: 'sub',
      filter: anyOf('cn', groups),
      attributes: ['memberUid'],
    };
    const allowed = { entries: 4 * groups.length, bytes: 4 * 1024 * 1024 };
    const [found = []] = await session.search([search], allowed, ANSWER_MS);
    const names = [...new Set(found.flatMap((entry) => entry.values('memberUid')))];
    if (names.length > MOST_MEMBERS)
      throw new AgentError('malformed', {
        detail: `the groups of fleet.prefetch have more than ${MOST_MEMBERS} members`,
      });
    return names;
  }

  /** Everybody's records: once as a whole, then what has changed. */
  async #readAll(session: Session, known: Known, before: readonly string[] | null): Promise<void> {
    const nowMs = performance.now();
    const from = before === null ? null : changesFrom(before);
    const isWhole =
      known.wholeMs === null || nowMs - known.wholeMs > WHOLE_EVERY_MS || (before !== null && from === null);
    if (!isWhole && from === null) return;
    const people = isWhole ? new Map<string, readonly Item[]>() : new Map(known.people);
    const filter = isWhole || from === null ? is('objectClass', PERSON) : since(from);
    await session.searchPages(this.#people(filter), PEOPLE, WHOLE_MS, (entries) => {
      for (const entry of entries) people.set(entry.dn, recordsOf(entry));
    });
    known.people = people;
    if (isWhole) known.wholeMs = nowMs;
  }
}

function credential(folder: string | null, name: string): Buffer {
  const detail = `fleet.bind needs /etc/credstore/scauth-fleet.${name}`;
  if (folder === null) throw new AgentError('config-invalid', { detail });
  try {
    return readFileSync(join(folder, `scauth-fleet.${name}`));
  } catch (error) {
    throw new AgentError('config-invalid', { detail, cause: error });
  }
}

/**
 * @param credentials systemd's folder of them
 * @throws AgentError `config-invalid` when a file that the settings name is not there
 */
export function ldapSource(
  servers: readonly string[],
  settings: LdapSettings,
  credentials: string | null,
): LdapSource {
  let ca: readonly string[] = [];
  if (settings.ca === '') ca = getCACertificates('system');
  else {
    const pem = readTrustedFile(settings.ca, MAX_CA_BYTES)?.toString('latin1') ?? '';
    if (!pem.includes('-----BEGIN CERTIFICATE-----'))
      throw new AgentError('config-invalid', { detail: `fleet.ca: no certificate in ${settings.ca}` });
    ca = [pem];
  }
  switch (settings.bind) {
    case 'anonymous':
      return new LdapSource(servers, settings, { ca }, { kind: 'anonymous' });
    case 'simple': {
      const password = credential(credentials, 'password')
        .toString('utf8')
        .replace(/\r?\n$/, '');
      return new LdapSource(servers, settings, { ca }, { kind: 'simple', dn: settings.bindDn, password });
    }
    case 'external': {
      const tls = { ca, cert: credential(credentials, 'crt'), key: credential(credentials, 'key') };
      return new LdapSource(servers, settings, tls, { kind: 'external' });
    }
  }
}
