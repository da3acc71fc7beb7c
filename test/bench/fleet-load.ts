// A load client that plays 10,000 machines at one slapd: each polls once a minute with the carrier's own code and wants the
// records of three people; once over the TLS connections of a tenth of them, and once with a connection for each. And how long
// a revocation takes.
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Attribute, Change, Client } from 'ldapts';
import { LdapSource } from '../../agent/fleet/ldap/ldap-source.ts';
import { GOOD, ada, adaLine, headKey, olgaLine, ottoLine } from '../kit/book/fleet-world.ts';
import { headLine } from '../kit/book/make-book.ts';
import { head, keyHash, record } from '../kit/fleet/lines.ts';
import { ADMIN, ADMIN_PASSWORD, baseLdif, personLdif, Slapd, SUFFIX } from '../kit/fleet/slapd.ts';
import { Through } from '../kit/fleet/through.ts';
import { figure, median, type Figure } from './figures.ts';

const MACHINES = 10_000;
/** As it is shipped. */
const POLL_S = 60;
const TICKS_PER_S = 100;
const SETTINGS = { base: SUFFIX, userAttribute: 'uid', ca: '', bind: 'anonymous', bindDn: '' } as const;

/** Processor time of all threads of a process: fields 14 and 15 of proc_pid_stat(5), in seconds. */
function processorSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

function rssMib(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
}

/** Of one core, for the polls of all machines; the client is this process, with the carrier's code for all of them. */
interface Cores {
  readonly slapd: number;
  readonly client: number;
}

/** Polls at the rate of all machines, spread over `sources`, for so long. */
async function load(
  slapd: Slapd,
  sources: readonly LdapSource[],
  keys: ReadonlySet<string>,
  seconds: number,
): Promise<Cores> {
  const wanted = { keys, prefetch: { all: false, users: [], groups: [] } };
  const began = processorSeconds(slapd.pid);
  const clientBegan = processorSeconds(process.pid);
  const beganMs = performance.now();
  const polls: Promise<unknown>[] = [];
  const busy = new Set<number>();
  let left = 0;
  for (let count = 0; performance.now() - beganMs < seconds * 1000; count += 1) {
    const dueMs = beganMs + (count * POLL_S * 1000) / MACHINES;
    await pause(Math.max(0, dueMs - performance.now()));
    const at = count % sources.length;
    if (busy.has(at)) left += 1;
    else {
      busy.add(at);
      polls.push((async () => sources[at]?.fetch(wanted))().finally(() => busy.delete(at)));
    }
  }
  await Promise.all(polls);
  if (left > polls.length) throw new Error(`${left} polls came too late: the client is too slow`);
  // By the poll, and the rate on paper: a busy machine's client may come to fewer.
  process.stderr.write(`${polls.length} polls in ${((performance.now() - beganMs) / 1000).toFixed()} s\n`);
  const share = MACHINES / POLL_S / polls.length;
  return {
    slapd: (processorSeconds(slapd.pid) - began) * share,
    client: (processorSeconds(process.pid) - clientBegan) * share,
  };
}

/** Several at once: a first poll is TLS and round trips. */
async function firstPolls(
  sources: readonly LdapSource[],
  wanted: Parameters<LdapSource['fetch']>[0],
): Promise<void> {
  const left = sources.values();
  const some = Array.from({ length: 16 }, async () => {
    for (const source of left) await source.fetch(wanted);
  });
  await Promise.all(some);
}

