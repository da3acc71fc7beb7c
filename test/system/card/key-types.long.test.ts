// Every kind of key: paired through the real flow, sudo opened, and the APDUs counted on the card's side.
// Bars: before the PIN 2; after it 4 for elliptic curves, 5 for RSA-2048 with extended length, 6 without.
import test from 'ava';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import * as person from '../../kit/person/person.ts';
import { PIN_PROMPT, ROOT } from '../../kit/person/person.ts';

interface Kind {
  readonly card: string;
  readonly extended?: boolean;
  /** Most APDUs from the PIN on; without a bar, null. */
  readonly afterPin: number | null;
}

const KINDS: readonly Kind[] = [
  { card: 'p256', afterPin: 4 },
  { card: 'p384', afterPin: 4 },
  { card: 'ed25519', afterPin: 4 },
  { card: 'rsa2048', afterPin: 6 },
  { card: 'rsa2048', extended: true, afterPin: 5 },
  { card: 'rsa3072', afterPin: null },
  { card: 'rsa4096', afterPin: null },
];

/** scauthd waits 10 s for an APDU: a verdict that waited for the de-verify would come after that. */
const BEFORE_THE_CARD_IS_GIVEN_UP_MS = 8000;

async function onSandbox(kind: Kind, act: (sandbox: Sandbox) => Promise<void>): Promise<void> {
  const cardArgs = kind.extended === true ? ['--extended'] : [];
  const sandbox = await Sandbox.start({ card: kind.card, cardArgs });
  try {
    await person.pairCard(sandbox);
    await act(sandbox);
  } finally {
    await sandbox.stop();
  }
}

for (const kind of KINDS) {
  const name = `${kind.card}${kind.extended === true ? ' with extended length' : ''}`;
  test.serial(`${name}: paired, and sudo opens with few APDUs`, async (t) => {
    await onSandbox(kind, async (sandbox) => {
      await sandbox.card.clearLog();
      // Asked for before it can come: on a busy machine the answer may be there first.
      const counted = sandbox.card.waitForAnswer({ ins: '20', p1: '00' });
      const pty = person.startSudo(sandbox);
      await pty.expect(PIN_PROMPT);
      await counted;
      t.deepEqual(await person.apduNames(sandbox), ['SELECT', 'COUNTER']);
      await sandbox.card.clearLog();
      const { code, screen } = await person.untilReleased(sandbox, () => {
        pty.send(`${sandbox.pin}\n`);
        return person.untilEnd(pty);
      });
      t.is(code, 0, screen);
      t.regex(screen, ROOT);
      const apdus = await person.apduNames(sandbox);
      // Without SELECT where the PIN came so soon that the look at the counter and the proof are one transaction.
      t.deepEqual(
        apdus.filter((apdu) => apdu !== 'SELECT' && !apdu.startsWith('G')),
        ['VERIFY', 'DE-VERIFY'],
      );
      t.is(apdus.at(-1), 'DE-VERIFY');
      if (kind.afterPin !== null) t.true(apdus.length <= kind.afterPin, apdus.join(', '));
      t.false(await sandbox.card.isVerified());
    });
  });
}

test.serial('the verdict does not wait for the de-verify', async (t) => {
  await onSandbox({ card: 'p256', afterPin: 4 }, async (sandbox) => {
    await sandbox.card.misbehave({ kind: 'hang', ins: '20', p1: 'FF' });
    const pty = person.startSudo(sandbox);
    await pty.expect(PIN_PROMPT);
    pty.send(`${sandbox.pin}\n`);
    await pty.expect(ROOT, BEFORE_THE_CARD_IS_GIVEN_UP_MS);
    t.is((await person.untilEnd(pty)).code, 0);
    t.true(await sandbox.card.isVerified(), 'the de-verify still hangs');
    const released = sandbox.card.waitForAnswer({ ins: '20', p1: 'FF' });
    await sandbox.card.clearFaults();
    t.is(await sandbox.card.release(), 1);
    await released;
    t.false(await sandbox.card.isVerified());
    await person.expectCardLogin(sandbox);
  });
});
