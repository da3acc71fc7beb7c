// Trust level 3 on the real way: how many requests a responder gets when a card is put in, and during the logins after
// it. What is found out at the insertion is not asked for again (`trust.cache_minutes`).
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as person from '../kit/person/person.ts';
import { Sandbox } from '../kit/sandbox/sandbox.ts';
import { AUTHORITY, LEAF, Pki } from '../unit/trust/authority.ts';
import { figure, type Figure } from './figures.ts';

const PORT = 8888;
const REQUESTS = '/run/sandbox/requests';
const SETTINGS = `[trust]
level = 3
authorities = ["/etc/scauth/root.pem"]
`;

/** `good`, for the certificate of `ada`, as the responder of `root` says it; for a day. */
function answerFor(pki: Pki): string {
  const [request, answer] = [pki.file('request.der'), pki.file('answer.der')];
  const [authority, key] = [pki.file('root.pem'), pki.file('root.key')];
  const about = ['-issuer', authority, '-cert', pki.file('ada.pem'), '-no_nonce', '-reqout', request];
  execFileSync('openssl', ['ocsp', ...about], { stdio: 'ignore' });
  const signer = ['-index', join(pki.file('root.ca'), 'index'), '-rsigner', authority, '-rkey', key];
  const made = ['-CA', authority, '-ndays', '1', '-reqin', request, '-respout', answer];
  execFileSync('openssl', ['ocsp', ...signer, ...made], { stdio: 'ignore' });
  return answer;
}

function requestsIn(sandbox: Sandbox): number {
  return readFileSync(sandbox.path(REQUESTS), 'latin1').split('\n').length - 1;
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error('the responder did not start, or was not asked');
    await pause(10);
  }
}

export async function revocationFigures(logins: number): Promise<Figure[]> {
  process.stderr.write(`trust level 3, ${logins} logins\n`);
  const pki = new Pki();
  const sandbox = await Sandbox.start({ card: 'p256', config: '' });
  try {
    pki.root('root', { extensions: `${AUTHORITY}\nsubjectKeyIdentifier=hash` });
    const access = `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${PORT}/`;
    pki.issue('ada', 'root', { extensions: `${LEAF}\n${access}` });
    for (const [name, bytes] of [
      ['/run/sandbox/answer', readFileSync(answerFor(pki))],
      ['/etc/scauth/root.pem', readFileSync(pki.file('root.pem'))],
      ['/etc/scauth/scauth.toml', SETTINGS],
    ] as const)
      writeFileSync(sandbox.path(name), bytes);
    const app = '/run/sandbox/app';
    const program = [`${app}/node_modules/node/bin/node`, `${app}/test/bench/ocsp-answer.ts`, String(PORT)];
    sandbox.namespace.spawn([...program, '/run/sandbox/answer', REQUESTS], { env: sandbox.environment() });
    await until(() => existsSync(sandbox.path(REQUESTS)));
    const from = sandbox.agentLog().length;
    process.kill(sandbox.agentHostPid ?? 0, 'SIGHUP');
    await person.untilAgentSays(sandbox, 'new configuration: trust', from);
    await sandbox.card.setKey('9A', readFileSync(pki.file('ada.key'), 'utf8'));
    await sandbox.card.setCertificate('9A', readFileSync(pki.file('ada.pem'), 'utf8'));
    await person.reinsertCard(sandbox);
    await until(() => requestsIn(sandbox) > 0);
    await person.pairCard(sandbox);
    await person.expectCardLogin(sandbox);
    const before = requestsIn(sandbox);
    for (let login = 0; login < logins; login += 1) await person.expectCardLogin(sandbox);
    return [
      figure('trust-3-requests-at-insertion', before, 'requests'),
      figure('trust-3-requests-of-warm-logins', requestsIn(sandbox) - before, 'requests', 0),
    ];
  } finally {
    await sandbox.stop();
    await pki.close();
  }
}
