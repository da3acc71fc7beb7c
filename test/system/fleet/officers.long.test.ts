// A fleet by its officers' own commands: `sc_auth book` with software cards, the guide's three ways to the machine, the real
// scauth-fleet and scauthd there, and logins by sudo. An officer is added, and another is lost; the directory goes and comes.

import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { CardControl } from '../../kit/card/client.ts';
import { block, unpackedEnvironment } from '../../kit/fleet/guide.ts';
import { FleetProgram } from '../../kit/fleet/program.ts';
import { ADMIN, ADMIN_PASSWORD, personLdif, Slapd, SUFFIX } from '../../kit/fleet/slapd.ts';
import * as person from '../../kit/person/person.ts';
import { APP } from '../../kit/sandbox/namespace.ts';
import { VPCD_PORT } from '../../kit/sandbox/etc.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const ROOT = join(import.meta.dirname, '../../..');
const FOLDER = '/run/officers';
const FILE = `${FOLDER}/fleet.book`;
const HEAD_KEY = `${FOLDER}/head.pem`;
const OFFICERS = ['olga', 'otto', 'oona'] as const;
type Officer = (typeof OFFICERS)[number];

class Fleet {
  readonly sandbox: Sandbox;
  readonly program: FleetProgram;
  readonly cards: CardControl[] = [];
  readonly hashes = new Map<Officer, string>();
  epoch = 0;

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
    this.program = FleetProgram.beside(sandbox);
  }

  async run(argv: readonly string[], options: Parameters<Sandbox['exec']>[1] = {}): Promise<string> {
    const { code, stdout, stderr } = await this.sandbox.exec(argv, { timeoutMs: 180_000, ...options });
    if (code !== 0) throw new Error(`${argv.join(' ')}: ${code}: ${stderr}${stdout}`);
    return stdout;
  }

  async #keysIn(): Promise<string[]> {
    const { stdout } = await this.sandbox.exec(['sc_auth', 'identities', '--json']);
    const { paired, unpaired } = JSON.parse(stdout) as Record<'paired' | 'unpaired', { hash: string }[]>;
    return [...paired, ...unpaired].map(({ hash }) => hash);
  }

  /** An account with a card of its own, in the next reader. */
  async addOfficer(name: Officer, port: number): Promise<void> {
    const before = await this.#keysIn();
    const from = this.sandbox.agentLog().length;
    const kind = ['--key', `p256:${port + 1}`, '--cn', name, '--guid', String(port).padStart(32, '0')];
    this.cards.push(await this.sandbox.addCard(kind, VPCD_PORT + port));
    await person.untilAgentSays(this.sandbox, 'token in', from);
    const hash = (await this.#keysIn()).find((one) => !before.includes(one));
    if (hash === undefined) throw new Error(`no key of ${name}`);
    this.hashes.set(name, hash);
    await person.addUser(this.sandbox, name);
    await this.run(['sc_auth', 'pair', '-u', name, '-h', hash]);
  }

  book(who: Officer, verb: string, ...args: readonly string[]): Promise<string> {
    const input = `${this.sandbox.pin}\n`;
    return this.run(['sc_auth', 'book', verb, '-f', FILE, ...args], { user: who, input });
  }

  /** A new head, and what carriers take, beside the book. */
  async publish(...revoke: readonly string[]): Promise<void> {
    this.epoch += 1;
    if (revoke.length === 0) await this.book('otto', 'sign', '--head-key', HEAD_KEY);
    else await this.book('otto', 'revoke', ...revoke, '--head-key', HEAD_KEY);
    await this.run(['rm', '-f', `${FOLDER}/book.txt`, `${FOLDER}/book.ldif`]);
    await this.book('otto', 'export', '-o', `${FOLDER}/book.txt`);
    await this.book('otto', 'export', '--ldif', '--base', SUFFIX, '-o', `${FOLDER}/book.ldif`);
  }

  /** A block of the guide on the machine itself. */
  guide(name: string, env: Readonly<Record<string, string>>): Promise<string> {
    const unpacked = unpackedEnvironment(`${APP}/build`);
    return this.run(['sh', '-eu', '-c', block(name)], { env: { ...unpacked, HOME: '/root', ...env } });
  }

  byFile(): Promise<string> {
    return this.guide('file', { SRV: '/srv/scauth', BOOK: `${FOLDER}/book.txt` });
  }

  untilTaken(from: number): Promise<string> {
    return person.untilAgentSays(this.sandbox, `fleet: head ${this.epoch};`, from);
  }

  async stop(): Promise<void> {
    await this.program.remove();
    for (const card of this.cards) card.close();
    await this.sandbox.stop();
  }
}

