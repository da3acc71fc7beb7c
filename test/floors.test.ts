// Holds the floors (CONTRIBUTING.md): imports go down only, one place says yes, one place wires. The checks read the
// source tree; the last tests check the checker on made-up trees.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import ts from 'typescript';
import {
  findCycle,
  forbidden,
  importsOf,
  nodesOf,
  parseSource,
  places,
  readTree,
  type Import,
  type SourceFile,
} from './import-graph.ts';

const root = join(import.meta.dirname, '..');
const tree = readTree(root);
const imports = tree.flatMap(importsOf);

/** Roles of which only agent/daemon makes a real one. */
const ROLES = [
  'TokenDriver',
  'SlotDriver',
  'PairingTable',
  'AuditLog',
  'TokenSource',
  'Accounts',
  'CertificateTrust',
  'SessionSource',
  'CertificateUsers',
];
/** Real parts that no interface of ours names. */
const PARTS = [
  'Watcher',
  'createPamServer',
  'createAdminServer',
  'listenAtBoth',
  'hardenProcess',
  'ReaderReport',
  'driverGate',
];

function rolePlayers(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) =>
    nodesOf(file.tree)
      .filter(ts.isClassDeclaration)
      .filter((node) =>
        (node.heritageClauses ?? []).some((clause) =>
          clause.types.some((type) => ROLES.includes(type.expression.getText())),
        ),
      )
      .map((node) => node.name?.text ?? 'anonymous'),
  );
}

/** Where one of `names` is constructed or called. */
function usesOf(files: readonly SourceFile[], names: readonly string[]): string[] {
  return files.flatMap((file) =>
    nodesOf(file.tree)
      .filter((node) => ts.isNewExpression(node) || ts.isCallExpression(node))
      .filter((node) => names.includes(node.expression.getText()))
      .map((node) => `${file.path}: ${node.expression.getText()}`),
  );
}

