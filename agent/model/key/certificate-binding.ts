// What can tie a certificate to an account of a directory, and why one that SSSD was asked about is not taken. The rule is
// policy/certificate-binding.ts.

export const STRONG_BINDINGS = ['sid', 'sid_uri', 'issuer_serial', 'subject_key_id', 'public_key'] as const;

/** For the setting mapping.weak. `sssd`: its own rules alone, which scauth cannot look at. */
export const WEAK_BINDINGS = ['issuer_subject', 'subject', 'rfc822', 'upn', 'sssd'] as const;

export type WeakBinding = (typeof WEAK_BINDINGS)[number];
export type Binding = (typeof STRONG_BINDINGS)[number] | WeakBinding;

export interface MappingRefusal {
  readonly why:
    | 'root'
    | 'rule'
    | 'chain'
    | 'unreadable'
    | 'no-answer'
    | 'nobody'
    | 'several'
    | 'other-account'
    | 'unbound';
  /** For root and the log; null: there is no more to say. */
  readonly detail: string | null;
}
