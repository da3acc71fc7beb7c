// L4: a certificate says the victim's name, e-mail and UPN, is issued by somebody, and its key is not the paired one.
// Names open nothing: only the paired key does. A card with the paired certificate is in hostile-card.long.test.ts.
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PASSWORD_PROMPT } from '../../kit/person/person.ts';

const NAMES = ['--cn', 'Ada Lovelace', '--email', 'ada@example.org', '--upn', 'ada@example.org'];

test('L4: the victim’s names on an attacker’s certificate: silently the password', async (t) => {
  const forged = await Sandbox.start({
    card: 'p256:2',
    cardArgs: [...NAMES, '--issuer', 'Trust Me Authority', '--certificate-serial', '01'],
  });
  try {
    // ada's own card is elsewhere; it was paired by its certificate.
    const add = ['sc_auth', 'pair', '-u', 'ada', '--certificate', '-'];
    const { code, stderr } = await forged.exec(add, { input: await certificateOfAda() });
    t.is(code, 0, stderr);
    await forged.card.clearLog();
    const { code: ended, screen } = await person.sudo(forged, [PASSWORD_PROMPT, forged.password]);
    t.is(ended, 0, screen);
    t.regex(screen, /^\[sudo\] password for ada: /);
    t.is(await forged.card.verifyCount(), 0);
    await person.untilAudited(forged, 'other-card');
  } finally {
    await forged.stop();
  }
});

/** The certificate of the first test card, as that card holds it: the same names, another key. */
async function certificateOfAda(): Promise<string> {
  const own = await Sandbox.start({ agent: false, cardArgs: NAMES });
  try {
    return await own.card.getCertificate('9A');
  } finally {
    await own.stop();
  }
}
