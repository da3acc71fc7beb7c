// Revocation by lists on the machine, distribution points and the real `openssl ocsp`: good, revoked, and each way in
// which a source must count as silent. A source that is silent never makes a certificate good.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import test from 'ava';
import { systemClock } from '../../../agent/base/clock.ts';
import { ChainTrust } from '../../../agent/trust/certificate-trust.ts';
import type { TrustFindings, TrustSources } from '../../../agent/model/key/trust.ts';
import { AUTHORITY, freePort, LEAF, Pki } from './authority.ts';

const pki = new Pki();
const servers: Server[] = [];
let ocspPort = 0;
let webPort = 0;
let countedPort = 0;
/** What the web server answers; null: nothing, for ever. */
let web: (() => Buffer | null) | null = null;
let webAsked = 0;

test.before(async () => {
  [ocspPort, webPort, countedPort] = [await freePort(), await freePort(), await freePort()];
  const ids = 'subjectKeyIdentifier=hash';
  pki.root('root', { extensions: `${AUTHORITY}\n${ids}` });
  pki.issue('middle', 'root', { extensions: `${AUTHORITY}\n${ids}` });
  pki.issue('responder', 'middle', {
    extensions:
      'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=OCSPSigning\nnoCheck=ignored',
  });
  const aia = `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${ocspPort}/`;
  pki.issue('good', 'middle', { extensions: `${LEAF}\n${aia}` });
  pki.issue('revoked', 'middle', { extensions: `${LEAF}\n${aia}` });
  pki.issue('plain', 'middle');
  pki.issue('plain-revoked', 'middle');
  const web1 = `http://127.0.0.1:${webPort}`;
  pki.issue('listed', 'middle', { extensions: `${LEAF}\ncrlDistributionPoints=URI:${web1}/middle.crl` });
  pki.issue('listed-revoked', 'middle', {
    extensions: `${LEAF}\ncrlDistributionPoints=URI:${web1}/middle.crl`,
  });
  pki.issue('odd', 'middle', { extensions: `${LEAF}\nauthorityInfoAccess=OCSP;URI:${web1}/ocsp` });
  // Before the responder: it reads its index once, when it starts.
  const counted = `authorityInfoAccess=OCSP;URI:http://127.0.0.1:${countedPort}/`;
  pki.issue('counted', 'middle', { extensions: `${LEAF}\n${counted}` });
  for (const name of ['revoked', 'plain-revoked', 'listed-revoked']) pki.revoke(name, 'middle');
  await pki.responder('middle', 'responder', ocspPort, ['-nmin', '60']);
  const server = createServer((_, response) => {
    webAsked += 1;
    const body = web?.() ?? null;
    if (body !== null) response.end(body);
  }).listen(webPort, '127.0.0.1');
  servers.push(server);
});
test.after.always(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await pki.close();
});

function sources(more: Partial<TrustSources> = {}): TrustSources {
  return {
    authorities: [pki.file('root.pem'), pki.file('middle.pem')],
    // The authority's own revocation is told by the root's list.
    crlFiles: [pki.crl('root')],
    crlDownload: true,
    ocsp: true,
    timeoutMs: 700,
    cacheMinutes: 10,
    ...more,
  };
}

async function look(
  name: string,
  more: Partial<TrustSources> = {},
  trust = new ChainTrust(systemClock),
): Promise<TrustFindings> {
  const found = await trust.findings(pki.der(name), sources(more), true);
  if (found.chainFault !== null) throw new Error(found.chainFault);
  return found;
}

test.serial('nobody says anything: unknown, with why', async (t) => {
  const found = await look('plain');
  t.is(found.revocation, 'unknown');
  t.regex(found.revocationDetail ?? '', /nobody is named/);
});

test.serial('OCSP: good and revoked, and the answer is kept', async (t) => {
  const trust = new ChainTrust(systemClock);
  t.is((await look('good', {}, trust)).revocation, 'good');
  const revoked = await look('revoked', {}, trust);
  t.is(revoked.revocation, 'revoked');
  t.regex(revoked.revocationDetail ?? '', /it is revoked/);
  const off = { ocsp: false };
  t.is((await look('good', off)).revocation, 'unknown');
});

