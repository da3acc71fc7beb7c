// What a desktop calls the card of a login: the label that the PKCS#11 module shows of its token, which p11-kit has loaded
// there. A card that PIV reads is OpenSC's there, which names it by its first certificate.
// Specifications: PKCS #11, CK_TOKEN_INFO; OpenSC, pkcs15-piv.c and framework-pkcs15.c; gnome-settings-daemon,
// gsd-smartcard-manager.c. Why: DECISIONS.md D241.

import { basename } from 'node:path';
import type { Policy } from '../../../policy/policy.ts';
import { certificateParts } from '../../model/key/certificate-parts.ts';
import type { Certificate } from '../../model/key/key.ts';
import { readName } from '../../model/key/name.ts';
import { type Identity, isTokenName, TOKEN_NAME_BYTES } from '../../model/card/token.ts';
import type { Token } from '../../token/interface.ts';

export interface TokenName {
  readonly name: string;
  /** File names of the modules that show it so: it holds where all of them are loaded. */
  readonly modules: readonly string[];
}

const OPENSC = 'opensc-pkcs11.so';
const COMMON_NAME = '550403';
/** UTF8String, PrintableString, IA5String: kinds whose bytes are their UTF-8. */
const PLAIN = [0x0c, 0x13, 0x16];
const MORE = '...';

/** As the field has it; null where its text would not come out whole, or in each release in another way. */
function inField(text: string): string | null {
  const bytes = Buffer.from(text);
  const kept =
    bytes.length <= TOKEN_NAME_BYTES
      ? bytes
      : Buffer.concat([bytes.subarray(0, TOKEN_NAME_BYTES - MORE.length), Buffer.from(MORE)]);
  const shown = kept.toString().replace(/ +$/, '');
  return isTokenName(shown) && !/[:\ufffd]/.test(shown) ? shown : null;
}

/** The common name, where there is one and nothing to choose. */
function byCertificate({ der }: Certificate): string | null {
  try {
    const rdns = readName(certificateParts(der).subject);
    const named = rdns.filter((rdn) => rdn.some(({ type }) => type === COMMON_NAME));
    const [attribute, ...others] = named.flat();
    if (attribute === undefined || others.length > 0 || !PLAIN.includes(attribute.value.tag)) return null;
    return inField(attribute.value.value.toString());
  } catch {
    return null;
  }
}

/**
 * What the card is called, of which `identity` has logged in; null where that is not certain: by another card's name, or none,
 * GNOME would take this one for gone.
 * @param configured of `pkcs11.modules`
 */
export function pkcs11Name(
  token: Pick<Token, 'driver' | 'identities' | 'pins'>,
  identity: Pick<Identity, 'pin'>,
  configured: Policy['pkcs11']['modules'],
): TokenName | null {
  switch (token.driver) {
    case 'org.scauth.piv': {
      const first = token.identities.find(({ slot }) => slot === '9A')?.certificate ?? null;
      const name = first === null ? null : byCertificate(first);
      return name === null ? null : { name, modules: [OPENSC] };
    }
    case 'org.scauth.pkcs11': {
      // A slot for each PIN, and its label is the PIN's.
      const name = token.pins.find(({ id }) => id === identity.pin)?.label ?? '';
      const modules = configured.map((module) => (typeof module === 'string' ? module : module.path));
      const files = modules.map((path) => (path === 'opensc' ? OPENSC : basename(path)));
      return isTokenName(name) ? { name, modules: files } : null;
    }
    default:
      return null;
  }
}
