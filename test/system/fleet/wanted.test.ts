// Between scauthd and scauth-fleet, each with its own account: the keys that are asked for can be read by scauth-fleet and
// written by scauthd alone, whoever of the machine tries.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { head, record } from '../../kit/fleet/lines.ts';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { underUnit } from '../install/unit.ts';

const WANTED = '/run/scauth/fleet-wanted';
const FLEET_ID = 61_990;
/** Nobody's key, and a fleet all the same. */
const CONFIG = `[fleet]
realm = "example.org"
officers = ["${'AB'.repeat(32)}"]
url = ["file:///srv/book"]
`;

/** What somebody tries who would read, change, or put another one in its place. Each is a command that must fail. */
const READS = [`cat ${WANTED}`, `ln ${WANTED} /tmp/linked`];
const WRITES = [
  `echo x >>${WANTED}`,
  `echo x >${WANTED}`,
  `truncate -s 0 ${WANTED}`,
  `chmod 0666 ${WANTED}`,
  `rm ${WANTED}`,
  `mv ${WANTED} ${WANTED}.old`,
  `touch /tmp/mine && mv -f /tmp/mine ${WANTED}`,
  `ln -s /tmp/mine ${WANTED}.new`,
  `mkdir ${WANTED}.new`,
  `mkdir /tmp/run && mv /run/scauth /tmp/run/`,
];

test.serial(
  'scauthd says which key it wants, scauth-fleet reads it, and nobody else reads or writes it',
  async (t) => {
    const sandbox = await Sandbox.start({ agent: false, config: CONFIG, agentPrefix: underUnit() });
    try {
      const run = async (text: string, user?: string): Promise<string> => {
        const { code, stdout, stderr } = await sandbox.exec(
          ['sh', '-c', text],
          user === undefined ? {} : { user },
        );
        if (code !== 0) throw new Error(`${text}: ${stdout}${stderr}`);
        return stdout;
      };
      const line = (name: string, id: number): string =>
        `echo '${name}:x:${id}:${id}::/:/bin/sh' >>/etc/passwd; echo '${name}:x:${id}:' >>/etc/group`;
      await run(`${line('scauth-fleet', FLEET_ID)}; ${line('mallory', FLEET_ID + 1)}; chmod 1777 /tmp`);
      await sandbox.startAgent();
      await sandbox.untilCardRead();
      const key = (await person.cardHash(sandbox)).toLowerCase();
      const stat = (path: string): Promise<string> => run(`stat -c '%U %G %a' ${path}`);
      t.is(await run(`cat ${WANTED}`, 'scauth-fleet'), `${key}\n`);
      t.is(await stat(WANTED), 'root scauth-fleet 640\n');

      for (const [user, tries] of [
        ['mallory', [...READS, `cat /proc/${sandbox.agentPid}/root${WANTED}`, ...WRITES]],
        [sandbox.user, [...READS, ...WRITES]],
        ['scauth-fleet', WRITES],
      ] as const)
        for (const text of tries) {
          const { code, stdout } = await sandbox.exec(['sh', '-c', text], { user });
          t.not(code, 0, `${user}: ${text}`);
          t.false(stdout.includes(key), `${user}: ${text}`);
        }
      t.is(await run(`cat ${WANTED}`), `${key}\n`);

      // What stands in the way, of root's own doing, is no way in either: a link is not written through.
      await run(
        `rm -f ${WANTED}.new ${WANTED}; echo safe >/run/victim; ln -s /run/victim ${WANTED}.new; ln -s /run/victim ${WANTED}`,
      );
      await sandbox.restartAgent();
      await sandbox.untilCardRead();
      t.is(await run(`cat ${WANTED}`, 'scauth-fleet'), `${key}\n`);
      t.is(await stat(WANTED), 'root scauth-fleet 640\n');
      t.is(await run('cat /run/victim'), 'safe\n');
      // The group is that of this file alone: whatever else scauthd makes is root's.
      t.is(await run(`find /run /var -xdev -group ${FLEET_ID} || true`), `${WANTED}\n`);

      // scauth-fleet itself, by its account, looks the key up and writes where it may.
      mkdirSync(sandbox.path('/srv'), { recursive: true });
      writeFileSync(sandbox.path('/srv/book'), `${head(1)}\n${record(key)}\n`);
      await run(`install -d -o scauth-fleet /run/state`);
      await run(
        `STATE_DIRECTORY=/run/state scauth-fleet 2>/run/state/said & until grep -q record /run/state/book 2>/dev/null; do sleep 0.1; done; kill $!`,
        'scauth-fleet',
      );
      t.is(readFileSync(sandbox.path('/run/state/book'), 'latin1'), `${head(1)}\n${record(key)}\n`);
    } finally {
      await sandbox.stop();
    }
  },
);