test.serial('OCSP asked once: a second look costs no round trip', async (t) => {
  const trust = new ChainTrust(systemClock);
  let asked = 0;
  // A relay in front of the real responder counts.
  const counting = createServer((request, response) => {
    asked += 1;
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      void fetch(`http://127.0.0.1:${ocspPort}/`, {
        method: 'POST',
        headers: { 'content-type': 'application/ocsp-request' },
        body: Buffer.concat(parts),
      }).then(async (answer) => response.end(Buffer.from(await answer.arrayBuffer())));
    });
  });
  servers.push(counting.listen(countedPort, '127.0.0.1'));
  t.is((await look('counted', {}, trust)).revocation, 'good');
  const both = await Promise.all([look('counted', {}, trust), look('counted', {}, trust)]);
  t.deepEqual(
    both.map(({ revocation }) => revocation),
    ['good', 'good'],
  );
  t.is(asked, 1);
});

test.serial(
  'an answer is asked anew in the last quarter of its life, and nobody waits for that',
  async (t) => {
    let aheadMs = 0;
    const trust = new ChainTrust({ ...systemClock, nowMs: () => Date.now() + aheadMs });
    const until = async (count: number): Promise<void> => {
      while (webAsked < count) await new Promise(setImmediate);
    };
    web = () => readFileSync(pki.crl('middle'));
    webAsked = 0;
    t.is((await look('listed', {}, trust)).revocation, 'good');
    t.is(webAsked, 1);
    aheadMs = 5 * 60_000;
    t.is((await look('listed', {}, trust)).revocation, 'good');
    t.is(webAsked, 1, 'in the middle of its life it is used');
    aheadMs = 8 * 60_000;
    web = () => null;
    t.is((await look('listed', {}, trust)).revocation, 'good', 'while the source is silent');
    await until(2);
    t.is((await look('listed', {}, trust)).revocation, 'good');
    pki.issue('listed-later', 'middle');
    aheadMs = 11 * 60_000;
    t.is((await look('listed', {}, trust)).revocation, 'unknown', 'at its end it is over');
  },
);

test.serial('a list on the machine: good, revoked, and read again when it changes', async (t) => {
  const trust = new ChainTrust(systemClock);
  const files = { crlFiles: [pki.crl('root'), pki.crl('middle')] };
  t.is((await look('plain', files, trust)).revocation, 'good');
  t.is((await look('plain-revoked', files, trust)).revocation, 'revoked');
  pki.issue('later', 'middle');
  t.is((await look('later', files, trust)).revocation, 'good');
  pki.revoke('later', 'middle');
  pki.crl('middle');
  t.is((await look('later', files, trust)).revocation, 'revoked');
});

test.serial('a revoked authority makes the certificate revoked', async (t) => {
  pki.issue('bad-middle', 'root', { extensions: AUTHORITY });
  pki.issue('below-bad', 'bad-middle');
  pki.revoke('bad-middle', 'root');
  const more = {
    authorities: [pki.file('root.pem'), pki.file('bad-middle.pem')],
    crlFiles: [pki.crl('root'), pki.crl('bad-middle')],
  };
  t.is((await look('below-bad', more)).revocation, 'revoked');
});

