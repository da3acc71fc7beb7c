// The guards of the product, found by their shape: an `if` whose branch refuses. A mutant is the product with one of them
// taken out; a test that stays green then was not looking.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { nodesOf, parseSource } from '../import-graph.ts';

export interface Guard {
  readonly file: string;
  readonly line: number;
  /** Condition and branch, with single spaces: the same guard in another file or layout has the same. */
  readonly text: string;
  /** Where the condition stands in the file, in UTF-16 units. */
  readonly from: number;
  readonly to: number;
}

/** What is worth a mutant: where a yes, a PIN or a place for a peer is decided, and what is parsed from outside. */
const FOLDERS = [
  'policy/**/*.ts',
  'agent/{base,model,protocol,socket,store,token,trust,accounts,audit,logind,stories}/**/*.ts',
  // The layout before it was in the order of a request; a run there compares.
  'agent/{login,piv,pkcs11,plugin,pairing,certmap}/**/*.ts',
];

/** A branch that ends in one of these refuses, or leaves something out. */
const REFUSES =
  /\bthrow\b|'denied'|'unavailable'|'card-required'|\brefuse|\breturn (null|false|\[\]|fault|bad\b|'[^']+')|\.(destroy|dismiss|wipe)\(/;

/** It tells the compiler what is there; without it the next line throws. */
const NARROWS = /^[\w.#?]+ === (null|undefined)$/;

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function guardOf(node: ts.Node, file: string, text: string, tree: ts.SourceFile): Guard | null {
  if (!ts.isIfStatement(node) || node.elseStatement !== undefined) return null;
  const branch = node.thenStatement.getText(tree);
  const { expression } = node;
  if (branch.length > 300 || !(REFUSES.test(branch) || file.startsWith('policy/'))) return null;
  if (NARROWS.test(expression.getText(tree))) return null;
  const [from, to] = [expression.getStart(tree), expression.getEnd()];
  const { line } = tree.getLineAndCharacterOfPosition(from);
  return { file, line: line + 1, text: oneLine(`${text.slice(from, to)} → ${branch}`), from, to };
}

/** The guards of the C module: one line `if (…)` and what refuses in it or below. */
function guardsInC(file: string, text: string): Guard[] {
  const shape = /^[ \t]*if \((.*)\)(?: \{)?\n?[ \t]*(return [^;]*;|goto [^;]*;)/gm;
  return [...text.matchAll(shape)]
    .filter(([, , branch = '']) => !/PAM_SUCCESS|return (0|true);/.test(branch))
    .map((match) => {
      const [whole, condition = '', branch = ''] = match;
      const from = match.index + whole.indexOf('(') + 1;
      const line = text.slice(0, from).split('\n').length;
      return {
        file,
        line,
        text: oneLine(`${condition} → ${branch}`),
        from,
        to: from + condition.length,
      };
    });
}

/** @param root a tree of scauth, this one or another version */
export function guardsOf(root: string): Guard[] {
  const read = (path: string): string => readFileSync(join(root, path), 'utf8');
  const inTypeScript = FOLDERS.flatMap((pattern) => globSync(pattern, { cwd: root }))
    .sort()
    .flatMap((file) => {
      const text = read(file);
      const { tree } = parseSource(file, text);
      return nodesOf(tree)
        .map((node) => guardOf(node, file, text, tree))
        .filter((guard) => guard !== null);
    });
  const inC = globSync('pam/module/*.c', { cwd: root })
    .sort()
    .flatMap((file) => guardsInC(file, read(file)));
  return [...inTypeScript, ...inC];
}

/** The text of the guard's file without the guard: its condition is never met. */
export function without({ file, from, to }: Guard, text: string): string {
  const never = file.endsWith('.c') ? '0 &&' : 'false &&';
  return `${text.slice(0, from)}${never} (${text.slice(from, to)})${text.slice(to)}`;
}

/**
 * So many of them, as evenly from all folders as can be, and always the same ones.
 * @param guards in any order
 */
export function sample(guards: readonly Guard[], count: number): Guard[] {
  const folders = [...Map.groupBy(guards, ({ file }) => file.slice(0, file.lastIndexOf('/'))).values()];
  const order = (text: string): number => {
    let hash = 7;
    for (const letter of text) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
    return hash;
  };
  const queues = folders.map((folder) => folder.toSorted((a, b) => order(a.text) - order(b.text)));
  const taken: Guard[] = [];
  for (let round = 0; taken.length < Math.min(count, guards.length); round++)
    taken.push(...queues.flatMap((queue) => queue.slice(round, round + 1)).slice(0, count - taken.length));
  return taken;
}
