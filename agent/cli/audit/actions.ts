// The verbs of sc_auth audit and their help.

import type { CommandContext } from '../context.ts';

/** @throws CommandError */
export type Action = (args: readonly string[], context: CommandContext) => Promise<void>;

export const actions = {
  verify: () => import('./verify.ts'),
  tail: () => import('./tail.ts'),
  page: () => import('./page.ts'),
  search: () => import('./search.ts'),
  stats: () => import('./stats.ts'),
  export: () => import('./export.ts'),
  report: () => import('./report.ts'),
  anchor: () => import('./anchor.ts'),
} satisfies Readonly<Record<string, () => Promise<{ action: Action }>>>;

export const VERBS = Object.keys(actions) as (keyof typeof actions)[];

export const ACTION_HELP = `sc_auth audit ${VERBS.join('|')} [options]

  verify   checks each record's seal: what was changed, taken out or put in, and which records can be trusted
  tail     the last records; -f goes on with what comes
  page     the newest records first, so many at a time; --before goes on
  search   the records that fit
  stats    how many of what
  export   records for other programs
  report   one HTML page with pictures, for people who read no logs
  anchor   one line that fixes all records up to now; keep it outside this machine

Which log (all verbs)
  --log FILE          another log than /var/log/scauth/audit.jsonl; files that logrotate made of it are read too

Which records (tail, page, search, stats, export, report)
  --user USER         of this account
  --service SERVICE   for this PAM service (sudo, login, …)
  --key HASH          with this key; its first digits are enough
  --card ID           with this card, as sc_auth show --json names it
  --outcome OUTCOME   granted, denied, unavailable, cancelled, success or failure
  --kind KIND         login, pairing-added, pin-blocked, card-in, gap, …
  --since, --until T  2026-11-24, "2026-11-24 13:00", 90m, 12h, 7d or 2w ago, today, yesterday

verify
  --key FILE          the verification key; - for standard input. Without it: audit.jsonl.key beside the log
  --anchors FILE      anchors kept elsewhere: any text that has them, e.g. what journalctl prints
  --signer FILE       the certificate or public key by which a signed anchor must be signed; without it the pairings of
                      this machine say whose key it is
  --first N           records before number N are kept elsewhere, or were looked into: begin with N
anchor
  --sign              signed by your own card, which is paired here: asks for its PIN (root only)
  --user USER         --sign: by the card of this account (whoever used sudo)
  --pin-fd N          --sign: read the PIN from the open file descriptor N
tail
  -n, --lines N       how many (10)
  -f, --follow        go on
page
  -n, --lines N       how many (100)
  --before PLACE      those before this place, which the page after it has named
  -f, --follow        go on with what comes
export, tail
  --format ocsf|ecs|cef|csv   ocsf: as they stand in the log
report
  --html FILE         where the page goes
  --verify-key FILE   the verification key, for the page's word on the seal
  --json              (verify, stats, anchor) one JSON document; (tail, search) one record a line;
                      (page) one page a line: records, older (a PLACE, or null), backTo, unread

Examples:
  sudo sc_auth audit verify --key /media/safe/audit.key
  sudo sc_auth audit search --user bob --since 7d --outcome denied
  sudo sc_auth audit export --format cef --since yesterday
  sudo sc_auth audit tail -n 0 -f --format ecs
  sudo sc_auth audit report --html report.html
  sudo sc_auth audit anchor --sign >> /media/safe/anchors
Exit codes: 0 done, and for verify: the log is whole; 1 the log is not whole; 2 wrong usage; 3 not allowed;
4 no such log.
`;
