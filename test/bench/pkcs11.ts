// What a login through PKCS#11 costs against pam_p11 and pam_pkcs11: the same card, the same module (OpenSC's), Debian's
// packages of both, unpacked and not installed. Their PIN comes by a pipe as ours does; they ask for it when they have read
// the card, we read it when it was put in.
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { APP } from '../kit/sandbox/namespace.ts';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';
import { figure, median, type Figure } from './figures.ts';
import { withCard } from './insertion.ts';

const OPENSC = '/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so';
const PAM_P11 = `${APP}/build/libpam-p11/lib/x86_64-linux-gnu/security/pam_p11.so`;
const LIBP11 = `${APP}/build/libp11-3/usr/lib/x86_64-linux-gnu`;
const PAM_PKCS11 = `${APP}/build/libpam-pkcs11/lib/x86_64-linux-gnu`;
const REAL_CARD_MS = 15;
const QUIET_MS = 60;

type Service = 'bench-ours' | 'bench-pam_p11' | 'bench-pam_pkcs11';
const MODULES: Readonly<Record<Service, string>> = {
  'bench-ours': 'pam_scauth.so',
  'bench-pam_p11': `${PAM_P11} ${OPENSC}`,
  'bench-pam_pkcs11': `${PAM_PKCS11}/security/pam_pkcs11.so config_file=/etc/pam_pkcs11/pam_pkcs11.conf`,
};

function pamPkcs11Conf(user: string): string {
  return `pam_pkcs11 {
  use_pkcs11_module = opensc;
  pkcs11_module opensc {
    module = ${OPENSC}; description = "OpenSC"; slot_num = 0; support_threads = false;
    ca_dir = /etc/pam_pkcs11; crl_dir = /etc/pam_pkcs11; cert_policy = signature; token_type = "Smart card";
  }
  use_mappers = null;
  mapper_search_path = ${PAM_PKCS11}/pam_pkcs11;
  mapper null { debug = false; module = internal; default_match = true; default_user = ${user}; }
}
`;
}

async function prepare(sandbox: Sandbox): Promise<void> {
  const { user } = sandbox;
  for (const [name, module] of Object.entries(MODULES))
    writeFileSync(
      sandbox.path(`/etc/pam.d/${name}`),
      `auth required ${module}\naccount required pam_permit.so\n`,
    );
  mkdirSync(sandbox.path('/etc/pam_pkcs11'));
  writeFileSync(sandbox.path('/etc/pam_pkcs11/pam_pkcs11.conf'), pamPkcs11Conf(user));
  const script = `hash=$(sc_auth identities --json | jq -r '.unpaired[0].hash'); sc_auth pair -u ${user} -h "$hash"
mkdir -p /home/${user}/.eid
sc_auth export-smartcard --format pem | openssl x509 >/home/${user}/.eid/authorized_certificates`;
  const { code, stderr } = await sandbox.exec(['bash', '-euc', script]);
  if (code !== 0) throw new Error(stderr);
}

async function untilIdle({ card }: Sandbox): Promise<void> {
  for (let before = -1; ;) {
    const { apdus, delayMs } = await card.state();
    if (apdus === before) return;
    before = apdus;
    await pause(QUIET_MS + delayMs);
  }
}

interface Run {
  readonly granted: boolean;
  readonly beforePin: number;
  readonly afterPin: number;
  /** From the start of the program to its end. */
  readonly wallMs: number;
}

/** @param typed waits with the PIN until the prompt is there and the card is at rest, as for a person who types */
async function logIn(sandbox: Sandbox, service: Service, typed: boolean): Promise<Run> {
  const { card, namespace, user, pin } = sandbox;
  await untilIdle(sandbox);
  await card.clearLog();
  const startMs = performance.now();
  const pamtester = namespace.spawn(['pamtester', service, user, 'authenticate'], {
    env: { ...sandbox.environment(), LD_LIBRARY_PATH: LIBP11 },
  });
  const ended = once(pamtester, 'close');
  let beforePin = 0;
  if (typed) {
    const prompted = new Promise((resolve) => {
      for (const stream of [pamtester.stdout, pamtester.stderr])
        stream?.on('data', (bytes: Buffer) => {
          if (bytes.includes('PIN')) resolve(null);
        });
    });
    await Promise.race([prompted, ended]);
    await untilIdle(sandbox);
    beforePin = (await card.log()).length;
    await card.clearLog();
  }
  pamtester.stdin?.end(`${pin}\n`);
  const [code] = (await ended) as [number | null];
  const wallMs = performance.now() - startMs;
  await untilIdle(sandbox);
  return { granted: code === 0, beforePin, afterPin: (await card.log()).length, wallMs };
}

async function granted(sandbox: Sandbox, service: Service, typed: boolean): Promise<Run> {
  const run = await logIn(sandbox, service, typed);
  if (!run.granted) throw new Error(`${service} was refused`);
  return run;
}

async function wall(sandbox: Sandbox, service: Service, times: number): Promise<number> {
  const all: number[] = [];
  for (let time = 0; time < times; time++) all.push((await granted(sandbox, service, false)).wallMs);
  return median(all);
}

export function pkcs11Figures(times: number): Promise<Figure[]> {
  process.stderr.write(`logins through PKCS#11, ${times} of each program\n`);
  return withCard('pkcs11', async (sandbox) => {
    await prepare(sandbox);
    const ours = await granted(sandbox, 'bench-ours', true);
    const theirs = await granted(sandbox, 'bench-pam_pkcs11', true);
    // With Debian 12's libp11 it may end before it asks for the PIN: then this is the least that it takes.
    const p11 = await logIn(sandbox, 'bench-pam_p11', true);
    const p11All = p11.beforePin + p11.afterPin;
    await sandbox.card.setDelay(REAL_CARD_MS);
    const oursMs = await wall(sandbox, 'bench-ours', times);
    const theirsMs = await wall(sandbox, 'bench-pam_pkcs11', times);
    return [
      figure('pkcs11-login-apdus-ratio-to-pam_p11-after-pin', ours.afterPin / p11All, 'ratio', 0.5),
      figure('pkcs11-login-apdus-ratio-to-pam_p11', (ours.beforePin + ours.afterPin) / p11All, 'ratio', 1),
      figure('pkcs11-pin-to-grant-ratio-15ms', oursMs / theirsMs, 'ratio', 0.5),
      figure('pkcs11-login-apdus-before-pin', ours.beforePin, 'APDUs'),
      figure('pkcs11-login-apdus-after-pin', ours.afterPin, 'APDUs'),
      figure('pam_p11-apdus', p11All, 'APDUs'),
      figure('pam_pkcs11-apdus-before-pin', theirs.beforePin, 'APDUs'),
      figure('pam_pkcs11-apdus-after-pin', theirs.afterPin, 'APDUs'),
      figure('pkcs11-wall-ms-15ms', oursMs, 'ms'),
      figure('pam_pkcs11-wall-ms-15ms', theirsMs, 'ms'),
    ];
  });
}
