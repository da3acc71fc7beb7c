// For whom a method is called, and about which card. Root may speak for everybody, others for themselves.

import { AgentError } from '../../base/errors.ts';
import type { Account, Accounts } from '../../model/account.ts';
import { parseUsername, type PeerCredentials, type Username } from '../../model/request.ts';
import { parseTokenId, type TokenId } from '../../model/card/token.ts';
import { InvalidParameter, PermissionDenied } from '../../protocol/varlink.ts';

/** The account that the caller is. @throws AgentError `unknown-user` */
export async function callerAccount(peer: PeerCredentials, accounts: Accounts): Promise<Account> {
  const account = await accounts.byUid(peer.uid);
  if (account === null) throw new AgentError('unknown-user', { detail: `no account has uid ${peer.uid}` });
  return account;
}

/** null: root, who speaks for the machine. @throws AgentError `unknown-user` */
export async function callerUnlessRoot(peer: PeerCredentials, accounts: Accounts): Promise<Username | null> {
  return peer.uid === 0 ? null : (await callerAccount(peer, accounts)).name;
}

/**
 * @param user null: the caller
 * @throws PermissionDenied where the caller may not speak for them; AgentError `unknown-user`
 */
export async function userInScope(
  peer: PeerCredentials,
  user: string | null,
  accounts: Accounts,
): Promise<Username> {
  if (user === null) return (await callerAccount(peer, accounts)).name;
  const name = parseUsername(user);
  if (peer.uid === 0) return name;
  if ((await accounts.byName(name))?.uid !== peer.uid) throw new PermissionDenied('own account only');
  return name;
}

/** An account that the caller, who is root, names. @throws AgentError `unknown-user` */
export async function accountNamed(user: string, accounts: Accounts): Promise<Account> {
  const account = await accounts.byName(parseUsername(user));
  if (account === null) throw new AgentError('unknown-user', { detail: user });
  return account;
}

/** null: none was named. */
export function tokenIdOf({ token }: { readonly token: string | null }): TokenId | null {
  return token === null ? null : parseTokenId(token);
}

const MAX_NAME = 200;

/** A login name that root says is behind it; it is shown and not trusted for anything. @throws InvalidParameter */
export function loginNameOf(by: string | null): string {
  const name = by ?? 'root';
  if (name.length === 0 || name.length > MAX_NAME) throw new InvalidParameter('by');
  return parseUsername(name);
}
