// What is said when a help desk gives a new PIN over the telephone (sc_auth unblock --help-desk, answer-challenge).

/** On the machine whose card is blocked. One prompt has all: many programs show nothing else. */
export const answerPrompt = (challenge: string): string =>
  `Challenge for your help desk: ${challenge}. Their answer: `;
export const MISHEARD = 'That is no answer to this challenge: have it read again, symbol by symbol.';
export const WRONG_ANSWER =
  'This answer does not open the card. Ask for a new challenge (sc_auth unblock --help-desk), and read that one to the help desk.';
/** Said before why. */
export const NO_CHALLENGE = 'There is no challenge for the help desk';
export const waitText = (minutes: number): string =>
  `there were wrong answers. Try again in ${minutes === 1 ? 'a minute' : `${minutes} minutes`}`;
export const NOT_ENROLLED =
  'nothing of this card was left with a help desk on this machine (sc_auth setup --escrow). Use its PUK: sc_auth unblock';
export const NO_MORE = 'this card has had all that there are. Set it up anew';
/** Said behind "Not understood: ". */
export const NO_SUCH_CHALLENGE = 'that is no challenge: have it read to you again, symbol by symbol';
/** Behind it stands the answer. */
export const ANSWER_TEXT = 'Read this answer to them, and only after you know who is calling: ';

/** What the command itself says. */
export const answerChallenge = {
  whichFile: 'Say which card is to be helped: --desk-file FILE, which sc_auth setup --escrow has written.',
  whichChallenge:
    'Give the challenge that you were read: sc_auth answer-challenge --desk-file FILE --challenge CHALLENGE',
  unreadable: (path: string) => `${path} is no file of sc_auth setup --escrow. Name another one.`,
  about: (user: string, hash: string, machine: string) => `The card of ${user} (${hash}) on ${machine}.`,
  done: 'The answer is good once, for a quarter of an hour.',
  written: (path: string) =>
    `With ${path} and their card, a help desk can answer over the telephone: sc_auth answer-challenge`,
};
