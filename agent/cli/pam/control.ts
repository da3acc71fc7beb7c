// The control word of a line in a PAM file, as what each of a module's return codes does to the stack.
// Specification: pam.conf(5); for what it leaves open, _pam_parse_control() of Linux-PAM 1.5 and 1.7.

/** What a return code does; a number jumps over so many modules. */
export type Action = 'ignore' | 'ok' | 'done' | 'bad' | 'die' | 'reset' | number;

/** One for each of {@link CODES}. */
export type Control = readonly Action[];

/** PAM's return codes by their names in a control; the place in the list is the number. */
export const CODES = [
  'success',
  'open_err',
  'symbol_err',
  'service_err',
  'system_err',
  'buf_err',
  'perm_denied',
  'auth_err',
  'cred_insufficient',
  'authinfo_unavail',
  'user_unknown',
  'maxtries',
  'new_authtok_reqd',
  'acct_expired',
  'session_err',
  'cred_unavail',
  'cred_expired',
  'cred_err',
  'no_module_data',
  'conv_err',
  'authtok_err',
  'authtok_recover_err',
  'authtok_lock_busy',
  'authtok_disable_aging',
  'try_again',
  'ignore',
  'abort',
  'authtok_expired',
  'module_unknown',
  'bad_item',
  'conv_again',
  'incomplete',
] as const;

export type CodeName = (typeof CODES)[number];

export function codeOf(name: CodeName): number {
  return CODES.indexOf(name);
}

const ACTIONS = ['ignore', 'ok', 'done', 'bad', 'die', 'reset'] as const;
const MAX_JUMP = 2 ** 31 - 1;

/** The four words: success and new_authtok_reqd; ignore; everything else. */
const WORDS: Readonly<Record<string, readonly [Action, Action, Action]>> = {
  required: ['ok', 'ignore', 'bad'],
  requisite: ['ok', 'ignore', 'die'],
  optional: ['ok', 'ignore', 'ignore'],
  sufficient: ['done', 'ignore', 'ignore'],
};

/** Every code fails: what libpam makes of a control that it cannot read. */
export const ALL_BAD: Control = CODES.map(() => 'bad');

/** libpam compares beginnings, so `okay` is `ok` and then an error. */
function startOf<T extends string>(names: readonly T[], text: string): T | null {
  return names.find((name) => text.startsWith(name)) ?? null;
}

/** `success=1 default=ignore`, without the brackets. null: libpam cannot read it. */
function bracketed(text: string): Control | null {
  const control = new Map<number, Action>();
  let rest = text.trimStart();
  while (rest !== '') {
    const name = startOf([...CODES, 'default'] as const, rest);
    if (name === null) return null;
    const equals = /^\s*=\s*/.exec(rest.slice(name.length));
    if (equals === null) return null;
    rest = rest.slice(name.length + equals[0].length);
    const word = startOf(ACTIONS, rest);
    const taken = word ?? /^\d+/.exec(rest)?.[0] ?? null;
    if (taken === null) return null;
    const action = word ?? Number(taken);
    if (action === 0 || Number(action) > MAX_JUMP) return null;
    rest = rest.slice(taken.length).trimStart();
    if (name !== 'default') control.set(codeOf(name), action);
    else
      for (const code of CODES.keys()) {
        // Those that are named so far stay, and later ones replace it.
        if (!control.has(code)) control.set(code, action);
      }
  }
  return CODES.map((_, code) => control.get(code) ?? 'bad');
}

/** @param text one of the four words in any case, or what stands in brackets */
export function controlOf(text: string): Control {
  const word = new Map(Object.entries(WORDS)).get(text.toLowerCase());
  if (word === undefined) return bracketed(text) ?? ALL_BAD;
  const [success, ignored, other] = word;
  return CODES.map((name) => {
    if (name === 'success' || name === 'new_authtok_reqd') return success;
    return name === 'ignore' ? ignored : other;
  });
}
