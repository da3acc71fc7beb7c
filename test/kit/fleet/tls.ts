// An authority of the tests, and certificates for servers and machines, by openssl.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'ignore' });
}

export class Authority {
  readonly folder = mkdtempSync(join(tmpdir(), 'scauth-ca-'));
  readonly certificate = join(this.folder, 'ca.crt');
  readonly #key = join(this.folder, 'ca.key');

  constructor(name = 'Tests') {
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl(
      ...[
        'req',
        '-x509',
        ...curve,
        '-days',
        '2',
        '-subj',
        `/CN=${name}`,
        '-keyout',
        this.#key,
        '-out',
        this.certificate,
      ],
    );
  }

  /** @param names for the subject alternative names, e.g. `IP:127.0.0.1`; none for a client */
  issue(cn: string, names: readonly string[] = []): { readonly cert: string; readonly key: string } {
    const [key, request, cert] = ['key', 'csr', 'crt'].map((end) => join(this.folder, `${cn}.${end}`));
    if (key === undefined || request === undefined || cert === undefined) throw new Error('never');
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    openssl('req', '-new', ...curve, '-subj', `/CN=${cn}`, '-keyout', key, '-out', request);
    const extensions = join(this.folder, `${cn}.ext`);
    writeFileSync(
      extensions,
      names.length === 0 ? 'basicConstraints=CA:FALSE\n' : `subjectAltName=${names.join(',')}\n`,
    );
    openssl(
      ...['x509', '-req', '-days', '2', '-in', request, '-CA', this.certificate, '-CAkey', this.#key],
      ...['-CAcreateserial', '-extfile', extensions, '-out', cert],
    );
    return { cert, key };
  }
}
