// The parts around the login stories as fakes that keep their contracts: real keys and signatures, a card with tries,
// a person with scripted answers, a table and a log in memory.

import { UNKNOWN_SECRETS, type FactorySecrets } from '../../../agent/model/card/factory-secrets.ts';
import type { SessionSource } from '../../../agent/logind/interface.ts';
import type { KeyringParts } from '../../../agent/stories/card/keyring-parts.ts';
import { AgentError } from '../../../agent/base/errors.ts';
import { Pin } from '../../../agent/base/pin.ts';
import type { AuditLog } from '../../../agent/audit/interface.ts';
import type { Conversation } from '../../../agent/stories/card/conversation.ts';
import { HelpDesk } from '../../../agent/stories/card/help-desk.ts';
import type { Account, Accounts } from '../../../agent/model/account.ts';
import type { AuditEvent } from '../../../agent/model/sealed-log/audit-event.ts';
import { NO_CARD_KEY, type CardKeyProof } from '../../../agent/model/card/card-key.ts';
import type { Challenge } from '../../../agent/model/challenge.ts';
import type { Certificate, PublicKey } from '../../../agent/model/key/key.ts';
import type { Proof } from '../../../agent/model/proof.ts';
import { parseUsername, type Happened } from '../../../agent/model/request.ts';
import {
  parseTokenId,
  type Identity,
  type KeyUse,
  type CardPin,
  type PinState,
  type PinTry,
  type TouchPolicy,
  type TokenId,
} from '../../../agent/model/card/token.ts';
import type { CardLeft, ProofInHand, Token, TokenSource } from '../../../agent/token/interface.ts';
import type { CertificateTrust } from '../../../agent/trust/interface.ts';
import type { Signer } from '../../unit/model/signer.ts';

export { FakePairings, pairing } from './fake-pairings.ts';

export const PIN = '735912';
export const alice: Account = { name: parseUsername('alice'), uid: 1000 };
export const bob: Account = { name: parseUsername('bob'), uid: 1001 };

export const accounts: Accounts = {
  byName: (name) => Promise.resolve([alice, bob].find((account) => account.name === name) ?? null),
  byUid: (uid) => Promise.resolve([alice, bob].find((account) => account.uid === uid) ?? null),
};

/** Text that is typed, null for Ctrl-C, or something that happens while the prompt is open. */
export type Answer = string | null | ((text: string) => string | null | Promise<string | null>);

export class FakePerson implements Conversation {
  readonly asked: { readonly text: string; readonly echo: boolean }[] = [];
  readonly told: string[] = [];
  /** The kind of each thing told. */
  readonly kinds: string[] = [];
  /** What was said while something was waited for. */
  readonly held: string[] = [];
  /** Enter while something is waited for. */
  readonly skip = new AbortController();
  /** What the relay has noted of the authenticate phase; null: it is too old to note anything. */
  happened: Happened | null = null;
  /** How often that was asked. */
  recalled = 0;
  /** Called when something begins to be waited for. */
  onHold: () => void = () => undefined;
  readonly #answers: Answer[];

  constructor(answers: readonly Answer[]) {
    this.#answers = [...answers];
  }

  /** What was not asked for. */
  get unused(): number {
    return this.#answers.length;
  }

  async ask(text: string, echo: boolean): Promise<Pin | null> {
    this.asked.push({ text, echo });
    // A person is never as fast as the card.
    await new Promise(setImmediate);
    const next = this.#answers.shift() ?? null;
    const typed = typeof next === 'function' ? await next(text) : next;
    return typed === null ? null : new Pin(Buffer.from(typed));
  }

  hold(text: string, plain: string): AbortSignal {
    this.held.push(`${text} / ${plain}`);
    setImmediate(this.onHold);
    return this.skip.signal;
  }

  recall(): Promise<Happened | null> {
    this.recalled += 1;
    return Promise.resolve(this.happened);
  }

  tell(kind: 'information' | 'error', text: string): void {
    this.kinds.push(kind);
    this.told.push(text);
  }
}

export interface CardOptions {
  readonly id?: string;
  readonly use?: KeyUse;
  readonly certificate?: Certificate | null;
  /** What the card claims; the signer's own key if left out. */
  readonly claims?: PublicKey;
  readonly triesLeft?: number | null;
  /** What insertion saw, if the counter has moved since. */
  readonly triesAtInsertion?: number;
  /** Instead of signing the challenge. Throws for a card that fails. */
  readonly sign?: (challenge: Challenge) => Proof;
  readonly pinState?: () => Promise<PinState>;
  readonly acceptsPin?: (pin: Pin) => boolean;
  /** The reader has a PIN pad, and this is typed there; it may throw what a pad says. */
  readonly pad?: () => string;
  readonly touch?: TouchPolicy;
  /** What is known of the card after a proof (`reset`). */
  readonly left?: CardLeft;
  readonly label?: string;
  readonly reader?: string;
  readonly atr?: string;
  readonly cardProof?: CardKeyProof;
  readonly factorySecrets?: FactorySecrets;
}

/** A card with one key and a PIN of six to eight digits. */
export class FakeToken implements Token {
  readonly id: TokenId;
  readonly driver = 'org.scauth.fake';
  readonly label = 'Fake';
  readonly slot: Token['slot'];
  readonly identities: Identity[];
  readonly pins: readonly [CardPin];
  readonly notes = [];
  readonly cardProof: CardKeyProof;
  readonly factorySecrets: FactorySecrets;
  /** Each PIN that reached the card. */
  readonly sent: string[] = [];
  triesLeft: number | null;
  readonly #signer: Signer;
  readonly #options: CardOptions;

