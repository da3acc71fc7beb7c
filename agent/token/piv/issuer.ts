// Setting up a card that is in: the transactions around look.ts and issue.ts, and the secrets that are wiped on each path.

import { AgentError } from '../../base/errors.ts';
import type { Issued, IssueOrder } from '../../model/card/issuing.ts';
import { sameKey, type Certificate } from '../../model/key/key.ts';
import type { PinTries } from '../../model/card/pin-tries.ts';
import type { Identity, PinTry } from '../../model/card/token.ts';
import type { CardIssuer, SetupLook } from '../interface.ts';
import { emptyVerify } from './commands.ts';
import { PIV_CARD_APPLICATION_PIN, SLOTS } from './constants.ts';
import { issueCard, replaceCertificate, requireSameCard } from './issue.ts';
import { contentOf, FILLED, lookAt, slotNamed, type Look } from './look.ts';
import { leaving, orLeave } from '../../pcsc/channel.ts';
import type { OpenCard } from './open-card.ts';
import type { PivReading } from './probe.ts';
import { pinStatusOf } from './status.ts';
import type { VerifiedSession } from './verified-session.ts';

export class PivIssuer implements CardIssuer {
  readonly #open: () => Promise<OpenCard>;
  readonly #reading: PivReading;
  readonly #tries: PinTries;
  readonly #session: (open: OpenCard) => VerifiedSession;

  /** @param open a transaction with the application selected */
  constructor(
    open: () => Promise<OpenCard>,
    reading: PivReading,
    tries: PinTries,
    session: (open: OpenCard) => VerifiedSession,
  ) {
    this.#open = open;
    this.#reading = reading;
    this.#tries = tries;
    this.#session = session;
  }

  async look(): Promise<SetupLook | null> {
    const { identities, yubiKey, pinReference, serial } = this.#reading;
    if (pinReference !== PIV_CARD_APPLICATION_PIN) return null;
    const { channel, exchange } = await this.#open();
    // A YubiKey was asked for these when it was put in, with and without certificate; they are asked for again before
    // anything is written.
    const places = yubiKey ? FILLED : [];
    const inUse = identities.map(({ slot }) => slot);
    const look = await leaving(channel, () => lookAt(exchange, { places, serial, inUse }));
    if (look === null) return null;
    this.#tries.heard(look.pin);
    return { ...look, issue: (order) => this.#issue(look, order) };
  }

  async #issue(look: Look, order: IssueOrder): Promise<Issued> {
    const { pin, permit } = order.pin;
    // VERIFY wipes the one that it sends; some keys want it again.
    const kept = pin.copy();
    try {
      return await this.#verified(
        { pin, permit },
        (open) => requireSameCard(open.exchange, look),
        ({ exchange }) => issueCard({ exchange, look, order, pin: kept, isNamed: this.#isNamed }),
      );
    } finally {
      for (const secret of [pin, kept, order.nextPin, order.nextPuk]) secret?.wipe();
    }
  }

  async putCertificate(identity: Identity, certificate: Certificate, { pin, permit }: PinTry): Promise<void> {
    try {
      if (pin === null) throw new AgentError('not-supported', { detail: 'the PIN is typed on the reader' });
      let look: Look | null = null;
      await this.#verified(
        { pin, permit },
        async ({ exchange }) => {
          look = await lookAt(exchange, { places: [...ALL_PLACES], inUse: [], serial: null });
          // Before the PIN goes: nothing could be done with it.
          if (look === null)
            throw new AgentError('not-supported', { detail: "the card has not Yubico's instructions" });
          const slot = slotNamed(identity.slot);
          const now = await contentOf(exchange, slot, look.hasMetadata);
          const key = now?.publicKey ?? now?.certificate?.publicKey;
          if (key === undefined || !sameKey(key, certificate.publicKey))
            throw new AgentError('card-changed', { detail: 'the key is not on the card any more' });
        },
        async ({ exchange }) => {
          if (look !== null) await replaceCertificate(exchange, look, identity.slot, certificate.der);
        },
      );
    } finally {
      pin?.wipe();
    }
  }

  /** A card that was named once keeps its name. */
  get #isNamed(): boolean {
    return this.#reading.guid !== null;
  }

  /** Verifies the PIN where `ready` does not throw, and leaves the card unverified whatever happens. */
  async #verified<T>(
    { pin, permit }: PinTry & { readonly pin: NonNullable<PinTry['pin']> },
    ready: (open: OpenCard) => Promise<void>,
    act: (session: VerifiedSession) => Promise<T>,
  ): Promise<T> {
    const session = await this.#tries.spend(permit, async (admit) => {
      const open = await this.#open();
      await orLeave(open.channel, async () => {
        await ready(open);
        await admit(async () => {
          const status = pinStatusOf(await emptyVerify(open.exchange, PIV_CARD_APPLICATION_PIN));
          return { triesLeft: typeof status === 'string' ? null : status.triesLeft, triesTotal: null };
        });
      });
      const verifying = this.#session(open);
      await verifying.verify(pin);
      return verifying;
    });
    try {
      return await act(session);
    } finally {
      // What has been changed is reset rather than asked whether it is unverified: surer, and two APDUs fewer.
      await session.reset();
    }
  }
}

/** Nothing is asked of any place: the one that counts is asked by itself. */
const ALL_PLACES = [
  ...SLOTS.map(({ name }) => name),
  ...Array.from({ length: 20 }, (_, at) => (0x82 + at).toString(16).toUpperCase()),
];
