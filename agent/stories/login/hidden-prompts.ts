// Programs that show words of their own in place of a prompt. There each question is told as a message first: else nobody
// knows that a PIN is wanted, and a password is typed that costs a try, or a PIN that goes to the next module.
// Why: DECISIONS.md D220.

import { readProcFile } from '../../base/proc-file.ts';
import { wantsSilence, type AuthRequest } from '../../model/request.ts';
import type { Policy } from '../../../policy/policy.ts';
import { personWith, type Conversation } from '../card/conversation.ts';
import { promptAsMessage } from '../../words/login.ts';

/** sudo(8): options with a value, the letters and the words. `-h` has one only where it is attached. */
const LETTERS_WITH_VALUE = 'aCcDgpRrTtUu';
const WORDS_WITH_VALUE =
  /^--(auth-type|chdir|chroot|close-from|command-timeout|group|host|login-class|other-user|role|type|user)$/;

/** Whether sudo was told to ask in other words (-p), which it then does whatever PAM's prompt says. */
export function replacesPrompt(argv: readonly string[]): boolean {
  for (let at = 1; at < argv.length; at += 1) {
    const arg = argv[at] ?? '';
    // Variables may stand between the options.
    if (/^[^-=][^=]*=/.test(arg)) continue;
    if (!arg.startsWith('-') || arg === '-' || arg === '--') return false;
    if (arg.startsWith('--')) {
      if (/^--p(r(o(m(pt?)?)?)?)?(=|$)/.test(arg)) return true;
      if (WORDS_WITH_VALUE.test(arg)) at += 1;
      continue;
    }
    const letters = arg.slice(1).split('');
    const valued = letters.findIndex((letter) => letter === 'h' || LETTERS_WITH_VALUE.includes(letter));
    if (letters[valued] === 'p') return true;
    if (valued === letters.length - 1 && letters[valued] !== 'h') at += 1;
  }
  return false;
}

const SUDO: readonly string[] = ['sudo', 'sudo-i'];

/** @param argvOf the words of a process's command line */
export function hidesPrompts(
  { service, peer }: Pick<AuthRequest, 'service' | 'peer'>,
  { prompt }: Pick<Policy, 'prompt'>,
  argvOf: (pid: number) => readonly string[] = commandLine,
): boolean {
  if (prompt.messageServices.includes('*') || prompt.messageServices.includes(service)) return true;
  // What it says of itself decides about a message, and about nothing else.
  return SUDO.includes(service) && replacesPrompt(argvOf(peer.pid));
}

function commandLine(pid: number): string[] {
  return readProcFile(pid, 'cmdline', 'utf8')?.split('\0').slice(0, -1) ?? [];
}

/** The person behind such a program. Of messages that follow each other it may show the last one alone. */
export function withPromptsTold(person: Conversation, request: AuthRequest): Conversation {
  const kind = wantsSilence(request) ? 'error' : 'information';
  const keepsLines = SUDO.includes(request.service);
  let error: string | null = null;
  return personWith(person, {
    ask(text, echo) {
      person.tell(kind, promptAsMessage(error, text));
      error = null;
      return person.ask(text, echo);
    },
    tell(told, text) {
      if (told === 'error' && !keepsLines) error = text;
      person.tell(told, text);
    },
  });
}
