// What a directory says of an account that it knows: text from outside, capped by whoever read it.

export interface DirectoryUser {
  readonly name: string;
  readonly uid: number;
  /** The account's SIDs as `S-1-…`; Active Directory has one. */
  readonly sids: readonly string[];
  /** Values of altSecurityIdentities: `X509:<I>…<SR>…` and the like. */
  readonly securityIdentities: readonly string[];
  readonly principalNames: readonly string[];
}