/** Object literals with kind: 'granted'; `bare` are those that say nothing else (an outcome for the log). */
function grantsIn(files: readonly SourceFile[]): { path: string; bare: boolean }[] {
  return files.flatMap((file) =>
    nodesOf(file.tree)
      .filter(ts.isObjectLiteralExpression)
      .filter((node) =>
        node.properties.some(
          (property) =>
            ts.isPropertyAssignment(property) &&
            /^['"]?kind['"]?$/.test(property.name.getText()) &&
            /['"`]granted['"`]/.test(property.initializer.getText()),
        ),
      )
      .map((node) => ({ path: file.path, bare: node.properties.length === 1 })),
  );
}

test('each file is on a floor, and imports go down only', (t) => {
  t.true(imports.length > 100);
  t.deepEqual(
    tree.map((file) => file.path).filter((path) => !places.some((place) => place.files.test(path))),
    [],
  );
  t.deepEqual(forbidden(imports), []);
});

test('each import names a file that is there', (t) => {
  const known = new Set(tree.map((file) => file.path));
  t.deepEqual(
    imports.filter((one) => !known.has(one.to)),
    [],
  );
});

test('no import goes in a circle', (t) => {
  t.is(findCycle(imports), null);
});

test('only agent/daemon makes a driver, a table, a log or a server', (t) => {
  const players = rolePlayers(tree);
  for (const name of ['PivDriver', 'SqlitePairingTable', 'FileAuditLog'])
    t.true(players.includes(name), name);
  const uses = usesOf(tree, [...players, ...PARTS]);
  t.true(uses.length >= 5);
  t.deepEqual(
    uses.filter((use) => !/^agent\/daemon\/(main|drivers|pairings|sessions)\.ts: /.test(use)),
    // A driver in a process of its own is its own main; `sc_auth map test` and the doctor judge without scauthd.
    [
      'agent/cli/commands/map.ts: ChainTrust',
      'agent/cli/commands/map.ts: InfoPipe',
      'agent/cli/doctor/sssd.ts: InfoPipe',
      'agent/token/piv/program.ts: PivDriver',
    ],
  );
});

test('one place says granted', (t) => {
  const grants = grantsIn(tree);
  t.deepEqual(
    grants.filter((found) => !found.bare).map((found) => found.path),
    ['agent/model/decision.ts'],
  );
  // The log's outcome has the same word; it opens nothing.
  t.deepEqual(
    grants.filter((found) => found.bare).map((found) => found.path),
    ['agent/stories/login/audited-login.ts'],
  );
  t.deepEqual(
    tree.filter((file) => /\bas (unknown as )?AuthDecision\b/.test(file.text)).map((file) => file.path),
    [],
  );
});

test('L21: challenges and verified proofs are made by their own files only', (t) => {
  const made = usesOf(tree, ['Challenge', 'VerifiedProof', 'Challenge.create', 'verifyProof']);
  t.deepEqual([...new Set(made)].sort(), [
    // The on-line key of a fleet, which is no card's.
    'agent/cli/book/sign.ts: Challenge.create',
    'agent/model/challenge.ts: Challenge',
    'agent/model/proof.ts: VerifiedProof',
    'agent/stories/card/card-check.ts: Challenge.create',
    'agent/stories/card/card-check.ts: verifyProof',
    'agent/stories/card/prove-card.ts: Challenge.create',
    'agent/stories/card/prove-card.ts: verifyProof',
    'agent/stories/card/sign-anchor.ts: Challenge.create',
    'agent/stories/card/sign-book.ts: Challenge.create',
    'agent/stories/explain/rehearse.ts: Challenge.create',
    'agent/stories/explain/rehearse.ts: verifyProof',
    'agent/stories/login/prove-paired.ts: Challenge.create',
    'agent/stories/login/prove-paired.ts: verifyProof',
  ]);
});

test('L1: the module does not know PAM_IGNORE', (t) => {
  const sources = globSync('pam/module/*', { cwd: root });
  t.true(sources.length > 5);
  t.deepEqual(
    sources.filter((path) => readFileSync(join(root, path), 'utf8').includes('PAM_IGNORE')),
    [],
  );
});

test('no source file is longer than 400 lines', (t) => {
  const files = globSync(['{agent,pam,policy,config,install,test}/**/*.{ts,c,h}'], { cwd: root });
  t.true(files.length > 100);
  t.deepEqual(
    files.filter((path) => readFileSync(join(root, path), 'utf8').split('\n').length > 401),
    [],
  );
});

const value = (from: string, to: string): Import => ({ from, to, typeOnly: false });
const type = (from: string, to: string): Import => ({ from, to, typeOnly: true });

const refused: readonly Import[] = [
  type('agent/base/tlv.ts', 'agent/model/key/key.ts'),
  value('agent/model/key/key.ts', 'policy/policy.ts'),
  value('policy/permit-try.ts', 'config/parse-settings.ts'),
  value('policy/permit-try.ts', 'agent/pcsc/channel.ts'),
  value('config/parse-settings.ts', 'agent/pcsc/atr.ts'),
  value('agent/pcsc/watcher.ts', 'agent/token/interface.ts'),
  value('agent/token/interface.ts', 'agent/pcsc/channel.ts'),
  type('agent/token/interface.ts', 'agent/pcsc/watcher.ts'),
  type('agent/token/interface.ts', 'agent/store/interface.ts'),
  type('agent/store/interface.ts', 'agent/pcsc/channel.ts'),
  value('agent/token/piv/driver.ts', 'agent/token/pkcs11/driver.ts'),
  value('agent/token/plugin/driver-process.ts', 'agent/token/piv/driver.ts'),
  value('agent/token/piv/driver.ts', 'agent/token/plugin/frames.ts'),
  value('agent/token/pkcs11/program.ts', 'agent/token/plugin/driver-process.ts'),
  value('agent/token/registry.ts', 'agent/token/piv/driver.ts'),
  value('agent/token/piv/driver.ts', 'agent/token/registry.ts'),
  value('agent/token/piv/driver.ts', 'policy/policy.ts'),
  value('agent/store/sqlite-pairings.ts', 'agent/audit/interface.ts'),
  value('agent/audit/file-log.ts', 'agent/store/interface.ts'),
  value('agent/accounts/password.ts', 'policy/policy.ts'),
  type('agent/stories/login/authenticate.ts', 'agent/pcsc/channel.ts'),
  value('agent/stories/login/authenticate.ts', 'agent/store/sqlite-pairings.ts'),
  value('agent/stories/login/authenticate.ts', 'agent/token/registry.ts'),
  value('agent/stories/login/authenticate.ts', 'agent/protocol/frames.ts'),
  value('agent/stories/login/authenticate.ts', 'config/parse-settings.ts'),
  value('agent/words/login.ts', 'agent/stories/card/conversation.ts'),
  value('agent/stories/card/ask-pin/ask-pin.ts', 'agent/stories/login/authenticate.ts'),
  value('agent/stories/pair/pair.ts', 'agent/stories/keyring/offer-keyring.ts'),
  value('agent/stories/login/authenticate.ts', 'agent/stories/enforcement/enforcement.ts'),
  value('agent/protocol/frames.ts', 'agent/socket/connection.ts'),
  value('agent/socket/pam-server.ts', 'agent/store/sqlite-pairings.ts'),
  value('agent/cli/main.ts', 'agent/socket/admin-server.ts'),
  value('agent/cli/main.ts', 'agent/stories/pair/pair.ts'),
  value('agent/cli/main.ts', 'agent/session/main.ts'),
  value('agent/daemon/main.ts', 'agent/cli/main.ts'),
  value('agent/daemon/main.ts', 'agent/protocol/frames.ts'),
  value('agent/daemon/main.ts', 'agent/session/main.ts'),
  value('agent/stories/pair/pair.ts', 'agent/daemon/main.ts'),
  value('agent/stories/pair/pair.ts', 'test/kit/story/fakes.ts'),
  value('install/demo/main.ts', 'agent/base/pin.ts'),
];

const permitted: readonly Import[] = [
  value('agent/base/tlv.ts', 'agent/base/errors.ts'),
  value('config/parse-settings.ts', 'policy/policy.ts'),
  type('agent/token/interface.ts', 'agent/pcsc/channel.ts'),
  value('agent/token/piv/driver.ts', 'agent/token/piv/probe.ts'),
  value('agent/token/piv/driver.ts', 'agent/token/interface.ts'),
  value('agent/stories/pair/pair.ts', 'policy/permit-try.ts'),
  value('agent/stories/pair/pair.ts', 'agent/audit/interface.ts'),
  value('agent/socket/methods/pairing-methods.ts', 'policy/permit-pairing.ts'),
  value('agent/cli/main.ts', 'agent/protocol/frames.ts'),
  value('agent/daemon/main.ts', 'agent/token/piv/driver.ts'),
  value('agent/daemon/main.ts', 'agent/daemon/harden.ts'),
];

for (const one of refused) {
  test(`the checker refuses ${one.from} → ${one.to}${one.typeOnly ? ' (types)' : ''}`, (t) => {
    t.is(forbidden([one]).length, 1);
  });
}

test('the checker takes what the table permits', (t) => {
  t.deepEqual(forbidden(permitted), []);
});

test('the checker sees each way to import', (t) => {
  const text = [
    "import { a } from './a.ts';",
    "import type { b } from './b.ts';",
    "export { c } from './c.ts';",
    "export type * from './d.ts';",
    "const e = await import('./e.ts');",
    "type F = import('./f.ts').F;",
    "import './g.ts';",
    "new Worker(new URL('./h.ts', import.meta.url));",
    "import { readFile } from 'node:fs';",
  ].join('\n');
  const found = importsOf(parseSource('agent/x/y.ts', text));
  t.deepEqual(
    found.map((one) => [one.to.slice('agent/x/'.length), one.typeOnly]),
    [
      ['a.ts', false],
      ['b.ts', true],
      ['c.ts', false],
      ['d.ts', true],
      ['e.ts', false],
      ['f.ts', true],
      ['g.ts', false],
      ['h.ts', false],
    ],
  );
});

test('the checker finds circles, makers and grants', (t) => {
  const circle = [value('a.ts', 'b.ts'), type('b.ts', 'c.ts'), value('c.ts', 'a.ts')];
  t.deepEqual(findCycle(circle), ['a.ts', 'b.ts', 'c.ts', 'a.ts']);
  t.is(findCycle(circle.slice(0, 2)), null);
  const source = parseSource(
    'agent/x.ts',
    "class T implements PairingTable {}\nnew T();\nconst d = { kind: 'granted', proof };",
  );
  t.deepEqual(rolePlayers([source]), ['T']);
  t.deepEqual(usesOf([source], ['T']), ['agent/x.ts: T']);
  t.deepEqual(grantsIn([source]), [{ path: 'agent/x.ts', bare: false }]);
});
