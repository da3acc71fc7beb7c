// The accounts that enforcement is planned for, one after the other: those of people as the name service lists them, then
// those that a pairing or an exemption names although no list has them. No more of it is held than the list of people.

import { rowsBehind, type Placed } from '../../base/slices.ts';
import type { Account, AccountDirectory, Accounts } from '../../model/account.ts';
import { parseUsername, type Username } from '../../model/request.ts';
import type { EnforcementTable, PairingTable } from '../../store/interface.ts';

export interface AccountParts {
  readonly pairings: PairingTable;
  readonly enforced: EnforcementTable;
  readonly directory: AccountDirectory;
  readonly accounts: Accounts;
}

/** How long whoever asks page by page is given the pages of one list; reading it takes a second for 10,000. */
const LIST_KEPT_MS = 60_000;

/** The list while it is read: the first page does not wait for the last account. */
class People {
  readonly #list: Account[] = [];
  readonly #names = new Set<string>();
  readonly #whole: Promise<void>;
  #isWhole = false;
  /** Of those who wait for an account. */
  #more: PromiseWithResolvers<null> | null = null;

  constructor(directory: AccountDirectory) {
    const add = (account: Account): void => {
      this.#list.push(account);
      this.#names.add(account.name);
    };
    const reading = directory.people((account) => {
      add(account);
      this.#more?.resolve(null);
      this.#more = null;
    });
    this.#whole = reading.then((all) => {
      for (const account of all.slice(this.#list.length)) add(account);
      this.#isWhole = true;
    });
    // Whoever waits for an account is told, and nobody joins what has broken off.
    this.#whole.catch(() => {
      forget(directory, this);
    });
  }

  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** null behind the last. @throws AgentError `internal` */
  async at(index: number): Promise<Account | null> {
    while (index >= this.#list.length && !this.#isWhole) {
      this.#more ??= Promise.withResolvers();
      await Promise.race([this.#more.promise, this.#whole]);
    }
    return this.#list[index] ?? null;
  }

  /** Once the list is whole. @throws AgentError `internal` */
  async has(name: string): Promise<boolean> {
    await this.#whole;
    return this.#names.has(name);
  }
}

const lists = new WeakMap<AccountDirectory, People>();

function forget(directory: AccountDirectory, people: People): void {
  if (lists.get(directory) === people) lists.delete(directory);
}

/**
 * One that is being read will do for whoever comes meanwhile: somebody who looks again and again, and does not wait for the
 * end, would have all of them read at once.
 * @param goesOn the list that a page before came from will do
 */
function peopleOf(directory: AccountDirectory, goesOn: boolean): People {
  const kept = lists.get(directory);
  if (kept !== undefined && (goesOn || !kept.isWhole)) return kept;
  const people = new People(directory);
  lists.set(directory, people);
  setTimeout(forget, LIST_KEPT_MS, directory, people).unref();
  return people;
}

/** Users of both tables behind `after`, by name. */
function namedUsers(after: Username | null, count: number, { pairings, enforced }: AccountParts): Username[] {
  const exempt = enforced.exemptionPage(after, count).map(({ user }) => user);
  const users = [...new Set([...pairings.userPage(after, count), ...exempt])];
  // As SQLite sorts: a name that stood elsewhere here would be left out.
  return users.sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other))).slice(0, count);
}

/** `people 12` or `named bob`: behind the twelfth of the list, behind bob of the others. */
const PLACE = /^(?:people (?<index>\d{1,9})|named (?<user>.+))$/;

/** @throws AgentError `unknown-user` */
function parsePlace(text: string): { readonly index: number; readonly user: Username | null } | null {
  const { index, user } = PLACE.exec(text)?.groups ?? {};
  if (index !== undefined) return { index: Number(index), user: null };
  return user === undefined ? null : { index: Infinity, user: parseUsername(user) };
}

export function isPlannedPlace(text: string): boolean {
  return PLACE.test(text);
}

/** null: a name that is no account, or was there before. @param after a place of an account before @throws AgentError `store-unreadable`, `internal` */
export async function* plannedAccounts(
  parts: AccountParts,
  after: string | null = null,
): AsyncGenerator<Placed<Account | null, string>> {
  const from = after === null ? null : parsePlace(after);
  const people = peopleOf(parts.directory, from !== null);
  for (let at = from?.index ?? 0; at !== Infinity; at += 1) {
    const one = await people.at(at);
    if (one === null) break;
    yield { one, place: `people ${at + 1}` };
  }
  const users = rowsBehind(
    from?.user ?? null,
    (behind, count) => namedUsers(behind, count, parts),
    (user) => user,
  );
  for (const { one: user } of users) {
    const account = (await people.has(user)) ? null : await parts.accounts.byName(user);
    yield { one: account, place: `named ${user}` };
  }
}
