// Loads the product's TypeScript with a counter in front of each statement and in each arm of an expression, so that a
// fuzzer sees where an input went, and a report can say which lines were reached. It also collects the words and numbers
// that the sources compare with. Positions of lines do not change.

import { readFileSync } from 'node:fs';
import { registerHooks, stripTypeScriptTypes } from 'node:module';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { nodesOf, parseSource } from '../import-graph.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PRODUCT = /^(agent|policy|config)\/.*\.ts$/;
const MOST_COUNTERS = 1 << 16;

/** How often the last input passed each counter, as far as a byte counts. */
export const hits = new Uint8Array(MOST_COUNTERS);
/** Of each counter. */
const places: {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** The outermost function or method that it is in. */
  readonly within: string;
  /** A whole statement, and no part of one. */
  readonly isStatement: boolean;
}[] = [];
/** What an input may have to say. */
export const words = new Set<string>();

interface Insertion {
  readonly at: number;
  readonly text: string;
}

function nameAround(node: ts.Node, tree: ts.SourceFile): string {
  let name = '';
  for (let at = node; !ts.isSourceFile(at); at = at.parent)
    if (ts.isFunctionDeclaration(at) || ts.isMethodDeclaration(at)) name = at.name?.getText(tree) ?? name;
  return name;
}

/** Before each statement, and in each arm that an expression may leave out. */
function insertions(file: string, tree: ts.SourceFile): Insertion[] {
  const found: Insertion[] = [];
  const count = (node: ts.Node, isStatement: boolean): string => {
    const line = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
    places.push({ file, line, within: nameAround(node, tree), isStatement });
    return `__hits[${places.length - 1}]++`;
  };
  const before = (node: ts.Node): void => {
    found.push({ at: node.getStart(tree), text: `${count(node, true)};` });
  };
  const arm = (node: ts.Node): void => {
    found.push(
      { at: node.getStart(tree), text: `(${count(node, false)},` },
      { at: node.getEnd(), text: ')' },
    );
  };
  const branch = (node: ts.Statement): void => {
    if (ts.isBlock(node)) return;
    found.push({ at: node.getStart(tree), text: `{${count(node, true)};` }, { at: node.getEnd(), text: '}' });
  };
  for (const node of nodesOf(tree)) {
    if (ts.isBlock(node) || ts.isCaseOrDefaultClause(node)) node.statements.forEach(before);
    if (ts.isIfStatement(node)) {
      branch(node.thenStatement);
      if (node.elseStatement !== undefined) branch(node.elseStatement);
    }
    if (ts.isIterationStatement(node, false)) branch(node.statement);
    if (ts.isConditionalExpression(node)) [node.whenTrue, node.whenFalse].forEach(arm);
    if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) arm(node.body);
    if (ts.isBinaryExpression(node) && /^(&&|\|\||\?\?)$/.test(node.operatorToken.getText(tree)))
      arm(node.right);
    if (ts.isStringLiteral(node) || ts.isNumericLiteral(node)) words.add(node.text);
  }
  return found;
}

function instrumented(file: string, text: string): string {
  const { tree } = parseSource(file, text);
  let out = '';
  let from = 0;
  // Where two stand at one place, what encloses comes first; it was found first.
  const all = insertions(file, tree);
  const ends = all.filter(({ text: own }) => own === ')' || own === '}').toReversed();
  const starts = all.filter((one) => !ends.includes(one));
  for (const { at, text: own } of [...ends, ...starts].toSorted((one, other) => one.at - other.at)) {
    out += text.slice(from, at) + own;
    from = at;
  }
  return stripTypeScriptTypes(out + text.slice(from));
}

/** From now on what is imported of the product is counted. */
export function startCounting(): void {
  Object.defineProperty(globalThis, '__hits', { value: hits });
  registerHooks({
    load(url, context, nextLoad) {
      const path = url.startsWith('file:') ? fileURLToPath(url) : '';
      const file = relative(ROOT, path);
      if (!PRODUCT.test(file)) return nextLoad(url, context);
      const source = instrumented(file, readFileSync(path, 'utf8'));
      return { format: 'module', source, shortCircuit: true };
    },
  });
}

export function counters(): number {
  return places.length;
}

/**
 * A line counts as reached when each statement that begins on it was.
 * @param without functions and methods that are not looked at
 * @param passed by counter
 */
export function linesReached(
  file: string,
  without: readonly string[],
  passed: Uint8Array,
): { lines: number; missed: number[] } {
  const lines = new Map<number, boolean>();
  for (const [index, place] of places.entries()) {
    if (place.file !== file || !place.isStatement || without.includes(place.within)) continue;
    lines.set(place.line, (lines.get(place.line) ?? true) && passed[index] !== 0);
  }
  const missed = [...lines].filter(([, reached]) => !reached).map(([line]) => line);
  return { lines: lines.size, missed: missed.sort((one, other) => one - other) };
}
