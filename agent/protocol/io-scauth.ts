// The interface io.scauth as TypeScript: what goes over the wire, for the server (agent/socket/methods) and for clients
// (agent/cli). The definition is io.scauth.varlink beside this file; a test holds the two together.

export const INTERFACE = 'io.scauth';

export interface WireToken {
  readonly id: string;
  readonly driver: string;
  readonly label: string;
  readonly reader: string;
  readonly triesLeft: number | null;
  readonly triesTotal: number | null;
  readonly readAt: string | null;
  readonly notes: readonly string[];
}

export interface WireDriver {
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
  readonly shortName: string;
  readonly parent: string | null;
  readonly uuid: string | null;
  readonly path: string;
  readonly timestamp: string | null;
  readonly interfaceVersion: number | null;
  readonly kind: string;
  readonly uid: number | null;
  readonly state: string;
  readonly problems: readonly string[];
  readonly builtIn: boolean;
  readonly forLogin: boolean;
}

export interface WireReader {
  readonly name: string;
  readonly state: string;
  readonly atr: string | null;
  readonly token: string | null;
  readonly error: string | null;
}

export interface WireReaderDriver {
  readonly id: string;
  readonly version: string | null;
  readonly path: string;
}

export interface WireItem {
  readonly token: string;
  readonly readAt: string | null;
  readonly slot: string;
  readonly use: string;
  readonly algorithm: string;
  readonly label: string;
  readonly hash: string;
  readonly publicKey: string;
  readonly certificate: string | null;
  readonly sslTrust: string;
  readonly x509Trust: string;
  readonly trustDetail: string | null;
  readonly unfit: string | null;
}

/** One step of a rehearsal, in its result frame. */
export interface WireStep {
  readonly name: string;
  readonly good: boolean;
  readonly ms: number;
  readonly note: string;
}

export interface WireIdentity {
  readonly hash: string;
  readonly label: string;
  readonly token: string;
  readonly slot: string;
  readonly use: string;
  readonly algorithm: string;
  readonly commonName: string | null;
  readonly issuer: string | null;
  readonly serial: string | null;
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  readonly unfit: string | null;
  readonly pairedWith: readonly string[];
}

export interface WirePairing {
  readonly user: string;
  readonly hash: string;
  readonly label: string;
  readonly token: string | null;
  readonly driver: string | null;
  readonly algorithm: string | null;
  readonly sha256: string | null;
  readonly keyKnown: boolean;
  readonly pairedBy: string;
  readonly pairedAt: string;
}

/** A card that is in, as one user may know it. */
export interface WireSessionCard {
  readonly number: number;
  readonly token: string;
  readonly label: string;
  readonly reader: string;
  readonly standing: string;
  readonly why: string | null;
  readonly hash: string | null;
  readonly identity: string | null;
  readonly holder: string | null;
  readonly issuer: string | null;
  readonly prompt: boolean;
  readonly claimed: boolean;
}

/** A removal after which a session of the user's was to be locked or ended. */
export interface WireRemoval {
  readonly number: number;
  readonly session: string | null;
  readonly label: string;
  readonly action: string;
  readonly done: boolean;
  readonly command: readonly string[];
  readonly claimed: boolean;
}

export interface WireFailure {
  readonly code: string;
  readonly message: string;
  readonly triesLeft: number | null;
}

/** A pairing, and whether its card opens the login keyring. */
export interface WireKeyringCard {
  readonly hash: string;
  readonly label: string;
  readonly token: string | null;
  readonly enabled: boolean;
  readonly sealedAt: string | null;
  readonly passwordChanged: boolean | null;
}

export interface WireExemption {
  readonly user: string;
  readonly until: string;
  readonly by: string;
  readonly at: string;
  readonly reason: string;
}

/** What `sc_auth enforce plan` says of an account. */
export interface WireStanding {
  readonly user: string;
  readonly uid: number;
  readonly pairings: number;
  readonly lastCardLogin: string | null;
  readonly inExemptGroup: boolean;
  readonly exemptUntil: string | null;
  readonly keptInBy: string | null;
  readonly why: string;
}

/** Calls of a session's program (agent/session). */
export type SessionMethod = 'Monitor' | 'Claim';

/** Calls that go on as a conversation (PROTOCOL.md, 2.1). */
export type UpgradedMethod =
  'Pair' | 'VerifyPin' | 'ChangePin' | 'UnblockPin' | 'Rehearse' | 'SignAnchor' | 'EnableKeyring';
export interface WireLink {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy: string | null;
}

/** A certificate that is about to end. */
export interface WireExpiring {
  readonly what: string;
  readonly user: string | null;
  readonly hash: string;
  readonly label: string;
  readonly notAfter: string;
}

/** A paired card that no login takes as the machine is set up. */
export interface WireRefusedCard {
  readonly user: string;
  readonly hash: string;
  readonly rule: string;
  readonly why: string;
}

