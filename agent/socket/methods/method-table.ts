// Every method of io.scauth, a row each: who may call it, what the call means to others, and what it does. A method that is
// missing here does not compile, so that none is without its guard. Parameters are read once, by the table of the protocol.

import { AgentError } from '../../base/errors.ts';
import { requireHere } from '../../stories/card/gates/require-here.ts';
import type { PeerCredentials } from '../../model/request.ts';
import { lookAgain } from '../../stories/card/find/whole-tokens.ts';
import {
  INTERFACE,
  readParameters,
  type MethodName,
  type Reply,
  type UpgradedMethod,
} from '../../protocol/io-scauth.ts';
import { PermissionDenied } from '../../protocol/varlink.ts';
import { claim, stateFor } from '../monitor.ts';
import { callerAccount } from './caller.ts';
import * as book from './book-methods.ts';
import * as stories from './card-stories.ts';
import * as keys from './machine-key-stories.ts';
import * as setup from './setup-stories.ts';
import * as enforcement from './enforcement-methods.ts';
import { getHealth } from './health-methods.ts';
import { listDrivers, listItems, listReaders, setDriverForLogin } from './inventory-methods.ts';
import { disableKeyring, getKeyring } from './keyring-methods.ts';
import * as lostCards from './lost-methods.ts';
import type { AdminParts, Run, Story, StoryOf } from './method-parts.ts';
import { addPairing, explain, listIdentities, listPairings, unpair } from './pairing-methods.ts';
import { getPrompt, setPrompt } from './prompt-methods.ts';
import { checkSettings, getSettings, reloadSettings } from './settings-methods.ts';
import { wireToken } from './wire.ts';

interface Facts {
  readonly who: 'root' | 'all';
  /** Once it has succeeded, programs of sessions may have to show something else. */
  readonly wakesSessions: boolean;
  /** It does something without being answered; a call that only reads is for nothing then. */
  readonly oneway: boolean;
}

interface PlainRow<M extends MethodName> extends Facts {
  readonly run: Run<M>;
}

/** It goes on as a conversation. */
interface StoryRow<M extends UpgradedMethod> extends Facts {
  /**
   * A secret goes to a card: the caller has to be at this machine (stories/card/gates/require-here.ts). `seat`: a rehearsal, which
   * says who is elsewhere as one of its steps.
   */
  readonly here: 'yes' | 'seat';
  readonly story: StoryOf<M>;
}

type PlainMethod = Exclude<MethodName, UpgradedMethod>;

const READS = { who: 'all', wakesSessions: false, oneway: false } as const;
const CHANGES = { ...READS, oneway: true } as const;
const SHOWN = { ...CHANGES, wakesSessions: true } as const;
const ASKS = { ...READS, wakesSessions: true, here: 'yes' } as const;
const ROOT = { who: 'root' } as const;

/** Whoever shows enforcement looks again. */
function tellingPolicy<M extends MethodName>(run: Run<M>): Run<M> {
  return async (given, peer, parts) => {
    const reply = await run(given, peer, parts);
    parts.sessionCards.policyChanged();
    return reply;
  };
}

const PLAIN: { readonly [M in PlainMethod]: PlainRow<M> } = {
  ListTokens: {
    ...READS,
    run: async (_, _peer, { tokens }) => ({
      tokens: (await lookAgain(tokens)).map(wireToken),
    }),
  },
  ListIdentities: { ...READS, run: listIdentities },
  ListItems: { ...READS, run: listItems },
  ListDrivers: { ...READS, run: listDrivers },
  ListReaders: { ...READS, run: listReaders },
  SetDriverForLogin: { ...CHANGES, ...ROOT, run: setDriverForLogin },
  ListPairings: { ...READS, run: listPairings },
  TakeBookSignatures: { ...READS, run: book.takeBookSignatures },
  AddPairing: { ...SHOWN, ...ROOT, run: addPairing },
  Unpair: { ...SHOWN, run: unpair },
  SayLost: { ...SHOWN, run: lostCards.lost },
  SayFound: { ...SHOWN, ...ROOT, run: lostCards.found },
  ListLost: { ...READS, run: lostCards.listLost },
  Explain: { ...READS, run: explain },
  GetKeyring: { ...READS, run: getKeyring },
  DisableKeyring: { ...CHANGES, run: disableKeyring },
  GetHealth: { ...READS, run: getHealth },
  GetSettings: { ...READS, run: getSettings },
  CheckSettings: { ...READS, ...ROOT, run: (_, _peer, parts) => checkSettings(parts) },
  ReloadSettings: { ...CHANGES, ...ROOT, run: (_, _peer, parts) => reloadSettings(parts) },
  GetPairingPrompt: { ...READS, run: getPrompt },
  SetPairingPrompt: { ...SHOWN, run: setPrompt },
  Monitor: {
    ...READS,
    run: async (_, peer, parts) => stateFor(await callerAccount(peer, parts.accounts), parts),
  },
  Claim: {
    ...CHANGES,
    run: async ({ number }, peer, parts) => claim(await callerAccount(peer, parts.accounts), number, parts),
  },
  GetEnforcement: { ...READS, run: enforcement.getEnforcement },
  PlanEnforcement: { ...READS, ...ROOT, run: enforcement.plan },
  StartEnforcement: { ...CHANGES, ...ROOT, run: enforcement.start },
  ConfirmEnforcement: { ...CHANGES, ...ROOT, run: enforcement.confirm },
  StopEnforcement: { ...CHANGES, ...ROOT, run: enforcement.stop },
  SetBreakGlass: { ...CHANGES, ...ROOT, run: tellingPolicy(enforcement.newCode) },
  Exempt: { ...CHANGES, ...ROOT, run: tellingPolicy(enforcement.exempt) },
  Unexempt: { ...CHANGES, ...ROOT, run: tellingPolicy(enforcement.unexempt) },
};

