// An anchor that a card has signed, as one line of text: the anchor, then the whole message that the card signed, the
// public key and the signature. Whose key it is, the line cannot say: that is known from the pairing or a certificate.
//
//   scauth-anchor 1 SEQUENCE SEAL TIME signed SCHEME KEY MESSAGE SIGNATURE      the last three in base64url
//
// Pure. The message is that of model/challenge.ts, with the purpose `audit-anchor`.

import { anchorsIn, anchorText, type Anchor } from './anchor.ts';
import { readAnchorMessage } from '../challenge.ts';
import { parsePublicKey, type PublicKey } from '../key/key.ts';
import { isProofScheme, isSignedBy, type Proof } from '../proof.ts';

export interface SignedAnchor {
  readonly anchor: Anchor;
  readonly message: Buffer;
  readonly proof: Proof;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Buffer;
}

const FORM =
  /(scauth-anchor 1 \d{1,15} [A-Za-z0-9_-]{43} \d{1,15}) signed ([a-z0-9-]{1,24}) ([A-Za-z0-9_-]{1,1700}) ([A-Za-z0-9_-]{1,2400}) ([A-Za-z0-9_-]{1,700})(?![A-Za-z0-9_-])/g;

export function signedAnchorText({ anchor, message, proof, spki }: SignedAnchor): string {
  const [key, signed, signature] = [spki, message, Buffer.from(proof.signature)].map((bytes) =>
    bytes.toString('base64url'),
  );
  return `${anchorText(anchor)} signed ${proof.scheme} ${key ?? ''} ${signed ?? ''} ${signature ?? ''}`;
}

/** All signed anchors in a text, unchecked. */
export function signedAnchorsIn(text: string): SignedAnchor[] {
  return [...text.matchAll(FORM)].flatMap(
    ([, plain = '', scheme = '', key = '', message = '', signature = '']) => {
      const [anchor] = anchorsIn(plain);
      if (anchor === undefined || !isProofScheme(scheme)) return [];
      const bytes = (part: string): Buffer => Buffer.from(part, 'base64url');
      return [
        { anchor, message: bytes(message), proof: { scheme, signature: bytes(signature) }, spki: bytes(key) },
      ];
    },
  );
}

/** Who signed: the key, and the account as scauthd knew it then. */
export interface AnchorSigner {
  readonly key: PublicKey;
  readonly user: string;
}

/** @returns null when the signature is not right, or is one over something else */
export function signerOf({ anchor, message, proof, spki }: SignedAnchor): AnchorSigner | null {
  const said = readAnchorMessage(message);
  if (said?.anchor !== anchorText(anchor)) return null;
  let key: PublicKey;
  try {
    key = parsePublicKey(spki);
  } catch {
    return null;
  }
  return isSignedBy(message, proof, key) ? { key, user: said.user } : null;
}