test.serial(
  'lists that count as none: expired, unsigned, of another authority, too long, for a part, garbage',
  async (t) => {
    const root = pki.crl('root');
    const lists: [string, () => string, RegExp][] = [
      [
        'expired',
        () => pki.crl('middle', ['-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', '20200201000000Z']),
        /it has expired/,
      ],
      [
        'from the future',
        () => pki.crl('middle', ['-crl_lastupdate', '20800101000000Z', '-crl_nextupdate', '20810201000000Z']),
        /from the future/,
      ],
      [
        'unsigned',
        () => {
          const file = pki.file('unsigned.crl');
          const der = execFileSync('openssl', ['crl', '-in', pki.crl('middle'), '-outform', 'DER']);
          der[der.length - 5] = (der[der.length - 5] ?? 0) ^ 1;
          writeFileSync(file, der);
          return file;
        },
        /not signed by its authority/,
      ],
      [
        'of another with the same name',
        () => {
          pki.root('middle2', { subject: '/O=Test/CN=middle' });
          return pki.crl('middle2');
        },
        /not signed by its authority/,
      ],
      [
        'for a part',
        () =>
          pki.crl(
            'middle',
            [],
            'issuingDistributionPoint=critical,@idp\n[idp]\nonlysomereasons=keyCompromise',
          ),
        /part of the certificates/,
      ],
      [
        'with an unknown critical extension',
        () => pki.crl('middle', [], '1.2.3.4=critical,ASN1:NULL'),
        /unknown critical/,
      ],
      [
        '50 MB',
        () => {
          const file = pki.file('huge.crl');
          writeFileSync(file, Buffer.alloc(50 * 1024 * 1024));
          return file;
        },
        /longer than/,
      ],
      [
        'garbage',
        () => {
          const file = pki.file('garbage.crl');
          writeFileSync(file, 'garbage');
          return file;
        },
        /malformed/,
      ],
      ['absent', () => pki.file('absent.crl'), /ENOENT/],
    ];
    for (const [name, make, says] of lists) {
      const found = await look('plain', { crlFiles: [root, make()] });
      t.is(found.revocation, 'unknown', name);
      t.regex(found.revocationDetail ?? '', says, name);
      // Nor does it make a certificate revoked that a bad list names.
      t.is((await look('plain-revoked', { crlFiles: [root, make()] })).revocation, 'unknown', name);
    }
    const foreign = await look('plain', { crlFiles: [root, root] });
    t.is(foreign.revocation, 'unknown');
  },
);

test.serial('a list for authorities only says nothing about users', async (t) => {
  const list = pki.crl('middle', [], 'issuingDistributionPoint=critical,@idp\n[idp]\nonlyCA=TRUE');
  t.is((await look('plain', { crlFiles: [pki.crl('root'), list] })).revocation, 'unknown');
  const users = pki.crl('middle', [], 'issuingDistributionPoint=critical,@idp\n[idp]\nonlyuser=TRUE');
  t.is((await look('plain', { crlFiles: [pki.crl('root'), users] })).revocation, 'good');
});

test.serial('distribution points: good, revoked, kept, too long, silent, switched off', async (t) => {
  const trust = new ChainTrust(systemClock);
  const list = (): Buffer => readFileSync(pki.crl('middle'));
  web = list;
  webAsked = 0;
  t.is((await look('listed', {}, trust)).revocation, 'good');
  t.is((await look('listed-revoked', {}, trust)).revocation, 'revoked');
  t.is(webAsked, 1);
  t.is((await look('listed', { crlDownload: false })).revocation, 'unknown');
  web = () => Buffer.alloc(50 * 1024 * 1024);
  const long = await look('listed', { timeoutMs: 5000 });
  t.is(long.revocation, 'unknown');
  t.regex(long.revocationDetail ?? '', /longer than 8388608 bytes/);
  web = () => null;
  const silent = await look('listed');
  t.is(silent.revocation, 'unknown');
  t.regex(silent.revocationDetail ?? '', /no answer in \d+ ms/);
  web = () => readFileSync(pki.crl('root'));
  t.regex((await look('listed')).revocationDetail ?? '', /another authority/);
});

