// K8: a module may answer any CKR_… to any call. Each has a cause and a sentence with the next step, and a wrong PIN is
// one whatever the module calls it.
import pkcs11js from 'pkcs11js';
import test from 'ava';
import { AgentError, type AgentErrorCode } from '../../../agent/base/errors.ts';
import { decisionOfError } from '../../../agent/stories/card/outcome-of-error.ts';
import { unavailableText } from '../../../agent/words/login.ts';
import { failureText } from '../../../agent/words/failures.ts';
import { failureOfCode } from '../../../agent/token/pkcs11/failure.ts';
import { pinFailure } from '../../../agent/token/pkcs11/pin-outcome.ts';
import { buildShim, PIN, ShimmedDriver, type Answer } from './shim.ts';

/** All that the binding knows, and what came with 3.0 and 3.1. */
const LATER = [0x1b, 0x42, 0x140, 0x201, 0x202, 0x203, 0x204, 0x205];
const NAMED = Object.entries(pkcs11js as unknown as Record<string, unknown>).filter(
  (entry): entry is [string, number] =>
    entry[0].startsWith('CKR_') && !/CKR_(OK|VENDOR_DEFINED)$/.test(entry[0]) && typeof entry[1] === 'number',
);
const CODES = [...new Set([...NAMED.map(([, code]) => code), ...LATER])];
const NEW_CODES = [0x7fff, 0x80000000, 0xffffffff];
const WRONG = '999999';

/** Of nothing that the person did: no word about what happened would be one. */
const NO_ANSWER = /makes no sense|undefined|null/;

let driver: ShimmedDriver;
let call: { readonly token: unknown; readonly place: unknown; readonly pin: string; readonly key: string };

test.before(async () => {
  driver = new ShimmedDriver(buildShim());
  const { result } = await driver.ask('look');
  const [token] = (result?.['tokens'] ?? []) as { serial: string; place: string }[];
  call = { token: token?.serial, place: token?.place, pin: '0', key: '01' };
});
test.beforeEach(async () => {
  driver.misbehave();
  driver.wrong = 0;
  await sign(); // SoftHSM has a flag of its own for a wrong PIN
});
test.after.always(() => driver.stop());

const sign = (pin = PIN): Promise<Answer> =>
  driver.ask('sign', { ...call, message: Buffer.from('message').toString('base64') }, pin);

test.serial('K8: each code of PKCS#11 has a name, a cause and a sentence with the next step', (t) => {
  t.true(CODES.length > 90, String(CODES.length));
  for (const code of [...CODES, ...NEW_CODES]) {
    const failure = failureOfCode(code, 'C_Login');
    const hex = `0x${code.toString(16)}`;
    t.true(failure.detail.includes(hex), failure.detail);
    t.is(/CKR_[A-Z_]+ \(/.test(failure.detail), CODES.includes(code), failure.detail);
    const text = failureText(failure);
    t.regex(text, /^[A-Z].*[.)]$/s, hex);
    t.notRegex(text, NO_ANSWER, hex);
    const decision = decisionOfError(failure);
    t.not(decision.kind, 'granted' as never);
    // What says nothing at a login is what the person did, or what leaves no doubt.
    if (decision.kind === 'unavailable')
      t.truthy(unavailableText(decision.reason), `${hex} ${decision.reason}`);
  }
});

for (const [name, code] of [
  ['CKR_PIN_EXPIRED', 'pin-expired'],
  ['CKR_USER_PIN_NOT_INITIALIZED', 'pin-not-set'],
  ['CKR_USER_ALREADY_LOGGED_IN', 'card-busy'],
  ['CKR_USER_ANOTHER_ALREADY_LOGGED_IN', 'card-busy'],
  ['CKR_USER_TOO_MANY_TYPES', 'card-busy'],
  ['CKR_PIN_LEN_RANGE', 'pin-malformed'],
  ['CKR_PIN_INVALID', 'pin-malformed'],
  ['CKR_PIN_LOCKED', 'pin-blocked'],
  ['CKR_TOKEN_NOT_PRESENT', 'no-card'],
  ['CKR_DEVICE_REMOVED', 'no-card'],
  ['CKR_DEVICE_ERROR', 'card-fault'],
  ['CKR_GENERAL_ERROR', 'module-fault'],
] as const satisfies readonly (readonly [string, AgentErrorCode])[]) {
  test.serial(`K8: C_Login answers ${name}: ${code}`, async (t) => {
    const number = Number(NAMED.find(([known]) => known === name)?.[1]);
    driver.misbehave(`C_Login ${number.toString(16)}`);
    const { error } = await sign();
    t.is(error?.code, code, JSON.stringify(error));
    t.true(error?.message.includes(name), error?.message);
    driver.misbehave();
    t.truthy((await sign()).result, 'and the next login works');
  });
}

