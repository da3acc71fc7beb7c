// Each row of the table of PAM services, through all that ask it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { toOcsf } from '../../../agent/audit/ocsf/record.ts';
import { isBeforeLogin, mayDriverServe } from '../../../agent/stories/card/gates/driver-gate.ts';
import { mayOpenKeyring } from '../../../policy/permit-keyring.ts';
import { permitWithoutCard, type EntryFacts } from '../../../policy/permit-without-card.ts';
import { defaultPolicy } from '../../../policy/policy.ts';
import { isListed, OPENING_SERVICES, PAM_SERVICES, servicesThat } from '../../../policy/services.ts';
import { login } from '../../kit/audit/events.ts';

const ROOT = { pid: 1, uid: 0, gid: 0 };
const NO_WORD = { drivers: () => [], table: { loginDriver: () => null, setLoginDriver: () => undefined } };
const facts: Omit<EntryFacts, 'service' | 'session'> = {
  ...{ rhost: null, peerUid: 0, userUid: null, isRoot: false, onConsole: false, inExemptGroup: false },
  ...{ isRequired: true, exemptUntilMs: null, hasPairing: true, asked: 'nothing' },
};

for (const [service, row] of [...PAM_SERVICES, ['not-in-the-table-lock', null] as const]) {
  test(`S14: a driver that is not enabled: ${service} in a login as in a rehearsal`, (t) => {
    const within = row !== null && (row.switches || row.unlocks);
    t.is(
      isBeforeLogin({ peer: ROOT, service }, () => null),
      !within,
    );
    t.is(mayDriverServe('org.example', service, NO_WORD), within);
  });

  test(`L25: a card that is required where nobody was asked: ${service}`, (t) => {
    const ruleFor = (session: 'remote' | 'local') =>
      permitWithoutCard(
        defaultPolicy,
        { kind: 'on', sinceMs: 0, by: 'root' },
        { ...facts, service, session },
        1,
      ).rule;
    t.is(ruleFor('local'), row?.remote === true ? 'enforcement.remote' : 'nobody was asked');
    t.is(ruleFor('remote'), row?.switches === true ? 'nobody was asked' : 'enforcement.remote');
  });

  test(`the audit log, session and keyring of ${service}`, (t) => {
    const record = JSON.parse(JSON.stringify(toOcsf(login({ kind: 'granted' }, { service }), 0))) as object;
    t.like(record, {
      activity_name: row?.switches === true ? 'Account Switch' : 'Logon',
      logon_type: row?.unlocks === true ? 'Unlock' : 'Interactive',
    });
    const { session, keyring, login: settings } = defaultPolicy;
    t.is(isListed(session.services, service), row !== null && (row.startsSession || row.unlocks));
    t.is(mayOpenKeyring({ keyring }, { service, peer: ROOT }), row?.startsSession === true);
    t.is(settings.promptOnlyServices.includes(service), row?.shows === 'nothing');
    t.is(defaultPolicy.prompt.messageServices.includes(service), row?.shows === 'messages');
    t.is(OPENING_SERVICES.has(service), row !== null && row.opens !== null);
  });
}

test('each service is of one kind, and the module knows those for other hosts', (t) => {
  for (const [service, { remote, startsSession, unlocks, switches }] of PAM_SERVICES)
    t.is([remote, startsSession, unlocks, switches].filter(Boolean).length, 1, service);
  const root = join(import.meta.dirname, '../../..');
  const names = servicesThat('remote');
  t.true(names.length > 0);
  const list = names.map((name) => `"${name}"`).join(', ');
  t.true(readFileSync(join(root, 'pam/module/account.c'), 'utf8').includes(`FOR_OTHER_HOSTS[] = {${list}};`));
  const told = names.map((name) => `\`${name}\``).join(', ');
  t.true(readFileSync(join(root, 'PROTOCOL.md'), 'utf8').includes(`one of the services ${told})`));
});

test('what the lists that were here before disagreed about (D181)', (t) => {
  for (const service of ['kscreenlocker', 'unity', 'budgie-screensaver', 'slock'])
    t.like(PAM_SERVICES.get(service), { unlocks: true, heeds: 'auth' }, service);
  for (const service of ['runuser', 'runuser-l'])
    t.like(PAM_SERVICES.get(service), { switches: true, opens: null }, service);
  for (const service of ['wdm', 'slim']) t.like(PAM_SERVICES.get(service), { startsSession: true }, service);
  t.like(PAM_SERVICES.get('remote'), { remote: true });
});