const STORIES: { readonly [M in UpgradedMethod]: StoryRow<M> } = {
  Pair: { ...ASKS, story: stories.pairStory },
  Renew: { ...ASKS, story: stories.renewStory },
  VerifyPin: { ...ASKS, story: stories.verifyPinStory },
  ChangePin: { ...ASKS, story: stories.changePinStory },
  UnblockPin: { ...ASKS, story: stories.unblockPinStory },
  AnswerChallenge: { ...ASKS, story: stories.answerChallengeStory },
  SetUp: { ...ASKS, story: setup.setUpStory },
  TakeOwnSecrets: { ...ASKS, story: setup.ownSecretsStory },
  ImportCertificate: { ...ASKS, story: setup.importCertificateStory },
  CreateKey: { ...ASKS, story: keys.createKeyStory },
  RequestCertificate: { ...ASKS, story: keys.requestStory },
  DeleteKeys: { ...ASKS, story: keys.deleteKeysStory },
  EnableKeyring: { ...ASKS, story: stories.enableKeyringStory },
  SignAnchor: { ...ASKS, ...ROOT, story: stories.signAnchorStory },
  SignBook: { ...ASKS, story: book.signBookStory },
  Rehearse: { ...ASKS, here: 'seat', story: stories.rehearseStory },
};

/** A method as it was called. */
export type Method = (
  | { readonly kind: 'plain'; readonly name: PlainMethod }
  | { readonly kind: 'story'; readonly name: UpgradedMethod }
) &
  Facts;

/** @param name with its interface. @returns null when it is no method of io.scauth */
export function methodNamed(name: string): Method | null {
  const short = name.startsWith(`${INTERFACE}.`) ? name.slice(INTERFACE.length + 1) : '';
  if (Object.hasOwn(PLAIN, short)) {
    const plain = short as PlainMethod;
    return { ...PLAIN[plain], kind: 'plain', name: plain };
  }
  if (!Object.hasOwn(STORIES, short)) return null;
  const story = short as UpgradedMethod;
  return { ...STORIES[story], kind: 'story', name: story };
}

function requireCaller({ who }: Facts, peer: PeerCredentials): void {
  if (who === 'root' && peer.uid !== 0) throw new PermissionDenied('root only');
}

/**
 * @returns the reply's parameters
 * @throws InvalidParameter, PermissionDenied, AgentError
 */
export async function callMethod<M extends PlainMethod>(
  name: M,
  peer: PeerCredentials,
  parameters: Readonly<Record<string, unknown>>,
  parts: AdminParts,
): Promise<Reply<M>> {
  const row: PlainRow<M> = PLAIN[name];
  requireCaller(row, peer);
  return row.run(readParameters(name, parameters), peer, parts);
}

/**
 * @returns the story of an upgraded call: nobody has been asked anything yet
 * @throws InvalidParameter, PermissionDenied, AgentError
 */
export async function storyOf(
  name: UpgradedMethod,
  peer: PeerCredentials,
  parameters: Readonly<Record<string, unknown>>,
  parts: AdminParts,
): Promise<Story> {
  const row = STORIES[name] as StoryRow<UpgradedMethod>;
  requireCaller(row, peer);
  await requireHere(peer, parts.policy(), parts.sessions, row.here);
  return row.story(readParameters(name, parameters), peer, parts);
}

/** An upgraded call that was not upgraded. */
export function mustBeUpgraded(): AgentError {
  return new AgentError('invalid-argument', { say: 'call it with "upgrade": true' });
}
