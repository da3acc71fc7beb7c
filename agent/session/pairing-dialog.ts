// What a person sees of one card: the offer, the steps of the pairing, the result; or why the card is unfit. One process
// runs one of these and ends; scauth-session starts it for an insertion, `--now` for a person.

import { SecretBuffer } from '../base/secret.ts';
import { AgentRefusal } from '../protocol/client/call.ts';
import { AgentLink, LinkError } from '../protocol/client/link.ts';
import { callAgent, claimNumber, pairKey, statesOf, type Person } from './agent.ts';
import { notify } from './notify.ts';
import { NoDialog, Pinentry, type Environment } from './pinentry.ts';
import type { SeenCard, SessionState } from './state.ts';
import { isAccountPasswordPrompt, isPairingText } from '../words/pairing.ts';
import * as say from '../words/session.ts';
import { plain, type AssuanEnd } from './assuan.ts';
import * as windows from './windows.ts';

export interface DialogParts {
  readonly env: Environment;
  readonly uid: number;
  readonly socket: string;
  /** The terminal of whoever started it, for a session without a screen; null: none. */
  readonly terminal: string | null;
  readonly log: (line: string) => void;
}

export type DialogEnd =
  'paired' | 'already' | 'not-paired' | 'cancelled' | 'no-card' | 'no-dialog' | 'no-room' | 'not-shown';

/** After that many mistakes the dialog ends: whoever goes on starts it again. */
const MAX_MISTAKES = 3;
/** The person can put these right at once. */
const MISTAKES: readonly string[] = ['wrong-password', 'wrong-pin', 'pin-malformed'];

/** Scauthd's state, and a signal for the moment at which the card of `number` is not in any more. */
async function follow(
  socket: string,
  pick: (state: SessionState) => SeenCard | null,
): Promise<{ state: SessionState; card: SeenCard | null; gone: AbortController; close: () => void }> {
  const link = await AgentLink.connect([socket]);
  const gone = new AbortController();
  const states = statesOf(link);
  const state = (await states.next()).value;
  const card = pick(state);
  const watch = async (): Promise<void> => {
    for await (const { cards } of states)
      if (card !== null && !cards.some(({ number }) => number === card.number)) gone.abort();
  };
  void watch().catch(() => {
    gone.abort();
  });
  return {
    state,
    card,
    gone,
    close: () => {
      link.close();
    },
  };
}

/** Asks by pinentry; keeps the account password for the next try of the same pairing, in locked memory. */
class DialogPerson implements Person {
  readonly #pinentry: Pinentry;
  readonly #card: SeenCard;
  readonly #user: string;
  #told: string[] = [];
  #steps = 0;
  #error: string | null = null;
  #password: SecretBuffer | null = null;

  constructor(pinentry: Pinentry, card: SeenCard, user: string) {
    this.#pinentry = pinentry;
    this.#card = card;
    this.#user = user;
  }

  tell(text: string): void {
    // The first is the heading of each step.
    if (!isPairingText(text)) this.#told.push(text);
  }

  async ask(text: string, echo: boolean): Promise<SecretBuffer | null> {
    const told = this.#told;
    this.#told = [];
    if (echo) return this.#askYesOrNo(text, told);
    this.#steps += 1;
    const isPassword = isAccountPasswordPrompt(text);
    if (isPassword && this.#password !== null) return this.#password.copy();
    const { window, prompt } = windows.secretStep(
      text,
      this.#steps,
      this.#card,
      this.#user,
      told,
      this.#error,
    );
    this.#error = null;
    const typed = await this.#pinentry.secret(window, prompt);
    if (isPassword && typed !== null) this.#password = typed.copy();
    return typed;
  }

  async #askYesOrNo(text: string, told: readonly string[]): Promise<SecretBuffer | null> {
    const end = await this.#pinentry.confirm(windows.questionWindow(text, told));
    if (end === 'failed' || end === 'timeout' || end === 'too-small') return null;
    // Said out: at some questions nothing typed means yes.
    const answer = end === 'ok' ? 'yes' : 'no';
    const word = new SecretBuffer(answer.length);
    word.bytes.set(Buffer.from(answer));
    return word;
  }

