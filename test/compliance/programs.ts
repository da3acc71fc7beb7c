// The programs that the suite is run against, each as one line of a PAM stack and a way to give a card to a person.
// All but scauth are Debian's packages, unpacked and not installed. Nothing else in the suite knows which one it is.
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { insertCard, pullCard } from '../kit/person/person.ts';
import { APP } from '../kit/sandbox/namespace.ts';
import type { Sandbox } from '../kit/sandbox/sandbox.ts';
import { prepareSssd } from '../kit/sssd/packages.ts';
import { damageSssd, giveCertificate } from './sssd.ts';
import { SERVICES } from './stacks.ts';

const LIBRARY = '/usr/lib/x86_64-linux-gnu';
const OPENSC = `${LIBRARY}/opensc-pkcs11.so`;
const PAM_PKCS11 = `${APP}/build/libpam-pkcs11/lib/x86_64-linux-gnu`;
const SECURITY = 'lib/x86_64-linux-gnu/security';

export const PROGRAMS = ['scauth', 'sssd', 'pam_p11', 'pam_pkcs11', 'pam_u2f'] as const;
export type ProgramName = (typeof PROGRAMS)[number];

export interface Program {
  readonly name: ProgramName;
  /** A module and its arguments, as in a PAM stack. */
  readonly module: string;
  /** false: it logs nobody in by a PIV card; only what it does without its device is looked at. */
  readonly takesCards: boolean;
  /** Makes it ready in a sandbox, before anybody is given a card. */
  readonly prepare: (sandbox: Sandbox) => Promise<void>;
  /** Gives the card that is in to the sandbox's user, as the program's own documents say. */
  readonly pair: (sandbox: Sandbox) => Promise<void>;
  /** Takes it away again. */
  readonly unpair: (sandbox: Sandbox) => Promise<void>;
  /** Overwrites what says who has which card, and starts what reads it anew; the second brings it back. */
  readonly damage: (sandbox: Sandbox) => Promise<void>;
  readonly mend: (sandbox: Sandbox) => Promise<void>;
  /** What somebody can do who runs programs as the person and knows no secret, so that the card that is in logs in. */
  readonly enrolAsPerson: (sandbox: Sandbox) => Promise<void>;
  /** Takes the card out or puts it in, and waits until the program may know. */
  readonly eject: (sandbox: Sandbox) => Promise<void>;
  readonly insert: (sandbox: Sandbox) => Promise<void>;
}

async function script(sandbox: Sandbox, text: string, as?: string): Promise<void> {
  const { code, stdout, stderr } = await sandbox.exec(['bash', '-euc', text, 'bash', sandbox.user], {
    ...(as !== undefined && { user: as }),
  });
  if (code !== 0) throw new Error(`${text}: ${stdout}${stderr}`);
}

/** pcscd sees a card go within 400 ms. */
const PCSCD_MS = 600;

/** What is no record of any program's. */
function damage(path: string): Pick<Program, 'damage' | 'mend'> {
  return {
    damage: (sandbox) =>
      script(
        sandbox,
        `file=${path}; cp -a $file /run/whole; seq 2000 | rev >/run/no-record; cp /run/no-record $file`,
      ),
    mend: (sandbox) => script(sandbox, `file=${path}; cp -a /run/whole $file`),
  };
}

/** For a program that looks when somebody logs in, and runs nothing of its own. */
const ASKED = {
  prepare: () => Promise.resolve(),
  enrolAsPerson: () => Promise.resolve(),
  eject: async ({ card }: Sandbox) => {
    await card.eject();
    await pause(PCSCD_MS);
  },
  insert: ({ card }: Sandbox) => card.insert(),
};

const ENROL = `eid=$(getent passwd $1 | cut -d: -f6)/.eid; mkdir -p $eid; chmod 700 $eid
pkcs11-tool --module ${OPENSC} --read-object --type cert --id 01 2>/dev/null |
  openssl x509 -inform der >$eid/authorized_certificates`;

/** pam_p11 and pam_pkcs11's mapper `opensc` keep what logs in in the person's own home. */
const EID = {
  ...ASKED,
  ...damage('$(getent passwd $1 | cut -d: -f6)/.eid/authorized_certificates'),
  pair: (sandbox: Sandbox) => script(sandbox, `${ENROL}\nchown -R $1:$1 $eid`),
  enrolAsPerson: (sandbox: Sandbox) => script(sandbox, ENROL, sandbox.user),
  unpair: (sandbox: Sandbox) => script(sandbox, 'rm -rf $(getent passwd $1 | cut -d: -f6)/.eid'),
};

