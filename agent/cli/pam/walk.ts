// Goes through a stack as libpam's dispatcher does, with the answers of its modules given (run), or with every answer
// that they might give (findWay). Specification: pam.conf(5); _pam_dispatch_aux() of Linux-PAM 1.5 and 1.7. Which of its
// lines is which module, and what a result means, is the caller's business.

import { CODES, codeOf, type Action } from './control.ts';
import type { StackLine } from './stack.ts';

type Lines = readonly StackLine[];

const SUCCESS = codeOf('success');
const MUST_FAIL = codeOf('perm_denied');
const IGNORE = codeOf('ignore');
/** It lets a person in too: programs have the password changed and go on. */
const RENEW = codeOf('new_authtok_reqd');

interface Standing {
  /** What the modules so far amount to. */
  readonly impression: 'none' | 'yes' | 'no';
  readonly status: number;
}

interface State extends Standing {
  readonly at: number;
  readonly level: number;
  /** As it was where each substack began. */
  readonly saved: readonly Standing[];
}

const START: Standing = { impression: 'none', status: MUST_FAIL };

/** Where the stack goes on after a jump over `count` modules; null: there are not so many. */
export function behindJump(lines: Lines, from: number, count: number): number | null {
  const level = lines[from]?.level ?? 0;
  const levelOf = (index: number): number => lines[index]?.level ?? -1;
  let at = from;
  for (let left = count; left > 0; left -= 1) {
    if (levelOf(at + 1) < level) return null;
    do at += 1;
    while (levelOf(at + 1) > level);
  }
  return at + 1;
}

/** Where it goes on after `done` or `die`: behind the substack of that line. */
export function behindEnd(lines: Lines, from: number): number {
  const level = lines[from]?.level ?? 0;
  const outer = lines.findIndex((line, index) => index > from && line.level < level);
  return outer === -1 ? lines.length : outer;
}

function afterAction(lines: Lines, state: State, code: number, action: Action): State {
  const { at, impression, status } = state;
  const next = { ...state, at: at + 1 };
  switch (action) {
    case 'ignore':
      return next;
    case 'reset':
      return { ...next, ...(state.saved[state.level] ?? START) };
    case 'ok':
    case 'done': {
      const counts = impression === 'none' || (impression === 'yes' && status === SUCCESS);
      const after = counts ? { ...next, impression: 'yes' as const, status: code } : next;
      return action === 'done' && after.impression === 'yes' ? { ...after, at: behindEnd(lines, at) } : after;
    }
    case 'bad':
    case 'die': {
      const failed = { impression: 'no', status: code === IGNORE ? MUST_FAIL : code } as const;
      const after = impression === 'no' ? next : { ...next, ...failed };
      return action === 'die' ? { ...after, at: behindEnd(lines, at) } : after;
    }
    default: {
      const to = behindJump(lines, at, action);
      // Over the end: libpam goes to the end and can only fail.
      if (to === null) return { ...next, at: behindEnd(lines, at), impression: 'no', status: MUST_FAIL };
      return { ...next, at: to };
    }
  }
}

/** The line at hand, with what entering a substack keeps. */
function enter(lines: Lines, state: State): { line: StackLine; entered: State } | null {
  const line = lines[state.at];
  if (line === undefined) return null;
  const { impression, status } = state;
  const saved = line.level > state.level ? state.saved.with(line.level, { impression, status }) : state.saved;
  return { line, entered: { ...state, level: line.level, saved } };
}

function step(lines: Lines, state: State, code: number): State {
  const here = enter(lines, state);
  if (here === null) return state;
  if (here.line.kind === 'substack') return { ...here.entered, at: state.at + 1 };
  return afterAction(lines, here.entered, code, here.line.control[code] ?? 'bad');
}

function start(lines: Lines): State {
  const deepest = Math.max(0, ...lines.map(({ level }) => level));
  return { at: 0, level: 0, saved: Array<Standing>(deepest + 1).fill(START), ...START };
}

function resultOf({ impression, status }: Standing): number {
  return status === SUCCESS && impression !== 'yes' ? MUST_FAIL : status;
}

/** What libpam says of a stack whose modules give these answers. */
export function run(lines: Lines, answer: (line: StackLine) => number): number {
  let state = start(lines);
  for (let line = lines[0]; line !== undefined; line = lines[state.at])
    state = step(lines, state, line.kind === 'faulty' ? MUST_FAIL : answer(line));
  return lines.length === 0 ? MUST_FAIL : resultOf(state);
}

export interface Visit {
  /** In the lines of the stack. */
  readonly index: number;
  readonly line: StackLine;
  readonly code: number;
}

/** One answer for each thing that a line can do to the stack. */
function distinct(line: StackLine, codes: readonly number[]): number[] {
  const kinds = new Map<string, number>();
  for (const code of codes) {
    const outcome = code === SUCCESS || code === RENEW ? code : 'refusal';
    const key = `${outcome} ${String(line.control[code])}`;
    if (!kinds.has(key)) kinds.set(key, code);
  }
  return [...kinds.values()];
}

/** All that a module might say. `incomplete` ends nothing: a program that gets it has to ask again. */
export const ANY_CODE: readonly number[] = [...CODES.keys()].filter((code) => CODES[code] !== 'incomplete');

/**
 * A way through the stack that lets somebody in.
 * @param answers what a module might say
 * @param mark folds what happened on the way into a number; ways that differ in it are kept apart
 * @param counts whether a way with this mark is one that is looked for
 * @returns null: there is none
 */
export function findWay(
  lines: Lines,
  answers: (line: StackLine) => readonly number[],
  mark: (before: number, visit: Visit) => number = () => 0,
  counts: (marked: number) => boolean = () => true,
): readonly Visit[] | null {
  interface Way {
    readonly state: State;
    readonly marked: number;
    readonly visits: readonly Visit[];
  }
  if (lines.length === 0) return null;
  const open: Way[] = [{ state: start(lines), marked: 0, visits: [] }];
  const seen = new Set<string>();
  for (let way = open.shift(); way !== undefined; way = open.shift()) {
    const { state, marked, visits } = way;
    const line = lines[state.at];
    if (line === undefined) {
      if ([SUCCESS, RENEW].includes(resultOf(state)) && counts(marked)) return visits;
      continue;
    }
    const codes = line.kind === 'module' ? distinct(line, answers(line)) : [MUST_FAIL];
    for (const code of codes) {
      const next = step(lines, state, code);
      // All refusals are alike from here on.
      const status = next.status === SUCCESS || next.status === RENEW ? next.status : MUST_FAIL;
      const visit = { index: state.at, line, code };
      const marks = line.kind === 'substack' ? marked : mark(marked, visit);
      const key = JSON.stringify([next.at, next.level, next.impression, status, next.saved, marks]);
      if (seen.has(key)) continue;
      seen.add(key);
      const after = line.kind === 'substack' ? visits : [...visits, visit];
      open.push({ state: { ...next, status }, marked: marks, visits: after });
    }
  }
  return null;
}
