// Whether a PAM service holds what enforcement requires: when scauthd says that a card is needed, is there any way, whatever
// the other modules answer, on which the service lets somebody in all the same? Both phases are looked at: the account
// phase must refuse, and it knows what happened only where the auth phase came by our line.

import type { OpeningService } from '../../../policy/services.ts';
import { cover as say } from '../../words/pam-files.ts';
import { ENABLE_PAM } from '../../words/repairs.ts';
import { CODES, codeOf } from './control.ts';
import { answersOf, asksForNothing, at, isOurs, MODULE, nameOf } from './modules.ts';
import { readStack, type Stack, type StackLine } from './stack.ts';
import { findWay, type Visit } from './walk.ts';

export type Cover =
  | { readonly covered: true; readonly why: string }
  | { readonly covered: false; readonly why: string; readonly repair: string };

/** First in the account stack: nothing before it lets in, and all that it can do is to refuse. */
export const ACCOUNT_LINE = `account  [success=ignore perm_denied=die default=ignore]  ${MODULE}`;
const AUTH_LINE = `auth  sufficient  ${MODULE}`;
/** Last in the auth stack, for programs that do not heed the account phase. */
const ENFORCE_LINE = `auth  [perm_denied=die default=ignore]  ${MODULE} enforce`;

const DENIED = codeOf('perm_denied');
/** What our auth phase may say to somebody who does not use the card. */
const NO_CARD = [codeOf('authinfo_unavail'), codeOf('auth_err'), codeOf('conv_err'), codeOf('user_unknown')];

const CAME_BY = 1;
const ASKED = 2;

interface Look {
  readonly service: string;
  readonly root: string;
  readonly isOurs: (line: StackLine) => boolean;
  /** Whether `scauth-pam enable` mends Debian's common files. */
  readonly hasProfile: boolean;
}

function isEnforce(line: StackLine): boolean {
  return line.args.includes('enforce');
}

function notCovered(why: string, repair: string): Cover {
  return { covered: false, why, repair };
}

/** The repair by hand, unless scauth-pam does it. @param where `before` the stack's first line or `behind` its last */
function put(line: string, stack: Stack, where: 'before' | 'behind', look: Look): string {
  const common = line === ACCOUNT_LINE ? 'common-account' : 'common-auth';
  const isCommon = stack.lines.some(({ file }) => file === `/etc/pam.d/${common}`);
  if (look.hasProfile && isCommon && line !== ENFORCE_LINE) return ENABLE_PAM;
  const own = stack.lines.filter(({ file }) => file === stack.file);
  // su's pam_rootok and the like stay in front of a question for the card.
  const first = stack.lines.find((one) => line === ACCOUNT_LINE || !asksForNothing(one)) ?? stack.lines[0];
  const mark = where === 'before' ? first : (own.at(-1) ?? stack.lines.at(-1));
  if (mark === undefined) return say.putInto(line, look.service);
  return say.put(line, where, at(mark));
}

/** The last one that answered before our line would have had its turn. */
function passedBy(way: readonly Visit[], stack: Stack, isLine: (line: StackLine) => boolean): Visit | null {
  const first = stack.lines.findIndex(isLine);
  return way.findLast(({ index }) => index < first) ?? null;
}

function passedByWords(visit: Visit | null): string {
  if (visit === null) return say.passedBy;
  const { line, code } = visit;
  return code === codeOf('new_authtok_reqd')
    ? say.changesPassword(nameOf(line), at(line), MODULE)
    : say.mayAnswer(nameOf(line), at(line), CODES[code] ?? String(code), MODULE);
}

/** How a line of ours was there and did not count. */
function overruled(way: readonly Visit[], ours: Visit): string {
  const action = ours.line.control[ours.code];
  const back = way.find(({ line, code, index }) => index > ours.index && line.control[code] === 'reset');
  if ((action === 'bad' || action === 'die') && back !== undefined)
    return say.takenBack(nameOf(back.line), at(back.line), MODULE);
  return say.notCounted(MODULE, at(ours.line), ours.line.word);
}

