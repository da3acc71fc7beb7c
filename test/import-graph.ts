// The floors (CONTRIBUTING.md) as a table, and a checker of it over a graph of imports. The tree on disk is read with
// TypeScript's own parser; type-only imports count as well. What the table means is floors.test.ts's business.

import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

/** One import of one of our files by another; paths are relative to the root of the repository. */
export interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

/** What the files of a place may import beside each other and what is in `below`. */
interface Place {
  readonly name: string;
  readonly files: RegExp;
  readonly floor: number;
  readonly mayImport: readonly RegExp[];
}

const below1 = [/^agent\/base\//];
const below2 = [...below1, /^agent\/model\//];
const interfaces = [/^agent\/(token|store|audit|trust|logind|sssd)\/interface\.ts$/];
/** What every story stands on. */
const underStories = [...below2, /^policy\//, /^agent\/words\//, ...interfaces];
const ground = /^agent\/stories\/card\//;

function part(name: string): Place {
  const files = new RegExp(`^agent/${name}/`);
  return { name, files, floor: 3, mayImport: [...below2, new RegExp(`^agent/${name}/interface\\.ts$`)] };
}

function story(name: string, floor: number, ...mayImport: readonly RegExp[]): Place {
  const files = new RegExp(`^agent/stories/${name}/`);
  return { name, files, floor, mayImport: [...underStories, ground, ...mayImport] };
}

/** In the order of the floors; the first place whose pattern fits is a file's place. */
export const places: readonly Place[] = [
  { name: 'base', files: /^agent\/base\//, floor: 0, mayImport: [] },
  { name: 'model', files: /^agent\/model\//, floor: 1, mayImport: below1 },
  { name: 'policy', files: /^policy\//, floor: 2, mayImport: below2 },
  { name: 'config', files: /^config\//, floor: 2, mayImport: [...below2, /^policy\//] },
  { name: 'words', files: /^agent\/words\//, floor: 2, mayImport: below2 },
  { name: 'protocol', files: /^agent\/protocol\//, floor: 2, mayImport: below2 },
  { name: 'pcsc', files: /^agent\/pcsc\//, floor: 2, mayImport: below2 },
  {
    name: 'interface',
    files: /^agent\/(token|store|audit|trust|logind|sssd)\/interface\.ts$/,
    floor: 3,
    mayImport: [...below2, /^agent\/pcsc\/channel\.ts$/],
  },
  // The public driver protocol, both ends of it; the programs of drivers that are shipped stand on it.
  {
    name: 'plugin',
    files: /^agent\/token\/plugin\//,
    floor: 3,
    mayImport: [...below2, /^agent\/token\/interface\.ts$/, /^agent\/pcsc\/channel\.ts$/],
  },
  {
    name: 'driver program',
    files: /^agent\/token\/(pkcs11\/|piv\/program\.ts$)/,
    floor: 3,
    mayImport: [
      ...below2,
      /^agent\/token\/interface\.ts$/,
      /^agent\/pcsc\/channel\.ts$/,
      /^agent\/token\/plugin\/(child|frames)\.ts$/,
      /^agent\/token\/piv\/driver\.ts$/,
    ],
  },
  {
    name: 'driver',
    files: /^agent\/token\/[^/]+\//,
    floor: 3,
    mayImport: [...below2, /^agent\/token\/interface\.ts$/, /^agent\/pcsc\//],
  },
  {
    name: 'token',
    files: /^agent\/token\//,
    floor: 3,
    mayImport: [...below2, /^agent\/token\/interface\.ts$/, /^agent\/pcsc\//],
  },
  ...['trust', 'accounts', 'sssd'].map(part),
  // Which rows of the fleet's book are pairings.
  { ...part('store'), mayImport: [...part('store').mayImport, /^policy\/(permit-book|policy)\.ts$/] },
  // What of the fleet's book this machine takes.
  {
    name: 'book',
    files: /^agent\/book\//,
    floor: 3,
    mayImport: [...below2, /^policy\//, /^agent\/store\/interface\.ts$/],
  },
  // What is said of a session.
  { ...part('logind'), mayImport: [...part('logind').mayImport, /^agent\/words\//] },
  // A record says in one sentence what happened, and of what kind the service is.
  { ...part('audit'), mayImport: [...part('audit').mayImport, /^agent\/words\//, /^policy\/services\.ts$/] },
  { name: 'stories/card', files: ground, floor: 4, mayImport: underStories },
  story('pair', 5),
  story('pin', 5),
  story('removal', 5),
  story('keyring', 5),
  story('setup', 6, /^agent\/stories\/pair\//),
  story('login', 6, /^agent\/stories\/keyring\//),
  story('enforcement', 7, /^agent\/stories\/login\//),
  story('lost', 8, /^agent\/stories\/enforcement\//),
  story('explain', 8, /^agent\/stories\/(pair|enforcement)\//),
  {
    name: 'serve-login',
    files: /^agent\/stories\/[^/]+\.ts$/,
    floor: 8,
    mayImport: [...underStories, /^agent\/stories\//],
  },
  {
    name: 'socket',
    files: /^agent\/socket\//,
    floor: 9,
    mayImport: [...underStories, /^agent\/protocol\//, /^agent\/stories\//],
  },
  { name: 'process', files: /^agent\/daemon\/(harden|service-manager)\.ts$/, floor: 10, mayImport: below2 },
  // Looks at [mapping] without scauthd, by the rules that scauthd decides with.
  {
    name: 'map test',
    files: /^agent\/cli\/(commands\/map|doctor\/sssd)\.ts$/,
    floor: 10,
    mayImport: [
      ...below2,
      /^config\//,
      /^policy\//,
      /^agent\/trust\/certificate-trust\.ts$/,
      /^agent\/accounts\/accounts\.ts$/,
      /^agent\/sssd\//,
      /^agent\/words\//,
      /^agent\/cli\//,
    ],
  },
  // Asks pcscd as the user of a driver, in a process of its own.
  {
    name: 'pcscd test',
    files: /^agent\/cli\/doctor\/reach-pcscd\.ts$/,
    floor: 10,
    mayImport: [/^agent\/pcsc\/(library|constants)\.ts$/],
  },
  {
    name: 'client',
    files: /^agent\/(cli|session)\//,
    floor: 10,
    mayImport: [
      ...below2,
      /^config\//,
      // What is set, and the names of PAM services; it decides nothing.
      /^policy\/(policy|services)\.ts$/,
      /^agent\/(words|protocol)\//,
      /^agent\/cli\/(commands\/map|doctor\/(reach-pcscd|sssd))\.ts$/,
    ],
  },
  // Fetches the pairing book: knows what is set, and nothing of cards, logins or who signed.
  {
    name: 'fleet',
    files: /^agent\/fleet\//,
    floor: 10,
    mayImport: [...below2, /^config\//, /^policy\/policy\.ts$/],
  },
  // The page in Cockpit: what of the command line's views of cards and records is pure, and nothing of Node's.
  {
    name: 'console',
    files: /^agent\/console\//,
    floor: 10,
    mayImport: [
      /^agent\/base\/(errors|local-time)\.ts$/,
      /^agent\/model\/sealed-log\/audit-event\.ts$/,
      /^agent\/(words|protocol)\//,
      /^agent\/cli\/card\/card-view\.ts$/,
      /^agent\/cli\/audit\/(record|outcomes|tally|report\/columns)\.ts$/,
    ],
  },
  {
    name: 'daemon',
    files: /^agent\/daemon\//,
    floor: 10,
    mayImport: [/^(config|policy)\//, /^agent\/(?!cli\/|session\/|console\/|fleet\/|protocol\/)/],
  },
];

function placeOf(file: string): Place | undefined {
  return places.find((place) => place.files.test(file));
}

/** Two files are in one house when nothing of the table stands between them: one folder, below a driver or command. */
function sameHouse(a: string, b: string): boolean {
  const house = (file: string): string =>
    /^agent\/(token|stories)\/[^/]+(?=\/)/.exec(file)?.[0] ??
    /^(agent\/[^/]+|[^/]+)(?=\/)/.exec(file)?.[0] ??
    file;
  return house(a) === house(b) && placeOf(a) === placeOf(b);
}

/** Why an import breaks the table, or null. */
function fault({ from, to, typeOnly }: Import): string | null {
  const place = placeOf(from);
  if (place === undefined) return `${from} is on no floor`;
  const target = placeOf(to);
  if (target === undefined) return `${from} imports ${to}, which is on no floor`;
  if (target.name === 'interface' && place.name === 'interface' && from !== to) {
    return `${from} imports another interface, ${to}`;
  }
  if (sameHouse(from, to)) return null;
  if (!place.mayImport.some((pattern) => pattern.test(to))) {
    return `${from} (${place.name}, floor ${place.floor}) imports ${to} (${target.name}, floor ${target.floor})`;
  }
  if (place.name === 'interface' && target.name === 'pcsc') {
    if (from !== 'agent/token/interface.ts' || !typeOnly) return `${from} imports ${to} not as types only`;
  }
  return null;
}

/** Each import that the table forbids, as a sentence. */
export function forbidden(imports: readonly Import[]): string[] {
  return imports.map(fault).filter((text) => text !== null);
}

/** The files of one cycle of imports, or null; type-only imports count. */
export function findCycle(imports: readonly Import[]): string[] | null {
  const next = Map.groupBy(imports, (one) => one.from);
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return null;
    for (const { to } of next.get(file) ?? []) {
      const cycle = walk(to, [...path, file]);
      if (cycle !== null) return cycle;
    }
    done.add(file);
    return null;
  };
  for (const file of next.keys()) {
    const cycle = walk(file, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

export function parseSource(path: string, text: string): SourceFile {
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) };
}

/** The .ts files of the three folders that ship, sorted. */
export function readTree(root: string): SourceFile[] {
  return globSync(['agent/**/*.ts', 'policy/**/*.ts', 'config/**/*.ts'], { cwd: root })
    .sort()
    .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')));
}

/** Every node of a tree, depth first; no tokens and no comments, which to find anew takes ten times as long. */
export function nodesOf(root: ts.Node): ts.Node[] {
  const found: ts.Node[] = [];
  const visit = (node: ts.Node): void => {
    found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

function specifierOf(node: ts.Node): { text: string; typeOnly: boolean } | null {
  if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
    const typeOnly = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
    return { text: node.moduleSpecifier.text, typeOnly };
  }
  if (ts.isExportDeclaration(node) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) {
    return { text: node.moduleSpecifier.text, typeOnly: node.isTypeOnly };
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return { text: node.argument.literal.getText().slice(1, -1), typeOnly: true };
  }
  // import('…'), new URL('….ts', import.meta.url) for workers and children: a file named is a file used.
  if (ts.isStringLiteral(node) && /^\.{1,2}\/.*\.ts$/.test(node.text)) {
    const parent = node.parent;
    if (ts.isCallExpression(parent) || ts.isNewExpression(parent))
      return { text: node.text, typeOnly: false };
  }
  return null;
}

/** Imports of our own files by `file`; packages and node: modules are left out. */
export function importsOf(file: SourceFile): Import[] {
  return nodesOf(file.tree)
    .map(specifierOf)
    .filter((found) => found?.text.startsWith('.') === true)
    .map((found) => ({
      from: file.path,
      to: normalize(join(dirname(file.path), found?.text ?? '')),
      typeOnly: found?.typeOnly ?? false,
    }));
}
