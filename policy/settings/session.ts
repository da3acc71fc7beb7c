// The keys of [session]: what happens to a session when the card that opened it is taken out, and which PAM services
// open one.

import { list, serviceList, text, whole, word } from './setting.ts';
import { servicesThat } from '../services.ts';

const commandWord = text(/^[^\0]{1,1000}$/, 'must not be empty');

export const sessionSettings = {
  removal: {
    schema: word(['none', 'lock', 'logout']),
    default: 'none',
    meaning:
      'When the card is taken out with which a session was logged in or last unlocked: "lock" locks that session, "logout" ends it, through logind. Other sessions, and cards that opened nothing here, do not matter. Warning: with "logout" unsaved work is lost.',
  },
  removal_grace: {
    schema: whole(0, 600),
    default: 0,
    unit: 'seconds',
    meaning:
      'How long after the removal the card may be put back and nothing happens. Warning: the card is known again by what it says of itself, so whoever sits down within this time with a copy of that keeps the session open.',
  },
  lock_command: {
    schema: list(
      commandWord,
      'must be a list: the program and its arguments',
      32,
      'must have at most 32 words',
    ),
    default: [],
    meaning:
      'Program and arguments that lock the screen where logind does not run or nothing listens to it, e.g. ["i3lock"]. scauth-session runs it as the user, in the session, when the session is to be locked.',
  },
  services: {
    schema: serviceList,
    default: servicesThat('startsSession', 'unlocks'),
    meaning:
      'PAM services that open a session or its lock: a card that one of these let in is the one whose removal counts, and no pairing dialog opens while one of them asks.',
  },
} as const;
