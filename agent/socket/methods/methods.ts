// What there is to know of each method of io.scauth before its parameters are looked at. A method that is missing here
// does not compile, so that none is without its guard.

import { INTERFACE, type Methods, type UpgradedMethod } from '../../protocol/io-scauth.ts';

export type MethodName = keyof Methods;

export interface MethodFacts {
  /** It goes on as a conversation. */
  readonly upgraded: boolean;
  /**
   * A secret goes to a card: the caller has to be at this machine (stories/card/require-here.ts). `seat`: a rehearsal, which says
   * who is elsewhere as one of its steps.
   */
  readonly here: 'yes' | 'seat' | 'no';
  /** Once it has succeeded, programs of sessions may have to show something else. */
  readonly wakesSessions: boolean;
  /** It does something without being answered; a call that only reads is for nothing then. */
  readonly oneway: boolean;
}

const READS = { upgraded: false, here: 'no', wakesSessions: false, oneway: false } as const;
const CHANGES = { ...READS, oneway: true } as const;
const SHOWN = { ...CHANGES, wakesSessions: true } as const;
const ASKS = { upgraded: true, here: 'yes', wakesSessions: true, oneway: false } as const;

const METHODS = {
  ListTokens: READS,
  ListIdentities: READS,
  ListItems: READS,
  ListDrivers: READS,
  ListReaders: READS,
  SetDriverForLogin: CHANGES,
  ListPairings: READS,
  AddPairing: SHOWN,
  Unpair: SHOWN,
  Explain: READS,
  GetKeyring: READS,
  DisableKeyring: CHANGES,
  GetHealth: READS,
  CheckSettings: READS,
  ReloadSettings: CHANGES,
  GetPairingPrompt: READS,
  SetPairingPrompt: SHOWN,
  Monitor: READS,
  Claim: CHANGES,
  GetEnforcement: READS,
  PlanEnforcement: READS,
  StartEnforcement: CHANGES,
  ConfirmEnforcement: CHANGES,
  StopEnforcement: CHANGES,
  SetBreakGlass: CHANGES,
  Exempt: CHANGES,
  Unexempt: CHANGES,
  Pair: ASKS,
  VerifyPin: ASKS,
  ChangePin: ASKS,
  UnblockPin: ASKS,
  EnableKeyring: ASKS,
  SignAnchor: ASKS,
  Rehearse: { ...ASKS, here: 'seat' },
} satisfies Record<MethodName, MethodFacts> & Record<UpgradedMethod, { upgraded: true }>;

/** @param name with its interface. @returns null when it is no method of io.scauth */
export function methodFacts(name: string): MethodFacts | null {
  const short = name.startsWith(`${INTERFACE}.`) ? name.slice(INTERFACE.length + 1) : '';
  return Object.hasOwn(METHODS, short) ? METHODS[short as MethodName] : null;
}