/** By its manual's advice: proof of possession on, and the certificates that a person may have in a file. */
const PAM_PKCS11_CONF = `pam_pkcs11 {
  use_pkcs11_module = opensc;
  pkcs11_module opensc {
    module = ${OPENSC}; description = "OpenSC"; slot_num = 0; support_threads = false;
    ca_dir = /etc/pam_pkcs11; crl_dir = /etc/pam_pkcs11; cert_policy = signature; token_type = "Smart card";
  }
  use_mappers = opensc;
  mapper_search_path = ${PAM_PKCS11}/pam_pkcs11;
  mapper opensc { module = ${PAM_PKCS11}/pam_pkcs11/opensc_mapper.so; }
}
`;

/** scauth's. */
const TABLE = damage('/run/sandbox/state/scauth.db');

const ALL: Readonly<Record<ProgramName, Omit<Program, 'name'>>> = {
  scauth: {
    module: 'pam_scauth.so',
    takesCards: true,
    pair: (sandbox) =>
      script(
        sandbox,
        `hash=$(sc_auth identities --json | jq -r '.unpaired[0].hash // .paired[0].hash')
sc_auth pair -u $1 -h "$hash" >/dev/null || sc_auth list -u $1 | grep -q "$hash"`,
      ),
    unpair: (sandbox) => script(sandbox, 'sc_auth unpair -u $1 >/dev/null'),
    prepare: () => Promise.resolve(),
    enrolAsPerson: async (sandbox) => {
      const text = `hash=$(sc_auth identities --json | jq -r '.unpaired[0].hash')
printf 'a-guess\\n${sandbox.pin}\\n' | sc_auth pair -h "$hash" || true`;
      await script(sandbox, text, sandbox.user);
    },
    eject: pullCard,
    insert: insertCard,
    damage: async (sandbox) => {
      await sandbox.stopAgent();
      await TABLE.damage(sandbox);
      // One that does not start with it lets nobody in either.
      await sandbox.startAgent().catch(() => undefined);
    },
    mend: async (sandbox) => {
      await sandbox.stopAgent();
      await TABLE.mend(sandbox);
      await sandbox.restartAgent();
    },
  },
  sssd: {
    module: 'pam_sss.so',
    takesCards: true,
    ...ASKED,
    prepare: (sandbox) => prepareSssd(sandbox),
    pair: async (sandbox) => {
      await script(
        sandbox,
        `mkdir -p /etc/sssd/pki
pkcs11-tool --module ${OPENSC} --read-object --type cert --id 01 2>/dev/null |
  openssl x509 -inform der >/etc/sssd/pki/sssd_auth_ca_db.pem`,
      );
      await giveCertificate(sandbox, SERVICES, 'Ada Lovelace');
    },
    unpair: (sandbox) => giveCertificate(sandbox, SERVICES, null),
    damage: damageSssd,
    mend: (sandbox) => giveCertificate(sandbox, SERVICES, 'Ada Lovelace'),
  },
  pam_p11: {
    module: `${APP}/build/libpam-p11/${SECURITY}/pam_p11.so ${OPENSC}`,
    takesCards: true,
    ...EID,
    prepare: (sandbox) =>
      script(sandbox, `echo ${APP}/build/libp11-3${LIBRARY} >/etc/ld.so.conf.d/suite.conf; ldconfig`),
  },
  pam_pkcs11: {
    module: `${PAM_PKCS11}/security/pam_pkcs11.so config_file=/etc/pam_pkcs11/pam_pkcs11.conf`,
    takesCards: true,
    ...EID,
    pair: async (sandbox) => {
      mkdirSync(sandbox.path('/etc/pam_pkcs11'), { recursive: true });
      writeFileSync(sandbox.path('/etc/pam_pkcs11/pam_pkcs11.conf'), PAM_PKCS11_CONF);
      await EID.pair(sandbox);
    },
  },
  pam_u2f: {
    module: `${APP}/build/libpam-u2f/${SECURITY}/pam_u2f.so authfile=/etc/u2f_mappings origin=pam://suite`,
    takesCards: false,
    pair: (sandbox) =>
      script(
        sandbox,
        // A key of the P-256 curve with a handle that no device has: there is none here.
        `key=$(openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout -outform der 2>/dev/null | tail -c 65 | base64 -w0)
printf '%s:%s,%s,es256,+presence\\n' $1 "$(head -c 64 /dev/urandom | base64 -w0)" "$key" >/etc/u2f_mappings`,
      ),
    unpair: (sandbox) => script(sandbox, 'rm -f /etc/u2f_mappings'),
    ...damage('/etc/u2f_mappings'),
    ...ASKED,
  },
};

export function programOf(name: ProgramName): Program {
  return { name, ...ALL[name] };
}
