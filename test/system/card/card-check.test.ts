// The card's own key (9E) on the real pcscd: proved at insertion, kept with the pairing, asked for before the PIN. A copy
// of the certificates on another card gets no PIN; the login sends no APDU more than without the check.
import test, { type ExecutionContext } from 'ava';
import { generateKeyPairSync } from 'node:crypto';
import { makeCertificate, toPem } from '../../kit/card/certificate.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT, ROOT } from '../../kit/person/person.ts';

let sandbox: Sandbox;

test.before(async () => {
  sandbox = await Sandbox.start({ card: 'p256', config: '' });
  await person.pairCard(sandbox);
});
test.after.always(() => sandbox.stop());

async function explained(): Promise<{ broken: string | null; detail: string }> {
  const { stdout } = await sandbox.exec(['sc_auth', 'explain', '--json'], { user: sandbox.user });
  const { broken, links } = JSON.parse(stdout) as { broken: string | null; links: { detail: string }[] };
  return { broken, detail: links.at(-1)?.detail ?? '' };
}

test.serial('the card that was paired: two APDUs before the PIN, four after it', async (t) => {
  await person.expectCardLogin(sandbox);
  await sandbox.card.clearLog();
  await person.untilReleased(sandbox, () => person.expectCardLogin(sandbox));
  const names = await person.apduNames(sandbox);
  t.true(names.length <= 6, names.join(' '));
  t.is(names.filter((name) => name === 'GENERAL AUTHENTICATE').length, 1, 'no 9E at a login');
});

for (const isolate of [false, true]) {
  const where = isolate ? ', the driver in a process of its own' : '';
  test.serial(
    `a copy of the certificates, and another card with its own key: no PIN, suspect${where}`,
    async (t) => {
      const from = sandbox.auditLog().length;
      if (isolate) {
        await sandbox.stopAgent();
        await sandbox.exec(['sh', '-c', 'printf "[piv]\\nisolate = true\\n" > /etc/scauth/scauth.toml']);
        await sandbox.startAgent();
        await sandbox.untilCardRead();
        await person.expectCardLogin(sandbox);
      }
      const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const pem = await sandbox.card.getCertificate('9E');
      // The certificate of the paired card, without its key.
      await sandbox.card.setKey('9E', privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
      await person.reinsertCard(sandbox);
      await refused(t);
      t.regex(sandbox.auditLog().slice(from), /card-authentication/, 'told when it is put in');
      t.deepEqual(await explained(), { broken: 'pairing', detail: (await explained()).detail });
      t.regex((await explained()).detail, /may be a copy/);
      // A card of its own, with the paired login key: it proves its 9E, and that is another.
      await sandbox.card.setCertificate(
        '9E',
        toPem(makeCertificate(privateKey, { cn: 'Ada Lovelace (Card)' })),
      );
      await person.reinsertCard(sandbox);
      await refused(t);
      await sandbox.card.setKey('9E', 'p256');
      await sandbox.card.setCertificate('9E', pem);
      await person.reinsertCard(sandbox);
      await person.expectCardLogin(sandbox);
      t.is((await explained()).broken, null);
    },
  );
}

async function refused(t: ExecutionContext): Promise<void> {
  await sandbox.card.clearLog();
  const { code, screen } = await person.sudo(sandbox, [PASSWORD_PROMPT, sandbox.password]);
  t.true(code === 0 && ROOT.test(screen), screen);
  t.true(/No PIN was sent\. Use your password/.test(screen), screen);
  t.true((await sandbox.card.verifyCount()) === 0, 'no try is spent');
  await person.untilAudited(sandbox, 'card-suspect');
}
