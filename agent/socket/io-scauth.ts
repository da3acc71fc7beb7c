// The interface io.scauth as TypeScript: what goes over the wire, for the server (admin.ts) and for clients
// (agent/cli). The definition is io.scauth.varlink beside this file; a test holds the two together.

export const INTERFACE = 'io.scauth';

export interface WireToken {
  readonly id: string;
  readonly driver: string;
  readonly label: string;
  readonly reader: string;
  readonly triesLeft: number | null;
  readonly triesTotal: number | null;
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

export interface WireFailure {
  readonly code: string;
  readonly message: string;
  readonly triesLeft: number | null;
}

export interface WireLink {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy: string | null;
}

/** Method name → parameters and reply. `null` parameters may also be left out. */
export interface Methods {
  ListTokens: { parameters: Record<string, never>; reply: { tokens: WireToken[] } };
  ListIdentities: { parameters: Record<string, never>; reply: { identities: WireIdentity[] } };
  ListPairings: { parameters: { user: string | null }; reply: { pairings: WirePairing[] } };
  AddPairing: {
    parameters: { user: string; hash: string | null; certificate: string | null };
    reply: { pairing: WirePairing };
  };
  Pair: { parameters: { hash: string }; reply: Record<string, never> };
  VerifyPin: { parameters: { token: string | null }; reply: Record<string, never> };
  Unpair: { parameters: { user: string | null; hash: string | null }; reply: { removed: WirePairing[] } };
  Explain: {
    parameters: { user: string | null; service: string; rhost: string | null };
    reply: { user: string; links: WireLink[] };
  };
  GetPairingPrompt: { parameters: Record<string, never>; reply: { enabled: boolean } };
  SetPairingPrompt: { parameters: { enabled: boolean }; reply: Record<string, never> };
}