  /** The next try begins, and the next question says why. */
  mistake(code: string, message: string): void {
    this.#error = message;
    this.#steps = 0;
    this.#told = [];
    if (code === 'wrong-password') this.forget();
  }

  forget(): void {
    this.#password?.release();
    this.#password = null;
  }
}

/** A notification where there is a service, else a window. */
async function tellResult(
  heading: string,
  text: string,
  pinentry: Pinentry | null,
  { env, log }: DialogParts,
): Promise<void> {
  if (await notify(env, heading, text)) return;
  if (pinentry?.isOpen === true) await pinentry.message(windows.messageWindow(heading, text));
  else log(`${heading}: ${text}`);
}

async function startPinentry({ env, terminal }: DialogParts, gone: AbortSignal): Promise<Pinentry> {
  const pinentry = await Pinentry.start(env, terminal);
  const close = (): void => {
    pinentry.close();
  };
  gone.addEventListener('abort', close, { once: true });
  if (gone.aborted) close();
  return pinentry;
}

async function pairByDialog(
  card: SeenCard,
  user: string,
  pinentry: Pinentry,
  gone: AbortSignal,
  parts: DialogParts,
): Promise<DialogEnd> {
  const person = new DialogPerson(pinentry, card, user);
  try {
    for (let mistakes = 1; ; mistakes += 1) {
      try {
        await pairKey(parts.socket, card.hash ?? '', person, gone);
        await tellResult(say.HEADING.paired, say.pairedText(plain(card.label), plain(user)), pinentry, parts);
        return 'paired';
      } catch (error) {
        const isRefusal = error instanceof AgentRefusal;
        if (gone.aborted) {
          await tellResult(say.HEADING.notPaired, say.NO_PAIRING.cardRemoved, pinentry, parts);
          return 'no-card';
        }
        if (error instanceof LinkError && error.fault.kind === 'cancelled') return 'cancelled';
        if (isRefusal && error.code === 'cancelled') return 'cancelled';
        if (isRefusal && MISTAKES.includes(error.code) && mistakes < MAX_MISTAKES && pinentry.isOpen) {
          person.mistake(error.code, error.message);
          continue;
        }
        const text = isRefusal ? error.message : say.NO_PAIRING.noAnswer;
        await tellResult(say.HEADING.notPaired, text, pinentry, parts);
        return 'not-paired';
      }
    }
  } finally {
    person.forget();
  }
}

/** The offer. @returns what was chosen */
async function offer(
  card: SeenCard,
  user: string,
  pinentry: Pinentry,
): Promise<'pair' | 'not-now' | 'never'> {
  const ask = (twoButtons: boolean): Promise<AssuanEnd> =>
    pinentry.confirm(windows.offerWindow(card, user, twoButtons));
  let { hasTwoButtons } = pinentry;
  let end = await ask(hasTwoButtons);
  // Three buttons are wider than a narrow terminal.
  if (end === 'too-small' && !hasTwoButtons) {
    hasTwoButtons = true;
    end = await ask(true);
  }
  if (end === 'ok') return 'pair';
  if (end === 'not-confirmed') return 'never';
  if (end !== 'cancelled' || !hasTwoButtons) return 'not-now';
  return (await pinentry.confirm(windows.showAgainWindow())) === 'cancelled' ? 'never' : 'not-now';
}

