// Certification authorities made by openssl: chains, revocation lists and the real OCSP responder on loopback.
// Specifications: openssl-ca(1), openssl-req(1), openssl-ocsp(1), x509v3_config(5).

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export const LEAF =
  'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth';
export const AUTHORITY = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign';

export interface IssueOptions {
  /** Lines of x509v3_config(5). */
  readonly extensions?: string;
  readonly subject?: string;
  /** `rsa:2048`, or the name of a curve. */
  readonly key?: string;
  readonly hash?: string;
  /** YYYYMMDDHHMMSSZ */
  readonly from?: string;
  readonly until?: string;
  /** Takes the key of this name instead of a new one. */
  readonly keyOf?: string;
}

function openssl(args: readonly string[], input = ''): void {
  execFileSync('openssl', args, { input, stdio: ['pipe', 'ignore', 'pipe'] });
}

/** A folder with the certificates and keys of one test file. */
export class Pki {
  readonly folder = mkdtempSync(join(tmpdir(), 'scauth-pki-'));
  readonly #processes: ChildProcess[] = [];

  /** Ends the responders and removes the folder. */
  async close(): Promise<void> {
    for (const one of this.#processes) {
      if (one.exitCode !== null || one.signalCode !== null) continue;
      const ended = once(one, 'exit');
      one.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true });
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  der(name: string): Buffer {
    const pem = readFileSync(this.file(`${name}.pem`), 'latin1');
    return Buffer.from(/-----BEGIN CERTIFICATE-----([^-]+)/.exec(pem)?.[1] ?? '', 'base64');
  }

  #config(name: string, extensions: string): string {
    const folder = this.file(`${name}.ca`);
    if (!existsSync(folder)) {
      mkdirSync(folder);
      writeFileSync(join(folder, 'index'), '');
      writeFileSync(join(folder, 'index.attr'), 'unique_subject = no\n');
      writeFileSync(join(folder, 'crlnumber'), '01\n');
    }
    const config = this.file(`${name}.cnf`);
    writeFileSync(
      config,
      `[ca]
default_ca=this
[this]
database=${folder}/index
new_certs_dir=${folder}
certificate=${this.file(`${name}.pem`)}
private_key=${this.file(`${name}.key`)}
rand_serial=yes
crlnumber=${folder}/crlnumber
default_md=sha256
default_days=365
default_crl_days=30
policy=any
copy_extensions=none
email_in_dn=yes
[any]
countryName=optional
organizationName=optional
organizationalUnitName=optional
commonName=optional
emailAddress=optional
UID=optional
[req]
distinguished_name=dn
string_mask=utf8only
utf8=yes
prompt=no
[dn]
CN=unused
[ext]
${extensions}
`,
    );
    return config;
  }

  #key(name: string, { key = 'P-256', keyOf }: IssueOptions): void {
    const file = this.file(`${name}.key`);
    if (keyOf !== undefined) {
      writeFileSync(file, readFileSync(this.file(`${keyOf}.key`)));
      return;
    }
    const [algorithm, bits] = key.split(':');
    const how =
      algorithm === 'rsa'
        ? ['RSA', '-pkeyopt', `rsa_keygen_bits:${String(bits)}`]
        : ['EC', '-pkeyopt', `ec_paramgen_curve:${key}`];
    openssl(['genpkey', '-algorithm', ...how, '-out', file]);
  }

  /** A self-signed authority. @returns its name */
  root(name: string, options: IssueOptions = {}): string {
    this.#key(name, options);
    const { extensions = AUTHORITY, subject = `/O=Test/CN=${name}`, hash = 'sha256' } = options;
    // prettier-ignore
    openssl(['req', '-x509', '-new', '-key', this.file(`${name}.key`), '-out', this.file(`${name}.pem`), '-subj', subject,
      `-${hash}`, '-days', '3650', '-config', this.#config(name, extensions), '-extensions', 'ext']);
    return name;
  }

  /** A certificate of `issuer`. @returns its name */
  issue(name: string, issuer: string, options: IssueOptions = {}): string {
    this.#key(name, options);
    const { extensions = LEAF, subject = `/O=Test/CN=${name}`, hash = 'sha256' } = options;
    const request = this.file(`${name}.csr`);
    // prettier-ignore
    openssl(['req', '-new', '-key', this.file(`${name}.key`), '-out', request, '-subj', subject, '-config', this.#config(name, '')]);
    const { from, until } = options;
    // prettier-ignore
    openssl(['ca', '-batch', '-notext', '-config', this.#config(issuer, extensions), '-extensions', 'ext', '-in', request,
      '-out', this.file(`${name}.pem`), '-md', hash, '-preserveDN',
      ...(from === undefined ? [] : ['-startdate', from]), ...(until === undefined ? [] : ['-enddate', until])]);
    return name;
  }

  revoke(name: string, issuer: string): void {
    openssl(['ca', '-config', this.#config(issuer, ''), '-revoke', this.file(`${name}.pem`)]);
  }

  /** @returns the path of a fresh list */
  crl(issuer: string, more: readonly string[] = [], extensions = ''): string {
    const file = this.file(`${issuer}.crl`);
    const config = this.#config(issuer, extensions);
    const extended = extensions === '' ? [] : ['-crlexts', 'ext'];
    openssl(['ca', '-config', config, '-gencrl', '-out', file, ...extended, ...more]);
    return file;
  }

  /** `openssl ocsp` for the certificates of `issuer`. @param signer who signs the answers */
  async responder(issuer: string, signer: string, port: number, more: readonly string[] = []): Promise<void> {
    this.#config(issuer, '');
    // prettier-ignore
    const child = spawn('openssl', ['ocsp', '-index', join(this.file(`${issuer}.ca`), 'index'), '-port', String(port), '-rsigner',
      this.file(`${signer}.pem`), '-rkey', this.file(`${signer}.key`), '-CA', this.file(`${issuer}.pem`), ...more],
      { stdio: 'ignore' });
    this.#processes.push(child);
    await untilListening(port);
  }
}

/** A port of loopback that is free now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        resolve(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  });
}

/** Looks without connecting: the responder serves one at a time, and a caller that says nothing would hold it up. */
async function untilListening(port: number): Promise<void> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (let tries = 0; tries < 400; tries++) {
    const sockets = ['tcp', 'tcp6'].map((protocol) => readFileSync(`/proc/net/${protocol}`, 'latin1'));
    if (sockets.some((text) => text.split('\n').some((line) => line.includes(local) && / 0A /.test(line))))
      return;
    await pause(10);
  }
  throw new Error(`nothing listens on port ${port}`);
}
