// SignBook, and the signatures that it has made.

import { numbered } from '../../base/slices.ts';
import { signBook } from '../../stories/card/sign-book.ts';
import { InvalidParameter } from '../../protocol/varlink.ts';
import { callerAccount } from './caller.ts';
import type { Run, StoryOf } from './method-parts.ts';
import { pageOf } from './paging.ts';

export const signBookStory: StoryOf<'SignBook'> = async ({ items }, peer, parts) => {
  const account = await callerAccount(peer, parts.accounts);
  return async (person) => {
    const signatures = await signBook(account.name, items, { peer, person, parts });
    return { ticket: parts.signedBooks.keep(peer.uid, signatures), count: signatures.length };
  };
};

export const takeBookSignatures: Run<'TakeBookSignatures'> = async (
  { ticket, after },
  peer,
  { signedBooks },
) => {
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
};