async function runOffer(
  card: SeenCard,
  user: string,
  gone: AbortSignal,
  parts: DialogParts,
): Promise<DialogEnd> {
  let pinentry: Pinentry;
  try {
    pinentry = await startPinentry(parts, gone);
  } catch (error) {
    if (error instanceof NoDialog) return 'no-dialog';
    throw error;
  }
  try {
    let end: DialogEnd = 'cancelled';
    const choice = await offer(card, user, pinentry);
    if (choice === 'pair') end = await pairByDialog(card, user, pinentry, gone, parts);
    else if (choice === 'never') await callAgent(parts.socket, 'SetPairingPrompt', { enabled: false });
    if (end !== 'cancelled' || gone.aborted) return end;
    // Nobody has cancelled what was not shown.
    if (pinentry.lastEnd === 'too-small') return 'no-room';
    return pinentry.lastEnd === 'failed' ? 'not-shown' : end;
  } finally {
    pinentry.close();
  }
}

async function sayUnfit(card: SeenCard, gone: AbortSignal, parts: DialogParts): Promise<void> {
  if (await notify(parts.env, say.HEADING.unfit, windows.unfitText(card))) return;
  try {
    const pinentry = await startPinentry(parts, gone);
    await pinentry.message(windows.messageWindow(say.HEADING.unfit, windows.unfitText(card)));
    pinentry.close();
  } catch (error) {
    if (!(error instanceof NoDialog)) throw error;
    parts.log(windows.unfitText(card));
  }
}

/** For an insertion, where nothing speaks against it now. @throws Error when scauthd is gone */
export async function dialogForInsertion(number: number, parts: DialogParts): Promise<DialogEnd> {
  const { lookAtScreen } = await import('./screen.ts');
  const [screen, followed] = await Promise.all([
    lookAtScreen(parts.env, parts.uid),
    follow(parts.socket, ({ cards }) => cards.find((card) => card.number === number) ?? null),
  ]);
  const { state, card, gone, close } = followed;
  try {
    if (card === null || !card.prompt) return 'no-card';
    // Another session of this user is in front: the card is its.
    if (screen === 'elsewhere') {
      parts.log(`card ${card.token}: another session is in front`);
      return 'cancelled';
    }
    if (!(await claimNumber(parts.socket, number))) return 'cancelled';
    if (screen === 'locked' || state.loggingIn) {
      parts.log(`card ${card.token}: not now, the screen is locked or was opened a moment ago`);
      return 'cancelled';
    }
    if (card.standing === 'unpaired') {
      const end = await runOffer(card, state.user, gone.signal, parts);
      if (end === 'no-dialog')
        await tellResult(say.TITLE, say.offerWithoutDialog(plain(card.label)), null, parts);
      return end;
    }
    if (card.standing === 'unfit') await sayUnfit(card, gone.signal, parts);
    return 'not-paired';
  } finally {
    close();
  }
}

/** For a person who asks for it (`sc_auth pairing_ui -f`). @throws Error when scauthd is gone */
export async function dialogNow(parts: DialogParts): Promise<DialogEnd> {
  const { state, card, gone, close } = await follow(
    parts.socket,
    ({ cards }) => cards.find(({ standing }) => standing === 'unpaired') ?? cards[0] ?? null,
  );
  try {
    if (card === null) {
      parts.log(say.NO_PAIRING.noCard);
      return 'no-card';
    }
    switch (card.standing) {
      case 'unpaired': {
        const end = await runOffer(card, state.user, gone.signal, parts);
        // Whoever asked looks here, and at no notification.
        if (end === 'no-dialog') parts.log(say.NO_PAIRING.noPinentry);
        if (end === 'no-room') parts.log(say.NO_PAIRING.noRoom);
        if (end === 'not-shown') parts.log(say.NO_PAIRING.notShown);
        return end;
      }
      case 'unfit':
        await sayUnfit(card, gone.signal, parts);
        return 'not-paired';
      case 'own':
        parts.log(say.NO_PAIRING.own);
        return 'already';
      case 'others':
        parts.log(say.NO_PAIRING.others);
        return 'not-paired';
    }
  } finally {
    close();
  }
}
