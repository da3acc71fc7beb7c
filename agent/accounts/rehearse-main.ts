// A program of its own, started by sc_auth in a mount namespace of its own: logs in by password, through the PAM files of
// this machine, with accounts that exist only in here, and says which service let whom in. It changes nothing outside, and
// it does not judge. Standard input: JSON {"folder", "services", "accounts"}; standard output: JSON, one list an account.
//
// `folder` is bound over scauthd's, so that the module asks whoever listens there. It holds nothing else: what is secret is
// in memory of this namespace and goes with it.

import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import koffi from 'koffi';
import { authenticate, PAM_SUCCESS } from './libpam.ts';

interface Order {
  readonly folder: string;
  readonly services: readonly string[];
  readonly accounts: readonly string[];
}

/** nobody's group, and a uid that no system gives out. */
const IDS = '64999:65534';
const PAM_FILES = '/etc/pam.d';
const AGENT = '/run/scauth';
/** Of modules and services that would remember these logins, or answer for accounts that are not there. */
const OUT_OF_SIGHT = ['/run/faillock', '/var/run/nscd'];

function mount(...args: readonly string[]): void {
  execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** crypt(3), sha512. */
function hashOf(password: string): string {
  const library = ['libcrypt.so.1', 'libcrypt.so.2'].map((name) => {
    try {
      return koffi.load(name);
    } catch {
      return null;
    }
  });
  const crypt = library.find((one) => one !== null)?.func('str crypt(str key, str salt)');
  const hash = crypt?.(password, `$6$${randomBytes(8).toString('hex')}`) as string | undefined | null;
  if (hash?.startsWith('$6$') !== true) throw new Error('crypt(3) cannot be used');
  return hash;
}

/** Accounts in front of the machine's own, in a folder that is gone with this namespace. */
function addAccounts(folder: string, accounts: readonly string[], password: string): void {
  const hash = hashOf(password);
  const files: readonly (readonly [string, (name: string) => string])[] = [
    ['/etc/passwd', (name) => `${name}:x:${IDS}::/nonexistent:/bin/sh`],
    ['/etc/shadow', (name) => `${name}:${hash}:19000:0:99999:7:::`],
  ];
  for (const [file, lineOf] of files) {
    const copy = join(folder, file.replaceAll('/', '-'));
    const own = accounts.map((name) => `${lineOf(name)}\n`).join('');
    writeFileSync(copy, own + readFileSync(file, 'utf8'), { mode: file === '/etc/shadow' ? 0o600 : 0o644 });
    mount('--bind', copy, file);
  }
}

function makeWorld({ folder, accounts }: Order): string {
  const password = randomBytes(16).toString('hex');
  const mine = join(folder, 'private');
  mkdirSync(mine);
  mount('-t', 'tmpfs', '-o', 'mode=0700', 'rehearsal', mine);
  addAccounts(mine, accounts, password);
  // A copy, so that what is tried is what was read.
  execFileSync('cp', ['-a', PAM_FILES, join(mine, 'pam.d')]);
  mount('--bind', join(mine, 'pam.d'), PAM_FILES);
  for (const place of OUT_OF_SIGHT.filter((one) => existsSync(one))) mount('-t', 'tmpfs', 'rehearsal', place);
  mount('--bind', folder, AGENT);
  return password;
}

async function getsIn(service: string, account: string, password: string): Promise<boolean> {
  const said = await authenticate(service, account, Buffer.from(password), null);
  return said.authenticate === PAM_SUCCESS && said.account === PAM_SUCCESS;
}

const order = JSON.parse(readFileSync(0, 'utf8')) as Order;
const password = makeWorld(order);
const outcome: Record<string, string[]> = {};
for (const account of order.accounts) {
  const open: string[] = [];
  for (const service of order.services) if (await getsIn(service, account, password)) open.push(service);
  outcome[account] = open;
}
writeSync(1, JSON.stringify(outcome));
// A module may have left threads behind.
process.exit(0);