/** Method name → parameters and reply. `null` parameters may also be left out. */
export interface Methods {
  ListTokens: { parameters: Record<string, never>; reply: { tokens: WireToken[] } };
  ListIdentities: {
    parameters: { after?: number | null };
    reply: { identities: WireIdentity[]; next: number | null };
  };
  ListItems: {
    parameters: { token: string | null; after: number | null };
    reply: { items: WireItem[]; next: number | null };
  };
  ListDrivers: { parameters: Record<string, never>; reply: { drivers: WireDriver[] } };
  ListReaders: {
    parameters: Record<string, never>;
    reply: { readers: WireReader[]; drivers: WireReaderDriver[] };
  };
  SetDriverForLogin: {
    parameters: { driver: string; enabled: boolean; shutOut?: boolean | null };
    reply: Record<string, never>;
  };
  ListPairings: {
    parameters: { user: string | null; after?: string | null };
    reply: { pairings: WirePairing[]; next: string | null };
  };
  AddPairing: {
    parameters: { user: string; hash: string | null; certificate: string | null };
    reply: { pairing: WirePairing };
  };
  Pair: {
    parameters: { hash: string; keyring?: string | null };
    reply: Record<string, never>;
  };
  VerifyPin: { parameters: { token: string | null }; reply: Record<string, never> };
  ChangePin: {
    parameters: { token: string | null; user: string | null };
    reply: Record<string, never>;
  };
  UnblockPin: { parameters: { token: string | null }; reply: Record<string, never> };
  Rehearse: { parameters: { service: string }; reply: Record<string, never> };
  SignAnchor: { parameters: { user: string }; reply: Record<string, never> };
  Unpair: {
    parameters: { user: string | null; hash: string | null; shutOut?: boolean | null };
    reply: { removed: WirePairing[] };
  };
  Explain: {
    parameters: { user: string | null; service: string; rhost: string | null };
    reply: { user: string; links: WireLink[] };
  };
  GetKeyring: {
    parameters: { user: string | null };
    reply: {
      user: string;
      allowed: boolean;
      pam: boolean;
      services: readonly string[];
      cards: WireKeyringCard[];
    };
  };
  EnableKeyring: { parameters: { hash: string | null }; reply: Record<string, never> };
  DisableKeyring: {
    parameters: { user: string | null; hash: string | null };
    reply: { disabled: readonly string[] };
  };
  GetHealth: {
    parameters: { days: number };
    reply: {
      version: string;
      notInForce: string[];
      configRefused: string | null;
      expiring: WireExpiring[];
      refusedCards: WireRefusedCard[];
      shutOut: string[];
      shutOutCount: number;
      shutOutSoon: string[];
      shutOutSoonCount: number;
    };
  };
  CheckSettings: {
    parameters: Record<string, never>;
    reply: {
      problem: string | null;
      enforced: boolean;
      shutOut: string[];
      shutOutCount: number;
      newlyShutOut: string[];
      newlyShutOutCount: number;
      closesRemote: boolean;
    };
  };
  ReloadSettings: { parameters: Record<string, never>; reply: { changed: string[] } };
  GetPairingPrompt: {
    parameters: { token: string | null };
    reply: { enabled: boolean; level: string };
  };
  SetPairingPrompt: {
    parameters: { enabled: boolean; token: string | null };
    reply: Record<string, never>;
  };
  Monitor: {
    parameters: Record<string, never>;
    reply: {
      user: string;
      prompt: boolean;
      loggingIn: boolean;
      cards: WireSessionCard[];
      removals: WireRemoval[];
    };
  };
  Claim: { parameters: { number: number }; reply: { claimed: boolean } };
  GetEnforcement: {
    parameters: { after?: string | null };
    reply: {
      state: string;
      since: string | null;
      until: string | null;
      by: string | null;
      breakGlass: boolean;
      exemptions: WireExemption[];
      next: string | null;
    };
  };
  PlanEnforcement: {
    parameters: { after?: string | null };
    reply: { accounts: WireStanding[]; next: string | null };
  };
  StartEnforcement: {
    parameters: { by?: string | null; shutOut?: readonly string[] | null; salt: string; codeHash: string };
    reply: { until: string; shutOut: string[] };
  };
  ConfirmEnforcement: { parameters: Record<string, never>; reply: { user: string; at: string } };
  StopEnforcement: { parameters: Record<string, never>; reply: Record<string, never> };
  SetBreakGlass: { parameters: { salt: string; codeHash: string }; reply: Record<string, never> };
  Exempt: {
    parameters: { user: string; until: string; reason?: string | null; by?: string | null };
    reply: { exemption: WireExemption };
  };
  Unexempt: { parameters: { user: string; shutOut?: boolean | null }; reply: { removed: boolean } };
}