test.serial('three roll-outs by the officers’ own commands', async (t) => {
  t.timeout(20 * 60_000);
  const fleet = new Fleet(await Sandbox.start({ readers: 4, card: 'p256' }));
  t.teardown(() => fleet.stop());
  const { sandbox, program } = fleet;
  const mine = await person.cardHash(sandbox);
  await fleet.run(['install', '-d', '-m', '0777', FOLDER]);
  await fleet.run(['mkdir', '-p', '/srv/scauth', '/etc/scauth/scauth.d']);
  for (const [index, name] of OFFICERS.entries()) await fleet.addOfficer(name, index + 1);
  const hashOf = (name: Officer): string => fleet.hashes.get(name) ?? '';

  // Two officers, a key for heads that both name, and a person.
  for (const name of ['olga', 'otto'] as const) {
    await fleet.book(name, 'init', '--realm', 'example.org', '--name', name, '-h', hashOf(name));
    await fleet.book(name, 'sign');
  }
  await fleet.book('olga', 'export', '--officers', '-o', `${FOLDER}/officers.book`);
  await fleet.book('olga', 'add', '--new-head-key', HEAD_KEY);
  await fleet.book('olga', 'sign');
  t.regex(await fleet.book('otto', 'sign', '--officers'), /1 lines signed/, 'no officer’s own line again');
  await fleet.run(['chmod', '0644', HEAD_KEY]);
  await fleet.book('olga', 'add', '-u', sandbox.user, '-h', mine);
  await fleet.book('olga', 'sign');
  await fleet.publish();
  const verified = ['verify', '--signer', `${FOLDER}/officers.book`] as const;
  t.regex(await fleet.book('otto', ...verified), /counts the same records/);

  // Ansible, on the machine itself; its second run changes nothing.
  writeFileSync(sandbox.path(`${FOLDER}/hosts`), 'localhost ansible_connection=local scauth_start=false\n');
  copyFileSync(join(ROOT, 'install/ansible/book.yml'), sandbox.path(`${FOLDER}/book.yml`));
  const ansible = { HOSTS: `${FOLDER}/hosts`, PLAYBOOK: `${FOLDER}/book.yml`, BOOK: `${FOLDER}/book.txt` };
  const play = (): Promise<string> =>
    fleet.guide('ansible', { ...ansible, OFFICERS: `${FOLDER}/officers.book` });
  t.is(await person.sudoByEither(sandbox), 'password');
  await play();
  t.regex(await play(), /changed=0\b.*failed=0\b/);
  let from = sandbox.agentLog().length;
  await fleet.run(['kill', '-HUP', String(sandbox.agentPid)]);
  program.settings({ url: [`file://${sandbox.path('/srv/scauth')}/book`], poll: 5 });
  program.start();
  await fleet.untilTaken(from);
  t.is(await person.sudoByEither(sandbox), 'card', 'known by the book alone, at the first login');
  t.regex(await fleet.run(['sc_auth', 'list', '-v', '-u', sandbox.user]), /Paired by: officer olga/);

  // A further officer, whom two name; by file. No machine's settings change.
  await fleet.book('olga', 'add', '--officer', '--name', 'Oona', '-h', hashOf('oona'));
  await fleet.book('olga', 'sign');
  await fleet.book('otto', 'sign', '--officers');
  await fleet.publish();
  from = sandbox.agentLog().length;
  await fleet.byFile();
  await fleet.untilTaken(from);
  t.is(await person.sudoByEither(sandbox), 'card');

  // An officer's card is lost: what it signed is nothing any more, until another signs it.
  from = sandbox.agentLog().length;
  await fleet.publish('-h', hashOf('olga'));
  await fleet.byFile();
  await fleet.untilTaken(from);
  t.is(await person.sudoByEither(sandbox), 'password');
  await fleet.book('oona', 'add', '-u', sandbox.user, '-h', mine);
  await fleet.book('oona', 'sign');
  await fleet.publish();
  from = sandbox.agentLog().length;
  await fleet.byFile();
  await fleet.untilTaken(from);
  t.is(await person.sudoByEither(sandbox), 'card');
  t.regex(await fleet.run(['sc_auth', 'list', '-v', '-u', sandbox.user]), /Paired by: officer Oona/);

  // The directory beside the file; then it goes, and a head by file is enough; then it comes back with what it had.
  const slapd = new Slapd();
  const bare = personLdif(sandbox.user, 'x').replace(/objectClass: scauthPerson\n|scauthKeyHash.*\n/g, '');
  slapd.load(
    `dn: ${SUFFIX}\nobjectClass: organization\nobjectClass: dcObject\no: Example\ndc: example\n\ndn: ou=people,${SUFFIX}\nobjectClass: organizationalUnit\nou: people\n${bare}`,
  );
  await slapd.start();
  t.teardown(() => slapd.remove());
  const ca = program.trust(slapd.authority);
  const password = join(program.folder, 'password');
  writeFileSync(password, ADMIN_PASSWORD, { mode: 0o600 });
  const here = (name: string): string =>
    execFileSync('sh', ['-eu', '-c', block(name)], {
      encoding: 'utf8',
      env: {
        ...unpackedEnvironment(join(ROOT, 'build')),
        ...{ URL: slapd.startTlsUrl, ADMIN, PASSWORD_FILE: password, BASE: SUFFIX, LDAPTLS_CACERT: ca },
        LDIF: sandbox.path(`${FOLDER}/book.ldif`),
      },
    });
  here('entry');
  here('upload');
  await program.stop();
  await fleet.run(['rm', '-f', '/srv/scauth/book']);
  program.settings({
    ...{ url: [slapd.url, `file://${sandbox.path('/srv/scauth')}/book`], base: SUFFIX, ca, poll: 5 },
  });
  program.start();
  await fleet.publish('-u', sandbox.user);
  from = sandbox.agentLog().length;
  here('upload');
  await fleet.untilTaken(from);
  t.is(await person.sudoByEither(sandbox), 'password', 'revoked by the directory');
  const whenGone = program.said.length;
  await slapd.stop();
  await fleet.book('oona', 'add', '-u', sandbox.user, '-h', mine);
  await fleet.book('oona', 'sign');
  await fleet.publish();
  from = sandbox.agentLog().length;
  await fleet.byFile();
  await fleet.untilTaken(from);
  t.is(await person.sudoByEither(sandbox), 'card', 'the file has it, and the directory is gone');
  // Between two polls nobody would notice.
  const said = (what: RegExp) => () => what.test(program.said.slice(whenGone));
  await program.until('that the directory is gone', said(/ldaps:.*in a row/));
  await slapd.start();
  // The next try comes later after each failure: after about as long as the directory was gone, or twice that.
  await program.until('the directory again', said(/ldaps:.* answers/), 10 * 60_000);
  t.is(await person.sudoByEither(sandbox), 'card', 'its old head takes nothing back');
  t.regex(
    readFileSync(join(program.state, 'book'), 'latin1'),
    new RegExp(`^scauth-book 1 head ${fleet.epoch} `),
  );
});
