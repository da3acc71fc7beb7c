// A matching rule of sss-certmap(5), after parsing. SSSD's meaning: the parts must all match (&&) or one of them (||);
// within <KU> and <EKU> all that are listed must be there.

import type { AltNameKind } from '../../agent/model/key/certificate-fields.ts';

export type CertmapPart =
  | { readonly kind: 'subject' | 'issuer'; readonly pattern: RegExp }
  | { readonly kind: 'key-usage' | 'extended-key-usage'; readonly all: readonly string[] }
  /** `kinds`: the kinds of names of which one must match. */
  | { readonly kind: 'alt-name'; readonly kinds: readonly AltNameKind[]; readonly pattern: RegExp };

export interface CertmapRule {
  /** As it was written. */
  readonly text: string;
  readonly combine: 'all' | 'any';
  /** At least one. */
  readonly parts: readonly CertmapPart[];
}
