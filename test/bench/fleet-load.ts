// A load client that plays 10,000 machines at one slapd: each polls once a minute with the carrier's own code, wants the
// records of three people, and has its own TLS connection in a part of the machines. And how long a revocation takes.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { LdapSource } from '../../agent/fleet/ldap/ldap-source.ts';
import { GOOD, ada, adaLine, headKey, olgaLine, ottoLine } from '../kit/book/fleet-world.ts';
import { headLine } from '../kit/book/make-book.ts';
import { head, keyHash, record } from '../kit/fleet/lines.ts';
import { baseLdif, personLdif, Slapd, SUFFIX } from '../kit/fleet/slapd.ts';
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

/** Polls at the rate of all machines, spread over `sources`, for so long. @returns what of one core slapd took */
async function load(
  slapd: Slapd,
  sources: readonly LdapSource[],
  keys: ReadonlySet<string>,
  seconds: number,
): Promise<number> {
  const wanted = { keys, prefetch: { all: false, users: [], groups: [] } };
  const began = processorSeconds(slapd.pid);
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
  return ((processorSeconds(slapd.pid) - began) / polls.length) * (MACHINES / POLL_S);
}

async function loadFigures(connections: number, seconds: number): Promise<Figure[]> {
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
    const before = { cpu: processorSeconds(slapd.pid), rss: rssMib(slapd.pid) };
    const wanted = { keys, prefetch: { all: false, users: [], groups: [] } };
    for (const source of made) await source.fetch(wanted);
    const firstMs = ((processorSeconds(slapd.pid) - before.cpu) / connections) * 1000;
    const connectionKib = ((rssMib(slapd.pid) - before.rss) / connections) * 1024;
    const quiet = await load(slapd, made, keys, seconds);
    // Somebody's entry changes each second, as where logins are noted.
    let next = 0;
    const changes = setInterval(() => {
      next += 1;
      slapd.modify(
        `dn: uid=u${next},ou=people,${SUFFIX}\nchangetype: modify\nreplace: description\ndescription: ${next}\n`,
      );
    }, 1000);
    const busy = await load(slapd, made, keys, seconds).finally(() => {
      clearInterval(changes);
    });
    for (const source of made) source.close();
    return [
      figure('fleet-slapd-core-10k-machines', quiet, 'ratio', 0.1),
      figure('fleet-slapd-core-10k-machines-changes-each-second', busy, 'ratio', 0.1),
      figure('fleet-slapd-first-poll-ms', firstMs, 'ms'),
      figure('fleet-slapd-kib-a-connection', connectionKib, 'KiB'),
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
    ...(await revokeFigures(quick ? 1 : 3)),
  ];
}
