// The methods of io.scauth about pairings and the keys on cards that are in, and how far a login would come.

import { AgentError } from '../../base/errors.ts';
import { numbered, rowsBehind, Slices } from '../../base/slices.ts';
import { auditedKey } from '../../stories/card/audited-key.ts';
import { guardAgainstShutOut } from '../../stories/enforcement/enforcement-plan.ts';
import { explainEnforcement } from '../../stories/enforcement/explain-enforcement.ts';
import { explainLogin } from '../../stories/explain/explain.ts';
import { pairForUser, type TrustedKey } from '../../stories/pair/pair.ts';
import { parseCertificateFile, parsePkhh, type Certificate } from '../../model/key/key.ts';
import { listed, type ListedPairing } from '../../model/pairing.ts';
import { parseUsername } from '../../model/request.ts';
import type { PairingPlace } from '../../store/interface.ts';
import { lostKey } from '../../stories/card/gates/said-lost.ts';
import { wholeTokens } from '../../stories/card/find/whole-tokens.ts';
import { CARD_LOST } from '../../words/lost.ts';
import { UNFIT_USE } from '../../words/pairing.ts';
import { InvalidParameter } from '../../protocol/varlink.ts';
import type { Given } from '../../protocol/io-scauth.ts';
import { accountNamed, callerUnlessRoot, userInScope } from './caller.ts';
import { mayServe } from './inventory-methods.ts';
import type { Run } from './method-parts.ts';
import { pageOf } from './paging.ts';
import { wireIdentity, wirePairing } from './wire.ts';

export const listPairings: Run<'ListPairings'> = async ({ user: asked, after }, peer, parts) => {
  const user = asked === null && peer.uid === 0 ? undefined : await userInScope(peer, asked, parts.accounts);
  const rows = rowsBehind(
    after === null ? null : placeOf(after),
    (behind, count) => parts.pairings.page(behind, count, user),
    ({ user: name, pkhh }) => ({ user: name, pkhh }),
  );
  const { items, next } = await pageOf(rows, wirePairing);
  return { pairings: items, next: next === null ? null : `${next.user} ${next.pkhh}` };
};

/** Where a page of pairings begins: behind this user's with this hash. @throws InvalidParameter */
function placeOf(after: string): PairingPlace {
  const [user = '', pkhh = '', ...more] = after.split(' ');
  if (more.length > 0) throw new InvalidParameter('after');
  return { user: parseUsername(user), pkhh: parsePkhh(pkhh) };
}

export const listIdentities: Run<'ListIdentities'> = async ({ after }, peer, parts) => {
  const own = await callerUnlessRoot(peer, parts.accounts);
  const tokens = await wholeTokens(parts.tokens);
  const all = tokens.flatMap((token) => token.identities.map((identity) => ({ token, identity })));
  const { items, next } = await pageOf(numbered(all, after ?? 0), ({ token, identity }) => {
    const users = parts.pairings.forKey(identity.publicKey.pkhh).map((pairing) => pairing.user);
    const visible = own === null ? users : users.filter((user) => user === own);
    const lost = lostKey(identity.publicKey.pkhh, [token.id], parts.pairings) !== null;
    return wireIdentity(token, identity, UNFIT_USE[identity.use] ?? (lost ? CARD_LOST : null), visible);
  });
  return { identities: items, next };
};

/** @throws InvalidParameter unless exactly one of both is there */
function trustedKey({ hash, certificate }: Given<'AddPairing'>): TrustedKey {
  if (hash !== null && certificate === null) return { kind: 'hash', pkhh: parsePkhh(hash) };
  if (certificate === null || hash !== null) throw new InvalidParameter('hash');
  return { kind: 'certificate', certificate: certificateOf(certificate) };
}

/** @param text PEM or base64 of DER @throws AgentError `bad-certificate`, `weak-key` */
export function certificateOf(text: string): Certificate {
  const isPem = text.includes('-----BEGIN');
  return parseCertificateFile(isPem ? Buffer.from(text, 'latin1') : Buffer.from(text, 'base64'));
}

export const addPairing: Run<'AddPairing'> = async (given, peer, parts) => {
  const key = trustedKey(given);
  const { name } = await accountNamed(given.user, parts.accounts);
  const wish = { shared: given.shared === true, dryRun: given.dryRun === true };
  return { pairing: wirePairing(listed(await pairForUser(name, key, peer, parts, wish))) };
};

export const unpair: Run<'Unpair'> = async ({ user: asked, hash, all, shutOut }, peer, parts) => {
  const user = await userInScope(peer, asked, parts.accounts);
  const pkhh = hash === null ? null : parsePkhh(hash);
  const own = parts.pairings.cardsOf(user);
  if (pkhh === null && all !== true && own.length > 1) throw new AgentError('several-pairings');
  const going = own.filter((one) => pkhh === null || one.pkhh === pkhh);
  const mayShutOut = shutOut === true && peer.uid === 0;
  const account = mayShutOut ? null : await parts.accounts.byName(user);
  if (account !== null) await guardAgainstShutOut(account, { without: going }, parts.enforcement);
  // One after the other, so that nobody waits for somebody with hundreds.
  const removed: ListedPairing[] = [];
  const slices = new Slices();
  for (const one of going)
    for (const pairing of parts.pairings.remove(user, one.pkhh)) {
      removed.push(listed(pairing));
      const key = auditedKey(pairing.pkhh, pairing.tokenId, null);
      await parts.audit.record({ kind: 'pairing-removed', user, actor: peer, key });
      await slices.giveWay();
    }
  if (removed.length === 0 && pkhh !== null) throw new AgentError('not-paired');
  const { items } = await pageOf(numbered(removed, 0), wirePairing);
  return { removed: items, more: removed.length - items.length };
};

export const explain: Run<'Explain'> = async ({ user: asked, service, rhost }, peer, parts) => {
  const user = await userInScope(peer, asked, parts.accounts);
  const account = await accountNamed(user, parts.accounts);
  const links = await explainLogin(
    { account, service, rhost, peer, inFull: peer.uid === 0 },
    {
      ...parts,
      readers: parts.inventory,
      enforcement: (login, place) => explainEnforcement(login, place, parts.enforcement),
      mayDriverServe: mayServe(parts),
    },
  );
  return { user, links: [...links] };
};