function judgeAccount(stack: Stack, look: Look): Cover | null {
  const way = findWay(stack.lines, (line) => (look.isOurs(line) ? [DENIED] : answersOf(line, look.root)));
  if (way === null) return null;
  const repair = put(ACCOUNT_LINE, stack, 'before', look);
  if (!stack.lines.some(look.isOurs))
    return notCovered(say.missing(stack.file, 'account', MODULE, look.service), repair);
  const visited = way.find(({ line }) => look.isOurs(line));
  if (visited !== undefined) return notCovered(overruled(way, visited), repair);
  const before = passedBy(way, stack, look.isOurs);
  return notCovered(passedByWords(before), repair);
}

/** Where nobody was asked by us, the account phase takes it for sudo's ticket or an ssh key, and lets in. */
function judgeReach(stack: Stack, look: Look): Cover | null {
  const asks = (line: StackLine): boolean => look.isOurs(line) && !isEnforce(line);
  const way = findWay(
    stack.lines,
    (line) => (look.isOurs(line) ? (isEnforce(line) ? [DENIED] : NO_CARD) : answersOf(line, look.root)),
    (marks, { line, code }) => {
      if (asks(line)) return marks | CAME_BY;
      return code === codeOf('success') && !asksForNothing(line) ? marks | ASKED : marks;
    },
    (marks) => marks === ASKED,
  );
  if (way === null) return null;
  const repair = put(AUTH_LINE, stack, 'before', look);
  if (!stack.lines.some(asks))
    return notCovered(say.missing(stack.file, 'auth', MODULE, look.service), repair);
  const before = passedBy(way, stack, asks);
  return notCovered(passedByWords(before), repair);
}

/** For programs that do not heed the account phase. */
function judgeEnforce(stack: Stack, look: Look): Cover | null {
  const holds = (line: StackLine): boolean => look.isOurs(line) && isEnforce(line);
  const way = findWay(
    stack.lines,
    (line) => (holds(line) ? [DENIED] : look.isOurs(line) ? NO_CARD : answersOf(line, look.root)),
    (marks, { line, code }) => (code === codeOf('success') && !asksForNothing(line) ? marks | ASKED : marks),
    (marks) => marks === ASKED,
  );
  if (way === null) return null;
  const repair = put(ENFORCE_LINE, stack, 'behind', look);
  if (!stack.lines.some(holds)) return notCovered(say.noEnforceLine(stack.file, MODULE), repair);
  const visited = way.find(({ line }) => holds(line));
  if (visited !== undefined) return notCovered(overruled(way, visited), repair);
  const before = passedBy(way, stack, holds);
  return notCovered(passedByWords(before), repair);
}

/**
 * What our lines in a service's stacks are good for.
 * @param hasProfile whether `scauth-pam enable` is there to mend Debian's common files
 * @param root where `/` is found; other than `/` in tests
 */
export function coverOf(
  service: string,
  { heeds, remote }: Pick<OpeningService, 'heeds' | 'remote'>,
  hasProfile: boolean,
  root = '/',
): Cover {
  const look: Look = { service, root, hasProfile, isOurs: (line) => isOurs(line, root) };
  const auth = readStack(service, 'auth', root);
  const account = readStack(service, 'account', root);
  for (const { unusable, fault } of [auth, account]) {
    if (!unusable || fault === null) continue;
    const where = fault.line === null ? fault.file : `${fault.file}, line ${fault.line},`;
    return notCovered(`${where} ${fault.what}`, say.correct);
  }
  const judged =
    heeds === 'auth'
      ? judgeEnforce(auth, look)
      : // From other hosts the card is required whoever asked, also where keys or tickets let in.
        (judgeAccount(account, look) ?? (remote ? null : judgeReach(auth, look)));
  const ours = heeds === 'auth' ? auth.lines.findLast(look.isOurs) : account.lines.find(look.isOurs);
  return judged ?? { covered: true, why: ours === undefined ? say.letsNobodyIn : at(ours) };
}
