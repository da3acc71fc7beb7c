// Fifty whole machines at one directory, with the poll as it is shipped: pcscd, a card, scauthd, sudo and a scauth-fleet each.
// The card is known to all of them by the book alone, and once it is revoked there, no machine asks for its PIN 65 seconds
// later. SOAK_MACHINES says another number.

import { X509Certificate } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import test from 'ava';
import { bookLdif } from '../../agent/model/book/book-ldif.ts';
import { publicKeyOf, type PublicKey } from '../../agent/model/key/key.ts';
import { headLine, officerLine, REALM, recordLine } from '../kit/book/make-book.ts';
import { FleetProgram } from '../kit/fleet/program.ts';
import { baseLdif, BOOK_DN, personLdif, Slapd, SUFFIX } from '../kit/fleet/slapd.ts';
import { sudoByEither } from '../kit/person/person.ts';
import { DEFAULTS, Sandbox } from '../kit/sandbox/sandbox.ts';
import { makeSigner } from '../unit/model/signer.ts';

const MACHINES = Number(process.env['SOAK_MACHINES'] ?? 50);
const WITHIN_S = 65;
const PATIENCE_MS = 10 * 60_000;
/** So many machines are started, or asked to log in, at a time. */
const AT_ONCE = 5;
const PLACE = { book: BOOK_DN, people: `ou=people,${SUFFIX}`, userAttribute: 'uid' };

const nowS = Math.floor(Date.now() / 1000);
const [olga, headKey] = [makeSigner('p256'), makeSigner('ed25519')];
const TIMES = { notBefore: nowS - 3600, notAfter: nowS + 86_400 };
const OFFICER = officerLine(olga.publicKey, [olga], TIMES);
const CONFIG = `[fleet]
realm = "${REALM}"
officers = ["${olga.publicKey.sha256}"]
head_keys = ["${headKey.publicKey.sha256}"]
`;

function book(epoch: number, key: PublicKey, ...revoked: string[]): string {
  const head = headLine(headKey, { epoch, issued: nowS - 60, until: nowS + 3600, revoked });
  return bookLdif([OFFICER, head, recordLine(DEFAULTS.user, key, olga, TIMES)], PLACE);
}

interface Machine {
  readonly sandbox: Sandbox;
  readonly program: FleetProgram;
}

async function keyIn(sandbox: Sandbox): Promise<PublicKey> {
  const { stdout, stderr } = await sandbox.exec(['sc_auth', 'export-smartcard', '--format', 'pem']);
  const [pem] = /-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/s.exec(stdout) ?? [];
  if (pem === undefined) throw new Error(`no certificate: ${stderr}`);
  return publicKeyOf(new X509Certificate(pem).publicKey);
}

async function startMachine(slapd: Slapd): Promise<Machine> {
  const sandbox = await Sandbox.start({ config: CONFIG });
  const program = FleetProgram.beside(sandbox);
  program.settings({ url: [slapd.url], base: SUFFIX, ca: program.trust(slapd.authority) });
  program.start();
  return { sandbox, program };
}

const bySudo = ({ sandbox }: Machine): Promise<string> => sudoByEither(sandbox);

/** Some at a time, in order. */
async function each<T, R>(all: readonly T[], act: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < all.length; from += AT_ONCE)
    results.push(...(await Promise.all(all.slice(from, from + AT_ONCE).map(act))));
  return results;
}

async function untilAllSay(machines: readonly Machine[], news: RegExp): Promise<void> {
  const untilMs = performance.now() + PATIENCE_MS;
  const late = (): Machine[] => machines.filter(({ sandbox }) => !news.test(sandbox.agentLog()));
  for (let waiting = late(); waiting.length > 0; waiting = late()) {
    const [first] = waiting;
    if (performance.now() > untilMs)
      throw new Error(`${waiting.length} do not say ${news}\n${first?.program.said}${first?.sandbox.logs()}`);
    await pause(100);
  }
}

test(`a revocation reaches ${MACHINES} machines of one directory`, async (t) => {
  const slapd = new Slapd();
  slapd.load(baseLdif({ heads: [] }) + personLdif(DEFAULTS.user, '0'.repeat(40)));
  await slapd.start();
  t.teardown(() => slapd.remove());
  const machines: Machine[] = [];
  t.teardown(async () => {
    await Promise.all(machines.map(({ program }) => program.remove()));
    await Promise.all(machines.map(({ sandbox }) => sandbox.stop()));
  });
  await each(Array.from({ length: MACHINES }), async () => {
    machines.push(await startMachine(slapd));
  });
  const [first] = machines;
  if (first === undefined) return t.fail('no machine');
  const key = await keyIn(first.sandbox);
  slapd.modify(book(1, key));
  // ldapmodify writes entry by entry: who looks meanwhile has the head a poll before the record.
  await untilAllSay(machines, /fleet: head 1; 1 records are new/);
  t.deepEqual(await each(machines, bySudo), Array(MACHINES).fill('card'));

  slapd.modify(book(2, key, key.pkhh));
  const beganMs = performance.now();
  await untilAllSay(machines, /fleet: head 2;/);
  const seconds = (performance.now() - beganMs) / 1000;
  t.log(`the last of ${MACHINES} after ${seconds.toFixed(1)} s`);
  t.deepEqual(await each(machines, bySudo), Array(MACHINES).fill('password'));
  t.true(seconds <= WITHIN_S, `${seconds} s`);
});