async function loadFigures(connections: number, seconds: number): Promise<Figure[]> {
  const isEach = connections === MACHINES;
  process.stderr.write(`${MACHINES} machines at one slapd, ${connections} connections, ${seconds} s each\n`);
  const slapd = new Slapd({ global: 'threads 4' });
  const people = Array.from({ length: 100_000 }, (_, at) =>
    personLdif(`u${at}`, keyHash(at), record(keyHash(at), 'x'.repeat(1000))),
  );
  slapd.load(baseLdif({ heads: [head(1, 'x'.repeat(1000))] }) + people.join(''));
  await slapd.start();
  try {
    const tls = { ca: [readFileSync(slapd.authority.certificate, 'latin1')] };
    const made = Array.from(
      { length: connections },
      () => new LdapSource([slapd.url], SETTINGS, tls, { kind: 'anonymous' }),
    );
    const keys = new Set([keyHash(1), keyHash(50_000), keyHash(99_999)]);
    const before = { cpu: processorSeconds(slapd.pid), rss: rssMib(slapd.pid), client: rssMib(process.pid) };
    await firstPolls(made, { keys, prefetch: { all: false, users: [], groups: [] } });
    const firstMs = ((processorSeconds(slapd.pid) - before.cpu) / connections) * 1000;
    const connectionKib = ((rssMib(slapd.pid) - before.rss) / connections) * 1024;
    const clientKib = ((rssMib(process.pid) - before.client) / connections) * 1024;
    const quiet = await load(slapd, made, keys, seconds);
    // Somebody's entry changes each second, as where logins are noted.
    const writer = new Client({ url: slapd.url, tlsOptions: tls });
    await writer.bind(ADMIN, ADMIN_PASSWORD);
    const written: Promise<void>[] = [];
    const changes = setInterval(() => {
      const next = written.length + 1;
      const modification = new Attribute({ type: 'description', values: [String(next)] });
      written.push(
        writer.modify(`uid=u${next},ou=people,${SUFFIX}`, new Change({ operation: 'replace', modification })),
      );
    }, 1000);
    const busy = await load(slapd, made, keys, seconds).finally(() => {
      clearInterval(changes);
    });
    await Promise.all(written);
    await writer.unbind();
    const open = readdirSync(`/proc/${slapd.pid}/fd`).length;
    if (open < connections)
      throw new Error(`slapd has ${open} descriptors open, of ${connections} connections`);
    const slapdMib = rssMib(slapd.pid);
    for (const source of made) source.close();
    const name = isEach ? 'fleet-slapd-10k-connections' : 'fleet-slapd';
    return [
      figure(`${name}-core-10k-machines`, quiet.slapd, 'ratio', 0.1),
      figure(`${name}-core-10k-machines-changes-each-second`, busy.slapd, 'ratio', 0.1),
      figure(`${name}-first-poll-ms`, firstMs, 'ms'),
      figure(`${name}-kib-a-connection`, connectionKib, 'KiB'),
      ...(isEach
        ? [
            figure(`${name}-mib`, slapdMib, 'MiB'),
            figure('fleet-load-client-core', quiet.client, 'ratio'),
            figure('fleet-load-client-kib-a-connection', clientKib, 'KiB'),
          ]
        : []),
    ];
  } finally {
    await slapd.remove();
  }
}

/** From the end of ldapmodify to the first login that is refused, with the poll as it is shipped. */
async function revokeFigures(times: number): Promise<Figure[]> {
  process.stderr.write(
    `a revocation through slapd and scauth-fleet, ${times} times, ${POLL_S} s each at most\n`,
  );
  const seconds: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const through = new Through();
    try {
      await through.start(GOOD);
      await through.fleet.until('officers', () => through.fleet.book().split('\n').length === 4);
      while ((await through.world.outcome()) !== 'granted') await pause(100);
      // Anywhere between two polls.
      await pause(Math.random() * 10_000);
      through.publish([
        olgaLine,
        ottoLine,
        headLine(headKey, { epoch: 2, revoked: [ada.publicKey.pkhh] }),
        adaLine,
      ]);
      const beganMs = performance.now();
      while ((await through.world.outcome()) === 'granted') await pause(100);
      seconds.push((performance.now() - beganMs) / 1000);
    } finally {
      await through.stop();
    }
  }
  return [
    figure('fleet-revoke-s', Math.max(...seconds), 's', 65),
    figure('fleet-revoke-s-median', median(seconds), 's'),
  ];
}

export async function fleetLoadFigures(quick: boolean): Promise<Figure[]> {
  return [
    ...(await loadFigures(quick ? 200 : 1000, quick ? 10 : 60)),
    // Longer than a poll's time: each of them has its turn.
    ...(quick ? [] : await loadFigures(MACHINES, 70)),
    ...(await revokeFigures(quick ? 1 : 3)),
  ];
}
