// What surrounds a login and what follows it: in which order, that a step which fails takes nothing from the rest or from
// the decision, and that nothing follows a no.

import { mock } from 'node:test';
import test from 'ava';
import type { AuthRequest } from '../../../agent/model/request.ts';
import type { Released } from '../../../agent/stories/keyring/unseal-keyring.ts';
import type { LoginOutcome } from '../../../agent/stories/login/login-parts.ts';
import { serveLogin, type ServeParts } from '../../../agent/stories/serve-login.ts';
import type { Certificate } from '../../../agent/model/key/key.ts';
import { alice, FakePerson, FakeToken, PIN, tokensOf } from '../../kit/story/fakes.ts';
import { runLogin, victim } from '../../kit/story/run-login.ts';
import { outcomeOf, serveParts } from '../../kit/story/served.ts';

const request: AuthRequest = {
  ...{
    id: 'r1',
    phase: 'authenticate',
    service: 'login',
    user: alice.name,
    tty: null,
    rhost: null,
    ruser: null,
  },
  ...{ flags: 0, peer: { pid: 7, uid: 0, gid: 0 } },
};

/** Everything around the login, which notes what it was told; `broken` fails. */
function scene(steps: string[], login: ServeParts['login'], broken?: string): ServeParts {
  const step = (name: string) => (): void => {
    steps.push(name);
    if (name === broken) throw new Error(`${name} is broken`);
  };
  const certificate = { publicKey: victim.publicKey, notAfterMs: 0 } as Certificate;
  return serveParts({
    login: (...asked) => {
      steps.push('login');
      return login(...asked);
    },
    memory: { begin: step('begin'), letIn: step('let in') },
    enforcement: { noteCardLogin: step('card login') },
    pairings: { noteUse: step('use') },
    course: () => {
      steps.push('course');
      return { granted: step('session'), ended: step('ended') };
    },
    tokens: tokensOf(new FakeToken(victim, { certificate })),
    notices: {
      expiryTold: () => {
        step('expiry')();
        return null;
      },
      noteExpiryTold: () => undefined,
    },
    log: (line) => steps.push(line),
  });
}

async function granted() {
  const { decision } = await runLogin(null, { tokens: [new FakeToken(victim)], answers: [PIN] });
  if (decision.kind !== 'granted') throw new Error('alice did not get in');
  return decision;
}

const ORDER = ['begin', 'course', 'login', 'let in', 'card login', 'session', 'keyring', 'expiry', 'ended'];

/** With a keyring that notes when it is opened. */
function withKeyring(steps: string[], outcome: LoginOutcome): LoginOutcome {
  const open = (): Promise<Released> => {
    steps.push('keyring');
    return Promise.resolve({ secret: null, text: null, detail: null });
  };
  outcome.record.key = { pkhh: victim.publicKey.pkhh, tokenId: null, certificateSerial: null } as never;
  return { ...outcome, keyring: { open, wipe: () => steps.push('wiped') } as never };
}

test.serial(
  'a yes: the account phase learns of it first, the disk last, and the place is free at the end',
  async (t) => {
    const decision = await granted();
    const steps: string[] = [];
    const parts = scene(steps, () =>
      Promise.resolve({ ...withKeyring(steps, outcomeOf(decision, request)), severalPairings: true }),
    );
    const result = await serveLogin(request, new FakePerson([]), parts);
    t.is(result.decision, decision);
    t.deepEqual(steps, ORDER);
    await new Promise(setImmediate);
    t.deepEqual(steps, [...ORDER, 'use']);
  },
);

for (const broken of ['let in', 'card login', 'session', 'expiry'])
  test.serial(`a yes stays one where "${broken}" fails, and the other steps are taken`, async (t) => {
    const decision = await granted();
    const steps: string[] = [];
    const outcome = withKeyring(steps, outcomeOf(decision, request));
    const parts = scene(steps, () => Promise.resolve(outcome), broken);
    t.is((await serveLogin(request, new FakePerson([]), parts)).decision, decision);
    t.deepEqual(
      steps.filter((line) => !line.includes('is broken')),
      ORDER,
    );
  });

