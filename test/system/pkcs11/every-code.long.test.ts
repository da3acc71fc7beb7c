// K8: a module may answer any CKR_… to any call. Each has a cause and a sentence with the next step, and a wrong PIN is
// one whatever the module calls it.
import test from 'ava';
import { AgentError, type AgentErrorCode } from '../../../agent/base/errors.ts';
import { decisionOfError } from '../../../agent/stories/card/outcome-of-error.ts';
import { unavailableText } from '../../../agent/words/login.ts';
import { failureText } from '../../../agent/words/failures.ts';
import { failureOfCode } from '../../../agent/token/pkcs11/failure.ts';
import { pinFailure } from '../../../agent/token/pkcs11/pin-outcome.ts';
import { PIN } from '../../kit/story/fakes.ts';
import { calledFunctions, CodeMatrix, STARTS_ANEW } from './code-matrix.ts';
import { CODES } from './codes.ts';
import { buildShim, ShimmedDriver, type Answer } from './shim.ts';

const FAILURES = [...CODES].filter(([name]) => name !== 'OK');
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
  t.is(FAILURES.length, 97);
  for (const [name, code] of [...FAILURES, ...NEW_CODES.map((code) => [null, code] as const)]) {
    const failure = failureOfCode(code, 'C_Login');
    const hex = `0x${code.toString(16)}`;
    t.true(failure.detail.includes(name === null ? `CKR ${hex}` : `CKR_${name} (${hex})`), failure.detail);
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
  ['PIN_EXPIRED', 'pin-expired'],
  ['USER_PIN_NOT_INITIALIZED', 'pin-not-set'],
  ['USER_ALREADY_LOGGED_IN', 'card-busy'],
  ['USER_ANOTHER_ALREADY_LOGGED_IN', 'card-busy'],
  ['USER_TOO_MANY_TYPES', 'card-busy'],
  ['PIN_LEN_RANGE', 'pin-malformed'],
  ['PIN_INVALID', 'pin-malformed'],
  ['PIN_LOCKED', 'pin-blocked'],
  ['TOKEN_NOT_PRESENT', 'no-card'],
  ['DEVICE_REMOVED', 'no-card'],
  ['DEVICE_ERROR', 'card-fault'],
  ['GENERAL_ERROR', 'module-fault'],
] as const satisfies readonly (readonly [string, AgentErrorCode])[]) {
  test.serial(`K8: C_Login answers CKR_${name}: ${code}`, async (t) => {
    driver.misbehave(`C_Login ${CODES.get(name)?.toString(16)}`);
    const { error } = await sign();
    t.is(error?.code, code, JSON.stringify(error));
    t.true(error?.message.includes(name), error?.message);
    driver.misbehave();
    t.truthy((await sign()).result, 'and the next login works');
  });
}

/** One code of a kind, by its number: all of them at all calls are in every-code.soak.ts. */
const SOME = ['OK', 'GENERAL_ERROR', 'DEVICE_REMOVED', 'PIN_LOCKED'] as const;
/** Which of them also come when the work was done. */
const AFTER: ReadonlySet<string> = new Set(['OK', 'GENERAL_ERROR']);

test.serial(
  'K8, S4: the module answers some codes at each call: no grant, no try spent, and the next login works',
  async (t) => {
    t.timeout(60 * 60_000);
    const matrix = await CodeMatrix.start();
    try {
      t.is(calledFunctions().length, 19);
      for (const what of calledFunctions())
        for (const name of STARTS_ANEW.has(what) ? [SOME[1]] : SOME)
          for (const after of AFTER.has(name) && !STARTS_ANEW.has(what) ? [false, true] : [false]) {
            const misbehaviour = { what, code: CODES.get(name) ?? 0, after };
            t.deepEqual(await matrix.play(misbehaviour, STARTS_ANEW.has(what)), []);
          }
      t.deepEqual(
        await matrix.play({ what: 'C_OpenSession', code: CODES.get('SESSION_COUNT') ?? 0, after: false }),
        [],
      );
    } finally {
      matrix.stop();
    }
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
