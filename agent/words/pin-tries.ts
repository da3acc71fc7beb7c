// What is said of the tries that a PIN or a PUK has left: after a wrong one, and before the last ones.

import type { PinState } from '../model/card/token.ts';

/** `2 tries left`, `1 try left`. */
export function triesLeftText(triesLeft: number): string {
  return triesLeft === 1 ? '1 try left' : `${triesLeft} tries left`;
}

/** After the last try: what follows says that the PIN is blocked (deniedText). */
export function wrongPinText(triesLeft: number | null): string {
  if (triesLeft === null || triesLeft === 0) return 'Wrong PIN.';
  return `Wrong PIN. ${triesLeftText(triesLeft)}.`;
}

/** What Enter does at the question about the last tries: at a login the password follows, elsewhere nothing does. */
export type InsteadOfPin = 'password' | 'stop';

/** Asked with echo when only the PUK's last tries are left; only `yes` goes on. */
export function pukConsentPrompt(now: PinState): string {
  return `${fewTries(now, 'PUK is blocked for good')} Type yes to use it, or press Enter to stop: `;
}

/** Asked with echo when only the reserve is left; only `yes` goes on. */
export function consentPrompt(now: PinState, instead: InsteadOfPin): string {
  const enter = instead === 'password' ? 'press Enter for your password' : 'press Enter to stop';
  return `${fewTries(now, 'PIN is blocked')} Type yes to use it, or ${enter}: `;
}

function fewTries({ triesLeft, wrong = 0 }: PinState, then: string): string {
  if (triesLeft !== null) return `Only ${triesLeftText(triesLeft)} before the card's ${then}.`;
  const entered = wrong === 1 ? '1 failed entry' : `${wrong} failed entries`;
  return `After ${entered} the next try may be the last before the card's ${then}: it does not say.`;
}
