// A card that is in, as `sc_auth show` sees it: what several methods of io.scauth say of it, brought together, and what is
// wrong with it.

import type { WireIdentity, WireItem, WireToken } from '../../protocol/io-scauth.ts';
import { problem as say } from '../../words/show.ts';

const DAY_MS = 86_400_000;
/** As `sc_auth doctor`. */
const WARN_DAYS = 30;

export interface KeyView
  extends WireIdentity, Pick<WireItem, 'sslTrust' | 'x509Trust' | 'trustDetail' | 'chain'> {
  /** Whole days until its certificate ends, below zero when it has; null: no certificate. */
  readonly daysLeft: number | null;
}

export interface CardView extends WireToken {
  readonly keys: readonly KeyView[];
  /** A sentence each, with the next step. */
  readonly problems: readonly string[];
}

type Place = Pick<WireIdentity, 'token' | 'reader'>;

export interface Seen {
  readonly tokens: readonly WireToken[];
  readonly identities: readonly WireIdentity[];
  readonly items: readonly WireItem[];
}

/** Two cards may call themselves the same. An older scauthd does not say in which reader a key is. */
function isOfSame(one: Place, other: Place): boolean {
  return one.token === other.token && (one.reader ?? other.reader) === (other.reader ?? one.reader);
}

function keyView(identity: WireIdentity, { items }: Seen, nowMs: number): KeyView {
  const item = items.find(
    (one) => isOfSame(one, identity) && one.slot === identity.slot && one.hash === identity.hash,
  );
  const endMs = identity.notAfter === null ? NaN : Date.parse(identity.notAfter);
  return {
    ...identity,
    sslTrust: item?.sslTrust ?? 'Not evaluated',
    x509Trust: item?.x509Trust ?? 'Not evaluated',
    trustDetail: item?.trustDetail ?? null,
    chain: item?.chain ?? null,
    daysLeft: Number.isNaN(endMs) ? null : Math.floor((endMs - nowMs) / DAY_MS),
  };
}

export function logsIn({ use, unfit }: KeyView): boolean {
  return use === 'authentication' && unfit === null;
}

export function isNotYet({ notBefore }: KeyView, nowMs: number): boolean {
  return notBefore !== null && Date.parse(notBefore) > nowMs;
}

/** A certificate for logins alone: others end as they like. */
function keyProblems(key: KeyView, asRoot: boolean, nowMs: number): string[] {
  if (!logsIn(key)) return [];
  const { slot, pairedWith, notBefore, notAfter, daysLeft, trustDetail } = key;
  const day = (time: string | null): string => (time ?? '').slice(0, 10);
  return [
    ...(daysLeft !== null && daysLeft < 0 ? [say.ended(slot, day(notAfter))] : []),
    ...(daysLeft !== null && daysLeft >= 0 && daysLeft <= WARN_DAYS ? [say.ends(slot, day(notAfter))] : []),
    ...(isNotYet(key, nowMs) ? [say.notYet(slot, day(notBefore))] : []),
    ...(trustDetail === null ? [] : [say.notTrusted(slot, trustDetail)]),
    ...(pairedWith.length === 0 ? [say.unpaired(slot, asRoot)] : []),
  ];
}

function cardProblems({ triesLeft, pukTriesLeft, notes }: WireToken): string[] {
  return [
    ...(triesLeft === 0 ? [say.pinBlocked] : []),
    ...(triesLeft === 1 ? [say.lastTry] : []),
    ...(pukTriesLeft === 0 ? [say.pukBlocked] : []),
    ...notes,
  ];
}

/** @param asRoot root sees everybody's pairings, others their own */
export function cardViews(seen: Seen, asRoot: boolean, nowMs: number): CardView[] {
  return seen.tokens.map((token) => {
    const keys = seen.identities
      .filter((identity) => isOfSame(identity, { token: token.id, reader: token.reader }))
      .map((identity) => keyView(identity, seen, nowMs));
    const problems = [...cardProblems(token), ...keys.flatMap((key) => keyProblems(key, asRoot, nowMs))];
    return { ...token, keys, problems };
  });
}