test.serial(
  'nothing follows a no, a login that fails or one without a place; the places are given back',
  async (t) => {
    const steps: string[] = [];
    const person = new FakePerson([]);
    const no = scene(steps, () =>
      Promise.resolve(outcomeOf({ kind: 'denied', reason: 'wrong-pin' }, request)),
    );
    const { decision } = await serveLogin(request, person, no);
    t.deepEqual(decision, { kind: 'denied', reason: 'wrong-pin' });
    t.deepEqual(steps.splice(0), ['begin', 'course', 'login', 'ended']);

    const fails = scene(steps, () => Promise.reject(new Error('no such thing')));
    await t.throwsAsync(serveLogin(request, person, fails));
    t.deepEqual(steps.splice(0), ['begin', 'course', 'login', 'ended']);
    t.not(fails.limit.take(alice.name, request.peer), null);

    const unwatched = {
      ...scene(steps, () => Promise.resolve(outcomeOf({ kind: 'cancelled' }, request))),
      course: () => {
        throw new Error('no session watch');
      },
    };
    for (let login = 0; login < 10; login++) await t.throwsAsync(serveLogin(request, person, unwatched));
    t.not(unwatched.limit.take(alice.name, request.peer), null);
    steps.length = 0;

    const full = scene(steps, () => Promise.resolve(outcomeOf({ kind: 'cancelled' }, request)));
    while (full.limit.take(alice.name, request.peer) !== null);
    t.is((await serveLogin(request, person, full)).decision.kind, 'unavailable');
    t.deepEqual(steps, ['begin', 'r1: too many logins at once']);
  },
);

test.serial(
  'C4: while a person types nothing their prompt keeps no place, and has one again when they do',
  async (t) => {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.teardown(() => {
      mock.timers.reset();
    });
    const decision = await granted();
    for (const full of [false, true]) {
      const steps: string[] = [];
      const outcome = withKeyring(steps, outcomeOf(decision, request));
      const parts = scene(steps, async (_, person) => {
        const typed = await person.ask('PIN: ', false);
        typed?.wipe();
        return outcome;
      });
      const placeLeft = (): boolean => {
        const leave = parts.limit.take(alice.name, request.peer);
        leave?.();
        return leave !== null;
      };
      for (let taken = 0; taken < 7; taken += 1) parts.limit.take(alice.name, request.peer);
      const person = new FakePerson([
        () => {
          t.false(placeLeft(), 'the eighth is this one');
          mock.timers.tick(119_999);
          t.false(placeLeft());
          mock.timers.tick(1);
          t.true(placeLeft());
          t.is(steps.at(-1), 'ended');
          if (full) parts.limit.take(alice.name, request.peer);
          return PIN;
        },
      ]);
      const served = serveLogin(request, person, parts);
      if (full) {
        t.regex((await t.throwsAsync(served)).message, /too many logins|internal/);
      } else {
        t.is((await served).decision, decision);
        t.is(steps.filter((step) => step === 'course').length, 2);
        t.true(placeLeft());
      }
    }
  },
);

test('C1: the card is named where a session begins and the desktop has loaded what shows it so', async (t) => {
  const decision = await granted();
  const both = ['opensc-pkcs11.so', 'other.so'];
  for (const [service, modules, loaded, name] of [
    ['gdm-smartcard', ['opensc-pkcs11.so'], ['opensc-pkcs11.so', 'p11-kit-trust.so'], 'Ada Lovelace'],
    ['sudo', ['opensc-pkcs11.so'], ['opensc-pkcs11.so'], undefined],
    ['gdm-smartcard', ['opensc-pkcs11.so'], ['p11-kit-trust.so'], undefined],
    ['gdm-smartcard', both, ['opensc-pkcs11.so'], undefined],
    ['gdm-smartcard', both, both, 'Ada Lovelace'],
  ] as const) {
    const asked = { ...request, service };
    const parts = serveParts({
      login: () =>
        Promise.resolve({ ...outcomeOf(decision, asked), tokenName: { name: 'Ada Lovelace', modules } }),
      p11KitModules: () => Promise.resolve(new Set<string>(loaded)),
    });
    t.is(
      (await serveLogin(asked, new FakePerson([]), parts)).tokenName,
      name,
      `${service}, ${loaded.join()}`,
    );
  }
});
