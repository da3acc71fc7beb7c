// The roll-outs of install/doc/fleet.md, as they stand there: each marked block is run, and what comes of it is looked at on
// a machine.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { bookLdif } from '../../../agent/model/book/book-ldif.ts';
import { adaLine, GOOD, headKey, olgaLine, ottoLine } from '../../kit/book/fleet-world.ts';
import { headLine, REALM } from '../../kit/book/make-book.ts';
import { block, unpackedEnvironment } from '../../kit/fleet/guide.ts';
import { FleetProgram } from '../../kit/fleet/program.ts';
import { ADMIN, ADMIN_PASSWORD, BOOK_DN, personLdif, Slapd, SUFFIX } from '../../kit/fleet/slapd.ts';

const ROOT = join(import.meta.dirname, '../../..');
const KEY = / record (\w+) /.exec(adaLine)?.[1] ?? '';

function run(name: string, env: Readonly<Record<string, string>>): string {
  return execFileSync('sh', ['-eu', '-c', block(name)], {
    encoding: 'utf8',
    env: {
      ...unpackedEnvironment(join(ROOT, 'build')),
      HOME: env['HOME'] ?? '/nonexistent',
      ...env,
    },
  });
}

const text = (...lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
const NEXT = [olgaLine, ottoLine, headLine(headKey, { epoch: 2 }), adaLine] as const;

test('ten machines: a file', async (t) => {
  const fleet = new FleetProgram();
  t.teardown(() => fleet.remove());
  const [SRV, BOOK] = [join(fleet.folder, 'srv'), join(fleet.folder, 'book.txt')];
  writeFileSync(BOOK, text(...GOOD));
  run('file', { SRV, BOOK });
  fleet.settings({ url: [`file://${SRV}/book`], poll: 5 });
  fleet.want(KEY);
  fleet.start();
  await fleet.until('the book', () => GOOD.every((line) => fleet.book().includes(line)));
  const { ino } = statSync(join(SRV, 'book'));
  writeFileSync(BOOK, text(...NEXT));
  run('file', { SRV, BOOK });
  t.not(statSync(join(SRV, 'book')).ino, ino, 'by a rename');
  await fleet.until('the next head', () => NEXT.every((line) => fleet.book().includes(line)));
});

test('a thousand machines: Ansible, whose second run changes nothing', async (t) => {
  const fleet = new FleetProgram();
  t.teardown(() => fleet.remove());
  const [BOOK, OFFICERS, HOSTS, PLAYBOOK] = ['book.txt', 'pinned.book', 'hosts', 'book.yml'].map((name) =>
    join(fleet.folder, name),
  );
  if (BOOK === undefined || OFFICERS === undefined || HOSTS === undefined || PLAYBOOK === undefined)
    return t.fail();
  mkdirSync(join(fleet.folder, 'etc/scauth.d'));
  writeFileSync(BOOK, text(...GOOD));
  writeFileSync(OFFICERS, text(olgaLine, ottoLine));
  copyFileSync(join(ROOT, 'install/ansible/book.yml'), PLAYBOOK);
  // This machine, with its folders elsewhere, and without systemd.
  const places = `scauth_etc=${fleet.folder}/etc scauth_srv=${fleet.folder}/srv scauth_start=false`;
  writeFileSync(
    HOSTS,
    `desk1 ansible_connection=local ansible_python_interpreter=/usr/bin/python3 ${places}\n`,
  );
  const env = { BOOK, OFFICERS, HOSTS, PLAYBOOK, HOME: fleet.folder };
  t.regex(run('ansible', env), /changed=4 .*failed=0/);
  t.regex(run('ansible', env), /changed=0 .*failed=0/);
  const settings = readFileSync(join(fleet.folder, 'etc/scauth.d/50-fleet.toml'), 'utf8');
  t.is(
    settings,
    `[fleet]\nofficers = ["${fleet.folder}/etc/officers.book"]\nrealm = "${REALM}"\nurl = ["file://${fleet.folder}/srv/book"]\n`,
  );
  fleet.want(KEY);
  fleet.start();
  await fleet.until('the book', () => GOOD.every((line) => fleet.book().includes(line)));
  return t.pass();
});

test('ten thousand machines: a directory; and mixed, while it is gone', async (t) => {
  const slapd = new Slapd();
  slapd.load(`dn: ${SUFFIX}\nobjectClass: organization\nobjectClass: dcObject\no: Example\ndc: example

dn: ou=people,${SUFFIX}\nobjectClass: organizationalUnit\nou: people\n${personLdif('alice', 'x').replace(/objectClass: scauthPerson\n|scauthKeyHash.*\n/g, '')}`);
  await slapd.start();
  t.teardown(() => slapd.remove());
  const fleet = new FleetProgram();
  t.teardown(() => fleet.remove());
  const [PASSWORD_FILE, LDIF, ca] = ['password', 'book.ldif', 'ca.pem'].map((name) =>
    join(fleet.folder, name),
  );
  if (PASSWORD_FILE === undefined || LDIF === undefined || ca === undefined) return t.fail();
  writeFileSync(PASSWORD_FILE, ADMIN_PASSWORD, { mode: 0o600 });
  copyFileSync(slapd.authority.certificate, ca);
  const env = { URL: slapd.startTlsUrl, ADMIN, PASSWORD_FILE, LDIF, BASE: SUFFIX, LDAPTLS_CACERT: ca };
  run('entry', env);
  const upload = (lines: readonly string[]): void => {
    writeFileSync(
      LDIF,
      bookLdif(lines, { book: BOOK_DN, people: `ou=people,${SUFFIX}`, userAttribute: 'uid' }),
    );
    run('upload', env);
  };
  upload(GOOD);
  const [SRV, BOOK] = [join(fleet.folder, 'srv'), join(fleet.folder, 'book.txt')];
  writeFileSync(BOOK, text(...GOOD));
  run('file', { SRV, BOOK });
  fleet.settings({ url: [slapd.url, `file://${SRV}/book`], base: SUFFIX, ca, poll: 5 });
  fleet.want(KEY);
  fleet.start();
  await fleet.until('the book', () => GOOD.every((line) => fleet.book().includes(line)));
  upload(NEXT);
  await fleet.until('the next head', () => fleet.book().startsWith(NEXT[2]));
  t.true(fleet.book().includes(GOOD[2]), 'the file still has the old one');
  // The directory is gone; a fresh head comes as a file.
  await slapd.stop();
  const third = headLine(headKey, { epoch: 3 });
  writeFileSync(BOOK, text(olgaLine, ottoLine, third, adaLine));
  run('file', { SRV, BOOK });
  await fleet.until('the head of the file', () => fleet.book().startsWith(third));
  t.true(fleet.book().includes(adaLine));
  // And back, from the first upload's backup: its old heads do no harm.
  await slapd.start();
  upload(GOOD);
  await fleet.until('the directory again', () => !fleet.book().includes(NEXT[2]));
  return t.true(fleet.book().startsWith(third));
});
