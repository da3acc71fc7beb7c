// Every sentence that people read stands in agent/words (CONTRIBUTING.md): found by TypeScript's own parser, so that none
// grows elsewhere. The last test checks the finder on made-up sources.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import ts from 'typescript';
import { nodesOf, parseSource, readTree, type SourceFile } from './import-graph.ts';

const root = join(import.meta.dirname, '..');
const ROOM = /^agent\/words\//;

/** Where a sentence may stand outside the room, by kind: */
const EXEMPT: readonly ((text: ts.Node, parents: readonly ts.Node[]) => boolean)[] = [
  // The help of a command: documentation of its options, from which the man pages are made.
  (_text, [parent]) =>
    parent !== undefined && ts.isVariableDeclaration(parent) && /^help$/i.test(parent.name.getText()),
  // What a setting means: the man page and the JSON schema come from it.
  (_text, parents) => isIn(parents, ts.isPropertyAssignment, (node) => node.name.getText() === 'meaning'),
  // For the log alone.
  (_text, parents) =>
    isIn(parents, ts.isPropertyAssignment, (node) => /^(detail|line)$/.test(node.name.getText())) ||
    isIn(parents, ts.isCallExpression, (node) => /(^|[.#])(log|debug)$/.test(node.expression.getText())),
  // SQL, and markup, whose text is laid out by it.
  (text) => /^.(PRAGMA|SELECT|INSERT|UPDATE|DELETE|VACUUM|WHERE)\b/.test(text.getText()),
  (_text, [parent]) => parent !== undefined && ts.isTaggedTemplateExpression(parent),
];

function isIn<T extends ts.Node>(
  parents: readonly ts.Node[],
  kind: (node: ts.Node) => node is T,
  fits: (node: T) => boolean,
): boolean {
  return parents.some((node) => kind(node) && fits(node));
}

/** Of the same statement, from the inside. */
function parentsOf(node: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  for (let at = node.parent; !ts.isSourceFile(at) && !ts.isBlock(at); at = at.parent) found.push(at);
  return found;
}

/** A text as people get it; a value that goes in is `…`. null: no text. */
function textOf(node: ts.Node): string | null {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return null;
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
}

/** A capital letter (or a value) first, three words, and an end, behind which a command to type may stand. */
function isSentence(text: string): boolean {
  const words = text.match(/\p{L}{2,}/gu) ?? [];
  const begins = /^[“"'(]?(\p{Lu}|… |--\w)/u.test(text.trimStart()) && !/^[A-Z_]+:/.test(text);
  return words.length >= 3 && begins && /[^.\s][.?!](\s|$)|:\s*$/.test(text);
}

function sentencesIn({ path, tree }: SourceFile): string[] {
  return nodesOf(tree).flatMap((node) => {
    const text = textOf(node);
    if (text === null || !isSentence(text)) return [];
    const parents = parentsOf(node);
    if (EXEMPT.some((exempt) => exempt(node, parents))) return [];
    const { line } = tree.getLineAndCharacterOfPosition(node.getStart());
    return [`${path}:${line + 1}: ${text}`];
  });
}

test('every sentence for people stands in agent/words', (t) => {
  const tree = readTree(root);
  const [room, others] = [
    tree.filter(({ path }) => ROOM.test(path)),
    tree.filter(({ path }) => !ROOM.test(path)),
  ];
  t.true(room.flatMap(sentencesIn).length > 200);
  t.deepEqual(others.flatMap(sentencesIn), []);
});

test('what the PAM module says by itself stands in words.h', (t) => {
  const sources = globSync('pam/module/*.c', { cwd: root }).map((path) =>
    readFileSync(join(root, path), 'utf8'),
  );
  const told = sources.flatMap((text) =>
    [...text.matchAll(/conversation_(?:tell|ask)\([^;]*;/g)].map(([call]) => call),
  );
  t.true(told.some((call) => call.includes('WORDS_')));
  t.deepEqual(
    told.filter((call) => call.includes('"')),
    [],
  );
});

test('the finder sees a sentence in each form, and no other text', (t) => {
  const find = (text: string): number => sentencesIn(parseSource('agent/x.ts', text)).length;
  for (const found of [
    "tell('The card is gone.');",
    'tell(`${name} was not found here. Try again: sc_auth pair`);',
    "const A = { b: 'Which card is yours? ' };",
    "throw new CommandError('usage', '--one and --two do not go together.');",
    "if (a) { log('x'); tell(b ? 'Put it back in.' : '') }",
  ])
    t.is(find(found), 1, found);
  for (const other of [
    "import x from './The card is gone.';",
    "tell('a fragment of a sentence.');",
    "tell('Two words.');",
    "log('The card is gone.');",
    'this.#log(`The card of ${user} is gone.`);',
    "throw new AgentError('internal', { detail: 'The card is gone.' });",
    'const help = `Says what is there. More:`;',
    "database.prepare('SELECT a FROM b WHERE c = ?');",
    'const page = html`<p>None of them.</p>`;',
  ])
    t.is(find(other), 0, other);
});