  constructor(signer: Signer, options: CardOptions = {}) {
    this.id = parseTokenId(options.id ?? 'org.scauth.fake:01');
    this.#signer = signer;
    this.cardProof = options.cardProof ?? NO_CARD_KEY;
    this.factorySecrets = options.factorySecrets ?? UNKNOWN_SECRETS;
    this.#options = options;
    this.pins = [{ id: '80', label: 'PIN', entry: options.pad === undefined ? 'computer' : 'reader' }];
    this.slot = {
      reader: options.reader ?? 'Reader',
      atr: Buffer.from(options.atr ?? '3B00', 'hex'),
      open: () => Promise.reject(new Error('no channel')),
    };
    this.triesLeft = options.triesLeft === undefined ? 3 : options.triesLeft;
    this.identities = [
      {
        tokenId: this.id,
        slot: '9A',
        use: options.use ?? 'authentication',
        publicKey: options.claims ?? signer.publicKey,
        certificate: options.certificate ?? null,
        label: options.label ?? 'Fake:Key (alice)',
        pin: '80',
        touch: options.touch ?? null,
      },
    ];
  }

  get identity(): Identity {
    const [identity] = this.identities;
    if (identity === undefined) throw new Error('a card without a key');
    return identity;
  }

  get lastPinState(): PinState {
    return { triesLeft: this.#options.triesAtInsertion ?? this.triesLeft, triesTotal: 3 };
  }

  pinState(): Promise<PinState> {
    return this.#options.pinState?.() ?? Promise.resolve({ triesLeft: this.triesLeft, triesTotal: 3 });
  }

  acceptsPin(pin: Pin): boolean {
    return this.#options.acceptsPin?.(pin) ?? (pin.isDigits && pin.length >= 6 && pin.length <= 8);
  }

  prove(_identity: Identity, challenge: Challenge, pin: PinTry): Promise<ProofInHand> {
    return this.#verify(pin).then(() => ({
      proof: this.#options.sign?.(challenge) ?? this.#signer.sign(challenge.message()),
      released: Promise.resolve(this.#options.left ?? 'reset'),
    }));
  }

  verifyPin(pin: PinTry): Promise<void> {
    return this.#verify(pin);
  }

  async #verify({ pin: typed, permit }: PinTry): Promise<void> {
    const { pad } = this.#options;
    permit({ triesLeft: this.triesLeft, triesTotal: 3 });
    if ((typed === null) !== (pad !== undefined)) throw new Error('a PIN from the wrong side');
    const pin = typed ?? new Pin(Buffer.from(pad?.() ?? ''));
    return pin.use(async (bytes) => {
      await Promise.resolve();
      this.sent.push(bytes.toString());
      if (this.triesLeft === 0) throw new AgentError('pin-blocked');
      if (bytes.toString() === PIN) return;
      if (this.triesLeft !== null) this.triesLeft -= 1;
      throw new AgentError('wrong-pin', this.triesLeft === null ? {} : { triesLeft: this.triesLeft });
    });
  }
}

/** For policies with trust level 0: whoever asks is at fault. */
export const noTrust: CertificateTrust = {
  findings: () => Promise.reject(new Error('nobody asked for trust')),
  path: () => Promise.reject(new Error('nobody asked for a path')),
  fields: () => Promise.reject(new Error('nobody asked for fields')),
  attestation: () => Promise.reject(new Error('nobody asked for an attestation')),
};

/** No card is known at a help desk. */
export const noHelpDesk = new HelpDesk(
  { deskRecord: () => null, keepDeskRecord: () => undefined },
  { hostId: () => Buffer.alloc(16) },
);

/** No logind runs. */
export const noLogind: SessionSource = {
  sessionOf: () => Promise.resolve({ place: 'unknown', session: null, detail: 'no logind' }),
};

/** Nothing is sealed to any card, and no PAM stack opens a keyring. */
export const noKeyring: KeyringParts = {
  table: {
    secretsOf: () => [],
    keepSecret: () => {
      throw new Error('nothing is sealed here');
    },
    dropSecrets: () => [],
  },
  passwordMark: () => Promise.resolve(null),
  pamOpensKeyrings: () => false,
  pamAsksForPassword: () => false,
};

export function tokensOf(...tokens: Token[]): TokenSource {
  return { present: () => Promise.resolve(tokens) };
}

/** Cards that come and go while somebody looks. */
export class ChangingTokens implements TokenSource {
  tokens: readonly Token[];
  readonly listeners = new Set<() => void>();

  constructor(...tokens: Token[]) {
    this.tokens = tokens;
  }

  present(): Promise<readonly Token[]> {
    return Promise.resolve(this.tokens);
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** What is in from now on. */
  set(...tokens: Token[]): void {
    this.tokens = tokens;
    for (const listener of this.listeners) listener();
  }
}

export class FakeAudit implements AuditLog {
  readonly events: AuditEvent[] = [];
  broken = false;

  async record(event: AuditEvent): Promise<void> {
    await Promise.resolve();
    if (this.broken) throw new AgentError('internal', { detail: 'disk full' });
    this.events.push(event);
  }
}
