// The anchors that verify is given, and who signed them. A signature says that this card's owner saw the log stand there;
// whose key it is, is told by a certificate (--signer) or by the pairings of this machine.

import { pemBlocks } from '../../../base/pem.ts';
import { anchorsIn, type Anchor } from '../../../model/sealed-log/anchor.ts';
import { parseCertificateFile, parsePublicKey, type PublicKey } from '../../../model/key/key.ts';
import { signedAnchorsIn, signerOf } from '../../../model/sealed-log/signed-anchor.ts';
import type { WirePairing } from '../../../protocol/io-scauth.ts';
import * as words from '../../../words/audit-log.ts';
import { pagesOf } from '../../agent/client.ts';
import type { CommandContext } from '../../context.ts';
import { CommandError } from '../../exit-codes.ts';
import { contentOf } from '../small-file.ts';
import { timeText } from '../../../base/local-time.ts';

const { file: say, usage } = words;

export interface AnchorSignature {
  readonly sequence: number;
  readonly timeMs: number;
  /** The account, as scauthd knew it when the card signed; null where the signature is not right. */
  readonly user: string | null;
  /** SHA-256 of the public key; null as above. */
  readonly sha256: string | null;
  /**
   * Whose key it is: that of --signer, one that is paired with the account here, nobody's that is known, or another one
   * than that of --signer; `wrong` for a signature that is not right.
   */
  readonly by: words.SignedBy;
}

export interface GivenAnchors {
  readonly anchors: readonly Anchor[];
  readonly signatures: readonly AnchorSignature[];
}

/** @throws CommandError `usage` */
function signerKey(path: string): PublicKey {
  const bytes = contentOf(path);
  if (bytes === null) throw new CommandError('usage', say.noSigner(path));
  try {
    const [spki] = pemBlocks(bytes, 'PUBLIC KEY');
    return spki === undefined ? parseCertificateFile(bytes).publicKey : parsePublicKey(spki);
  } catch (cause) {
    throw new CommandError('usage', say.notASigner(path), cause);
  }
}

/** Those pairings of this machine that are with one of the keys; none where scauthd is not here, or says nothing. */
async function pairingsHere(
  keys: ReadonlySet<string>,
  context: CommandContext,
): Promise<readonly WirePairing[]> {
  const found: WirePairing[] = [];
  try {
    for await (const { pairings } of pagesOf(context, 'ListPairings', { user: null }))
      found.push(...pairings.filter(({ sha256 }) => sha256 !== null && keys.has(sha256)));
  } catch {
    return [];
  }
  return found;
}

/**
 * @param path of --anchors: any text that has anchors
 * @param signer of --signer: then one of them at least is signed by it
 * @throws CommandError `usage`
 */
export async function readAnchors(
  path: string | undefined,
  signer: string | undefined,
  context: CommandContext,
): Promise<GivenAnchors> {
  if (path === undefined) {
    if (signer !== undefined) throw new CommandError('usage', usage.onlyWithAnchors);
    return { anchors: [], signatures: [] };
  }
  const text = contentOf(path)?.toString('latin1');
  if (text === undefined) throw new CommandError('usage', say.noAnchors);
  const anchors = anchorsIn(text);
  if (anchors.length === 0) throw new CommandError('usage', say.noAnchorIn(path));
  const wanted = signer === undefined ? null : signerKey(signer);
  const signed = signedAnchorsIn(text);
  if (wanted !== null && signed.length === 0) throw new CommandError('usage', say.noSignedAnchorIn(path));
  const signers = signed.map((one) => ({ one, found: signerOf(one) }));
  const keys = new Set(signers.flatMap(({ found }) => (found === null ? [] : [found.key.sha256])));
  const pairings = wanted === null && keys.size > 0 ? await pairingsHere(keys, context) : [];
  const signatures = signers.map(({ one, found }): AnchorSignature => {
    const { sequence, timeMs } = one.anchor;
    if (found === null) return { sequence, timeMs, user: null, sha256: null, by: 'wrong' };
    const { sha256, spki } = found.key;
    const { user } = found;
    const here = pairings.some((pairing) => pairing.user === user && pairing.sha256 === sha256);
    const by =
      wanted === null ? (here ? 'paired' : 'unknown') : wanted.spki.equals(spki) ? 'signer' : 'other';
    return { sequence, timeMs, user, sha256, by };
  });
  return { anchors, signatures };
}

export function isFault({ by }: AnchorSignature): boolean {
  return by === 'wrong' || by === 'other';
}

/** A signature as a sentence, without its heading. */
export function signatureText({ sequence, timeMs, user, sha256, by }: AnchorSignature): string {
  const signed = user === null || sha256 === null ? null : words.signedFor(user, sha256);
  return words.signatureText(sequence, timeText(timeMs), signed, by);
}