test.serial(
  'OCSP answers that prove nothing: garbage, refused, another certificate, old, by a stranger, replayed',
  async (t) => {
    const capture = (name: string, port: number): Buffer => {
      const request = pki.file(`${name}.req`);
      const answer = pki.file(`${name}.resp`);
      // prettier-ignore
      execFileSync('openssl', ['ocsp', '-issuer', pki.file('middle.pem'), '-cert', pki.file(`${name}.pem`), '-no_nonce', '-reqout', request,
      '-respout', answer, '-noverify', '-url', `http://127.0.0.1:${port}/`], { stdio: 'ignore' });
      return readFileSync(answer);
    };
    const expect = async (body: Buffer | null, says: RegExp, name = 'odd'): Promise<void> => {
      web = () => body;
      const found = await look(name);
      t.is(found.revocation, 'unknown', String(says));
      t.regex(found.revocationDetail ?? '', says);
    };
    const right = capture('odd', ocspPort);
    web = () => right;
    t.is((await look('odd')).revocation, 'good');
    await expect(Buffer.from('garbage'), /malformed/);
    await expect(Buffer.alloc(0), /malformed/);
    await expect(Buffer.from('30030a0106', 'hex'), /refused/);
    await expect(capture('good', ocspPort), /another certificate/);
    await expect(Buffer.alloc(100_000, 0x30), /longer than 65536/);
    await expect(null, /no answer in/);
    for (let at = 0; at < right.length; at += 97) {
      const flipped = Buffer.from(right);
      flipped[at] = (flipped[at] ?? 0) ^ 0x01;
      web = () => flipped;
      // Some bits are in the names of the companion certificates: what is good must still be the signed answer.
      t.not((await look('odd')).revocation, 'revoked', `bit at ${at}`);
    }
    for (const [signer, options] of [
      ['stranger', { issuer: 'stranger-root' }],
      ['plain', {}],
    ] as const) {
      if ('issuer' in options) {
        pki.root('stranger-root');
        pki.issue('stranger', 'stranger-root', { extensions: 'extendedKeyUsage=OCSPSigning' });
      }
      const port = await freePort();
      await pki.responder('middle', signer, port, ['-nmin', '60']);
      await expect(capture('odd', port), /may not answer for the issuer|not signed by anybody known/);
    }
    // The same answer, looked at when it is out of date.
    web = () => right;
    const later = new ChainTrust({ ...systemClock, nowMs: () => Date.now() + 3 * 60 * 60_000 });
    const stale = await look('odd', {}, later);
    t.is(stale.revocation, 'unknown');
    t.regex(stale.revocationDetail ?? '', /out of date/);
    const earlier = new ChainTrust({ ...systemClock, nowMs: () => Date.now() - 60 * 60_000 });
    const early = await earlier.findings(pki.der('odd'), sources(), true);
    t.not(early.revocation, 'good');
  },
);

test.serial(
  'an OCSP responder that answers late, or half: nothing is known, and nobody waits longer',
  async (t) => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    pki.issue('late', 'middle', { extensions: `${LEAF}\nauthorityInfoAccess=OCSP;URI:${url}` });
    let half = false;
    const gone: Promise<void>[] = [];
    const late = createServer((request, response) => {
      if (half) {
        response.writeHead(200, { 'content-length': 1000 });
        response.write(Buffer.alloc(10, 0x30));
        return;
      }
      // The whole answer, once nobody listens any more.
      gone.push(
        new Promise((resolve) => {
          request.socket.once('close', () => {
            response.end(Buffer.from('30030a0100', 'hex'));
            resolve();
          });
        }),
      );
    });
    servers.push(late.listen(port, '127.0.0.1'));
    for (half of [false, true]) {
      const found = await look('late', { timeoutMs: 300 });
      t.is(found.revocation, 'unknown');
      t.regex(found.revocationDetail ?? '', /no answer in \d+ ms/);
    }
    t.is(gone.length, 1);
    await Promise.all(gone);
  },
);

test.serial('a root of the machine that did not issue the certificate cannot answer for it', async (t) => {
  pki.root('second-root');
  const port = await freePort();
  pki.issue('asked-there', 'middle', {
    extensions: `${LEAF}\nauthorityInfoAccess=OCSP;URI:http://127.0.0.1:${port}/`,
  });
  await pki.responder('middle', 'second-root', port, ['-nmin', '60']);
  const authorities = [pki.file('root.pem'), pki.file('middle.pem'), pki.file('second-root.pem')];
  t.is((await look('asked-there', { authorities })).revocation, 'unknown');
});