test.serial(
  'K8: a module that answers each code at each call: a failure that has a name, never a signature',
  async (t) => {
    const seen = new Set<string>();
    for (const what of [
      'C_Login',
      'C_OpenSession',
      'C_FindObjectsInit',
      'C_SignInit',
      'C_Sign',
      'C_GetTokenInfo',
    ])
      for (const code of [...CODES, ...NEW_CODES]) {
        driver.misbehave(`${what} ${code.toString(16)}`);
        const { error, result } = await sign();
        t.is(result, undefined, `${what} ${code.toString(16)}`);
        t.not(error?.code, 'ended', driver.said);
        seen.add(error?.code ?? '');
      }
    for (const what of [
      'C_GetSlotList',
      'C_GetSlotInfo',
      'C_GetMechanismList',
      'C_FindObjects',
      'C_GetAttributeValue',
    ])
      for (const code of [0x05, 0x30, 0x32, 0xb3, 0x101, 0x150, 0x190, 0x80000000]) {
        driver.misbehave(`${what} ${code.toString(16)}`);
        const { error } = await sign();
        if (error !== undefined) t.not(error.code, 'ended', `${what}: ${driver.said}`);
      }
    driver.misbehave();
    t.truthy((await sign()).result);
    t.true(seen.has('pin-expired') && seen.has('module-fault') && seen.has('card-busy'), [...seen].join(' '));
  },
);

for (const code of ['101', '5', '30', '6', '100', 'a2', '80000001'])
  test.serial(
    `K8: a wrong PIN that the module calls 0x${code} is one, where the flags say that a try has gone`,
    async (t) => {
      driver.misbehave(`wrong ${code}`, 'tries 3', 'flags always');
      t.like((await sign(WRONG)).error, { code: 'wrong-pin', triesLeft: null });
      t.like((await sign(WRONG)).error, { code: 'wrong-pin', triesLeft: 1 });
      // Not known to whoever asks yet, so it is told before the PIN goes.
      const before = driver.logins;
      t.like((await sign(WRONG)).error, { code: 'pin-reserve', triesLeft: 1 });
      t.is(driver.logins, before);
      t.like((await sign(WRONG)).error, { code: 'pin-blocked', triesLeft: 0 });
    },
  );

test.serial(
  'K8: OpenSC calls a wrong PIN of an OpenPGP card 0x101, and no flag says so: it is a wrong PIN',
  async (t) => {
    driver.misbehave('wrong 101');
    t.like((await sign(WRONG)).error, { code: 'wrong-pin', triesLeft: null });
    t.like((await driver.ask('verifyPin', call, WRONG)).error, { code: 'wrong-pin' });
    t.like((await driver.ask('changePin', call, WRONG, '654321')).error, { code: 'wrong-pin' });
  },
);

test.serial('K8: a flag that was there before is no sign of a wrong PIN', (t) => {
  const low = 0x10000;
  t.is(pinFailure(0x05, 'C_Login', low, () => low).code, 'module-fault');
  t.is(pinFailure(0x05, 'C_Login', 0, () => low).code, 'wrong-pin');
  t.is(pinFailure(0x05, 'C_Login', low, () => null).code, 'module-fault');
  t.true(pinFailure(0xa3, 'C_Login', low, () => low | 0x40000) instanceof AgentError);
});

test.serial(
  'S4: a key that wants its PIN each time gets no PIN a second time after it failed there',
  async (t) => {
    driver.misbehave('C_Sign 70');
    const before = driver.logins;
    t.is((await sign()).error?.code, 'not-supported');
    t.is(driver.logins, before + 1);
  },
);
