// K14: a card that no driver knows, or without a key for logins, until it has been personalised while it was in.
import test from 'ava';
import { setTimeout as pause } from 'node:timers/promises';
import * as person from '../../kit/person/person.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';

const PKCS11 = '[tokens]\ndisabled = ["org.scauth.piv"]\n';

for (const [driver, config] of [
  ['PIV', ''],
  ['PKCS#11', PKCS11],
] as const)
  test.serial(
    `K14: ${driver}: an unknown card is listed with its ATR, and paired when it has a key`,
    async (t) => {
      const sandbox = await Sandbox.start({ config, cardArgs: ['--out'] });
      try {
        await sandbox.card.misbehave({ kind: 'status', sw: '6A82', ins: 'a4', times: 'always' });
        await sandbox.card.insert();
        await person.untilAgentSays(sandbox, 'no driver knows the card');
        for (const command of [['list-smartcards'], ['identities']]) {
          const { code, stdout, stderr } = await sandbox.exec(['sc_auth', ...command]);
          t.deepEqual([code, stdout], [0, '']);
          t.regex(
            stderr,
            /^In Virtual PCD \S+ \S+ is a card that no driver knows \(ATR 3B[0-9A-F]+\)\. Ask /,
          );
          t.notRegex(stderr, /No card/);
        }
        const listed = await sandbox.exec(['sc_auth', 'list-smartcards', '--json']);
        t.like(JSON.parse(listed.stdout), { tokens: [], unread: [{ state: 'unknown' }] });
        const paired = await sandbox.exec(['sc_auth', 'pair'], { user: sandbox.user });
        t.is(paired.code, 4, paired.stderr);
        t.regex(paired.stderr, /no driver knows/);

        // As if it were personalised now: nobody touches it.
        await sandbox.card.clearFaults();
        for (let n = 0; n < 100; n++) {
          if ((await sandbox.exec(['sc_auth', 'identities'])).stdout !== '') break;
          await pause(200);
        }
        await person.pairCard(sandbox);
        await person.expectCardLogin(sandbox);
      } finally {
        await sandbox.stop();
      }
    },
  );
