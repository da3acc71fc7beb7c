// scauth-fleet: fetches what this machine needs of the pairing book and writes it to one file. It runs as an account of its
// own, with a network and nothing else; scauthd, which has none, verifies everything in the file. Connects the parts.
// Why a program of its own: DECISIONS.md D310.

import { dirname, join } from 'node:path';
import { loadPolicy } from '../../config/parse-settings.ts';
import type { Policy } from '../../policy/policy.ts';
import { systemClock } from '../base/clock.ts';
import { describeError } from '../base/errors.ts';
import { nameProgram } from '../base/program-name.ts';
import { IO_SOCKET } from '../base/socket-paths.ts';
import { BookFile } from './book-file.ts';
import { FolderSource } from './folder-source.ts';
import { Rounds } from './rounds.ts';
import type { BookSource, Prefetch } from './source.ts';
import { WantedWatch } from './wanted-file.ts';

/** The unit does not start it again: systemd.exec(5) calls it CONFIG. */
const EXIT_CONFIG = 78;

function folder(variable: string, usual: string): string {
  return process.env[variable]?.split(':')[0] ?? usual;
}

function log(line: string): void {
  process.stderr.write(`scauth-fleet: ${line}\n`);
}

function prefetchOf(names: readonly string[]): Prefetch {
  return {
    all: names.includes('all'),
    users: names.filter((name) => name !== 'all' && !name.startsWith('@')),
    groups: names.filter((name) => name.startsWith('@')).map((name) => name.slice(1)),
  };
}

async function sourcesOf({ fleet }: Policy): Promise<BookSource[]> {
  const folders = fleet.url
    .filter((url) => url.startsWith('file://'))
    .map((url) => new FolderSource(decodeURIComponent(new URL(url).pathname)));
  const servers = fleet.url.filter((url) => url.startsWith('ldap'));
  if (servers.length === 0) return folders;
  const { ldapSource } = await import('./ldap/ldap-source.ts');
  return [ldapSource(servers, fleet, process.env['CREDENTIALS_DIRECTORY'] ?? null), ...folders];
}

async function main(): Promise<void> {
  nameProgram('scauth-fleet');
  process.umask(0o022);
  let policy: Policy;
  let sources: BookSource[];
  try {
    policy = loadPolicy(folder('CONFIGURATION_DIRECTORY', '/etc/scauth'));
    sources = await sourcesOf(policy);
  } catch (error) {
    log(describeError(error));
    process.exitCode = EXIT_CONFIG;
    return;
  }
  if (sources.length === 0) {
    log('fleet.url is empty: there is no book to fetch');
    process.exitCode = EXIT_CONFIG;
    return;
  }
  const rounds = new Rounds({
    sources,
    file: new BookFile(folder('STATE_DIRECTORY', '/var/lib/scauth-fleet')),
    prefetch: prefetchOf(policy.fleet.prefetch),
    pollMs: policy.fleet.poll * 1000,
    clock: systemClock,
    random: Math.random,
    log,
  });
  const wantedFile = join(dirname(process.env['SCAUTH_IO_SOCKET'] ?? IO_SOCKET), 'fleet-wanted');
  rounds.start();
  const wanted = new WantedWatch(wantedFile, (keys) => {
    rounds.want(keys);
  });
  process.on('SIGHUP', () => {
    log('asking each source now; settings are read at a start');
    rounds.askNow();
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      wanted.close();
      rounds.close();
    });
  }
}

await main();
