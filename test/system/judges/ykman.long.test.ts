// Judge: ykman. To it a card from the factory is a YubiKey with the defaults of its firmware: management key in 3DES or AES,
// PIN-protected by its own convention, policies of keys, retries, reset.
import test from 'ava';
import type { ExecutionContext } from 'ava';
import type { CardControl } from '../../kit/card/client.ts';
import { VirtualReader } from './reader.ts';

const DEFAULT_KEY = '010203040506070801020304050607080102030405060708';
const NEW_KEY = 'ffffffffffffffff0102030405060708aabbccddeeff0011';

/** What yubikit, ykman's own library, says of a key's policies; this release of ykman shows them nowhere. */
const POLICIES = `
from ykman.pcsc import list_devices
from yubikit.core.smartcard import SmartCardConnection
from yubikit.piv import PivSession, SLOT
key = PivSession(list_devices('Virtual PCD 00 00')[0].open_connection(SmartCardConnection)).get_slot_metadata(SLOT.AUTHENTICATION)
print(key.key_type.name, key.generated, key.pin_policy.name, key.touch_policy.name)
`;

interface Judge {
  readonly reader: VirtualReader;
  readonly card: CardControl;
  /** Runs `ykman piv`, and says what it said; it has to succeed. */
  readonly piv: (...args: readonly string[]) => Promise<string>;
  /** … and has to fail. */
  readonly pivFails: (...args: readonly string[]) => Promise<string>;
}

async function withCard(
  t: ExecutionContext,
  options: readonly string[],
  work: (judge: Judge) => Promise<void>,
): Promise<void> {
  const reader = await VirtualReader.start();
  t.teardown(() => reader.stop());
  // ykman speaks extended length to each firmware from 4 on.
  const card = await reader.insert(['--factory', '--extended', ...options]);
  const run = (args: readonly string[]) =>
    reader.run('ykman', '--reader', 'Virtual PCD 00 00', 'piv', ...args);
  await work({
    reader,
    card,
    piv: async (...args) => {
      const { code, output } = await run(args);
      t.is(code, 0, `${args.join(' ')}: ${output}`);
      return output;
    },
    pivFails: async (...args) => {
      const { code, output } = await run(args);
      t.not(code, 0, args.join(' '));
      return output;
    },
  });
}

for (const [firmware, algorithm] of [
  ['5.4.3', 'TDES'],
  ['5.7.1', 'AES192'],
] as const) {
  test.serial(`${firmware}: a card from the factory`, (t) =>
    withCard(t, ['--firmware', firmware], async ({ reader, card, piv, pivFails }) => {
      const info = await piv('info');
      t.regex(info, new RegExp(`PIV version: ${firmware}`, 'u'));
      t.regex(info, /Using default PIN/u);
      t.regex(info, /Using default Management key/u);
      t.regex(info, new RegExp(`Management key algorithm: ${algorithm}`, 'u'));
      t.regex(info, /CHUID:\s+No data available[\s\S]*CCC:\s+No data available/u);
      t.deepEqual((await card.state()).slots, ['F9']);

      const policies = ['--pin-policy', 'ALWAYS', '--touch-policy', 'CACHED'];
      await piv('keys', 'generate', '-m', DEFAULT_KEY, '-a', 'ECCP256', ...policies, '9a', '-');
      const { output } = await reader.run('python3', '-c', POLICIES);
      t.is(output.trim(), 'ECCP256 True ALWAYS CACHED');

      // A key of 3DES cannot be given to a card that has one of AES, without saying so.
      await piv('access', 'change-management-key', '-m', DEFAULT_KEY, '-n', NEW_KEY, '-a', algorithm);
      t.regex(await pivFails('keys', 'generate', '-m', DEFAULT_KEY, '9d', '-'), /management key/iu);
      await piv('keys', 'generate', '-m', NEW_KEY, '9d', '-');
      t.notRegex(await piv('info'), /Using default Management key/u);
    }),
  );
}

for (const algorithm of ['TDES', 'AES128', 'AES192', 'AES256']) {
  test.serial(`a management key of ${algorithm} that the PIN protects`, (t) =>
    withCard(t, ['--firmware', '5.7.1'], async ({ piv, pivFails }) => {
      const by = ['-a', algorithm, '--protect', '--generate', '-P', '123456'];
      await piv('access', 'change-management-key', '-m', DEFAULT_KEY, ...by, '-f');
      t.regex(await piv('info'), /Management key is stored on the YubiKey, protected by PIN/u);
      t.regex(await piv('info'), new RegExp(`Management key algorithm: ${algorithm}`, 'u'));
      await piv('keys', 'generate', '-P', '123456', '9a', '-');
      await pivFails('keys', 'generate', '-P', '000000', '9a', '-');
    }),
  );
}

test.serial('AES is not for firmware before 5.4', (t) =>
  withCard(t, ['--firmware', '5.2.7'], async ({ pivFails }) => {
    await pivFails('access', 'change-management-key', '-m', DEFAULT_KEY, '-a', 'AES256', '-g', '-f');
  }),
);

test.serial('retries put PIN and PUK back; a reset, everything', (t) =>
  withCard(t, ['--firmware', '5.7.1'], async ({ card, piv }) => {
    await piv('access', 'change-pin', '-P', '123456', '-n', '271828');
    await piv('access', 'change-puk', '-p', '12345678', '-n', '31415926');
    t.notRegex(await piv('info'), /Using default P/u);
    await piv('access', 'set-retries', '-m', DEFAULT_KEY, '-P', '271828', '-f', '5', '4');
    t.regex(await piv('info'), /Using default PIN[\s\S]*PIN tries remaining: 5\/5/u);
    await piv('keys', 'generate', '-m', DEFAULT_KEY, '9a', '-');
    await piv('reset', '-f');
    t.deepEqual((await card.state()).slots, ['F9']);
    t.regex(await piv('info'), /PIN tries remaining: 3\/3[\s\S]*AES192/u);
  }),
);

test.serial('PIN complexity: simple PINs and PUKs are refused', (t) =>
  withCard(t, ['--firmware', '5.7.1', '--pin-complexity'], async ({ piv, pivFails }) => {
    for (const simple of ['777777', '654321', '112233'])
      await pivFails('access', 'change-pin', '-P', '123456', '-n', simple);
    await pivFails('access', 'change-puk', '-p', '12345678', '-n', '11111111');
    await piv('access', 'change-pin', '-P', '123456', '-n', '271828');
  }),
);
