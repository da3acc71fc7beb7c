// One connection to one server, and searches on it with limits. It ends at the first thing that goes wrong: what a server
// says after that is not asked.

import { Client, type Filter, type SearchOptions } from 'ldapts';
import { AgentError } from '../../base/errors.ts';
import { openTls, type Server, type TlsParts } from './connect.ts';
import { MessageGuard, type Allowance } from './message-guard.ts';

const PAGE = 500;

export type Bind =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'simple'; readonly dn: string; readonly password: string }
  | { readonly kind: 'external' };

export interface Search {
  readonly base: string;
  readonly scope: 'base' | 'sub';
  readonly filter: Filter;
  readonly attributes: readonly string[];
}

export interface FoundEntry {
  readonly dn: string;
  /** Values of an attribute, whatever case the server writes its name in. */
  values(attribute: string): readonly string[];
}

function entryOf(raw: Readonly<Record<string, unknown>>): FoundEntry {
  const { dn } = raw;
  return {
    dn: typeof dn === 'string' ? dn : '',
    values: (attribute) => {
      const [, value] =
        Object.entries(raw).find(([name]) => name.toLowerCase() === attribute.toLowerCase()) ?? [];
      const list: readonly unknown[] = Array.isArray(value) ? value : [value];
      return list.filter((one) => typeof one === 'string');
    },
  };
}

export class Session {
  readonly server: Server;
  readonly #client: Client;
  readonly #guard: MessageGuard;

  private constructor(server: Server, client: Client, guard: MessageGuard) {
    this.server = server;
    this.#client = client;
    this.#guard = guard;
  }

  /** @throws what openTls throws; when the server does not take the bind */
  static async open(server: Server, tls: TlsParts, bind: Bind, timeoutMs: number): Promise<Session> {
    const endMs = performance.now() + timeoutMs;
    const guard = new MessageGuard(await openTls(server, tls, timeoutMs));
    const client = new Client({ url: 'ldap://guarded', createConnection: () => guard as never });
    const session = new Session(server, client, guard);
    const left = Math.max(1, endMs - performance.now());
    if (bind.kind !== 'anonymous') {
      guard.allow({ entries: 0, bytes: 16 * 1024 });
      const asked =
        bind.kind === 'simple' ? client.bind(bind.dn, bind.password) : client.bindSASL('EXTERNAL');
      await session.#within(left, asked);
    }
    return session;
  }

  get isOpen(): boolean {
    return !this.#guard.destroyed;
  }

  close(): void {
    this.#guard.destroy();
  }

  /** Searches that go out together; the limits are for all of their answers. @throws when one fails, or is not complete */
  async search(searches: readonly Search[], allowed: Allowance, timeoutMs: number): Promise<FoundEntry[][]> {
    this.#guard.allow(allowed);
    return this.#within(timeoutMs, Promise.all(searches.map((search) => this.#one(search))));
  }

  /** Each entry as it comes, a page at a time. @param take is called for each page */
  async searchPages(
    search: Search,
    allowed: Allowance,
    timeoutMs: number,
    take: (entries: readonly FoundEntry[]) => void,
  ): Promise<void> {
    this.#guard.allow(allowed);
    const pages = async (): Promise<void> => {
      // A page without an entry counts as one, or a server could go on for ever.
      let left = allowed.entries;
      for await (const page of this.#client.searchPaginated(search.base, this.#options(search, true))) {
        left -= Math.max(1, page.searchEntries.length);
        if (left < 0) throw new AgentError('malformed', { detail: 'an answer with too many pages' });
        take(page.searchEntries.map(entryOf));
      }
    };
    await this.#within(timeoutMs, pages());
  }

  async #one(search: Search): Promise<FoundEntry[]> {
    const { searchEntries } = await this.#client.search(search.base, this.#options(search, false));
    return searchEntries.map(entryOf);
  }

  #options({ scope, filter, attributes }: Search, paged: boolean): SearchOptions {
    return { scope, filter, attributes: [...attributes], ...(paged ? { paged: { pageSize: PAGE } } : {}) };
  }

  async #within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#guard.destroy(new Error(`no answer within ${Math.round(timeoutMs)} ms`));
    }, timeoutMs);
    try {
      return await work;
    } catch (error) {
      this.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
