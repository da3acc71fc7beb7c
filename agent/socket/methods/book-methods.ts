// SignBook, and the signatures that it has made.

import { numbered } from '../../base/slices.ts';
import type { PeerCredentials } from '../../model/request.ts';
import { signBook } from '../../stories/card/sign-book.ts';
import type { Given, Reply } from '../../protocol/io-scauth.ts';
import { InvalidParameter } from '../../protocol/varlink.ts';
import { callerAccount } from './caller.ts';
import type { Story } from './card-stories.ts';
import type { AdminParts } from './method-parts.ts';
import { pageOf } from './paging.ts';

export async function signBookStory(
  { items }: Given<'SignBook'>,
  peer: PeerCredentials,
  parts: AdminParts,
): Promise<Story> {
  const account = await callerAccount(peer, parts.accounts);
  return async (person) => {
    const signatures = await signBook(account.name, items, peer, person, parts);
    return { ticket: parts.signedBooks.keep(peer.uid, signatures), count: signatures.length };
  };
}

export async function takeBookSignatures(
  { ticket, after }: Given<'TakeBookSignatures'>,
  peer: PeerCredentials,
  { signedBooks }: AdminParts,
): Promise<Reply<'TakeBookSignatures'>> {
  const all = signedBooks.of(ticket, peer.uid);
  if (all === null) throw new InvalidParameter('ticket');
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  const { items, next } = await pageOf(numbered(all, after ?? 0), ({ proof, spki, message }) => ({
    scheme: proof.scheme,
    key: text(spki),
    message: text(message),
    signature: text(proof.signature),
  }));
  if (next === null) signedBooks.forget(ticket);
  return { signatures: items, next };
}
