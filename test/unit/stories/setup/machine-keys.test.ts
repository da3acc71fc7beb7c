// Keys on the machine's own chip: what is refused before a PIN is asked for or a key is made. The chip itself is played in
// test/system/pkcs11/machine-keys.long.test.ts.

import test from 'ava';
import type { Pkhh } from '../../../../agent/model/key/key.ts';
import { createMachineKey, deleteMachineKeys } from '../../../../agent/stories/setup/machine-keys.ts';
import type { KeyStore } from '../../../../agent/token/interface.ts';
import * as say from '../../../../agent/words/machine-keys.ts';
import { defaultPolicy } from '../../../../policy/policy.ts';
import {
  accounts,
  alice,
  FakeAudit,
  FakePairings,
  FakePerson,
  FakeToken,
  noHelpDesk,
  noTrust,
  pairing,
  PIN,
  tokensOf,
  type Answer,
} from '../../../kit/story/fakes.ts';
import { policyWith } from '../../../kit/story/policy-with.ts';
import { attacker, victim } from '../../../kit/story/run-login.ts';

const peer = { pid: 7, uid: 0, gid: 0 };
const NEW_PIN = '48151623';
const ONE = 'org.scauth.fake:01';
/** All tokens of the fakes have it. */
const LABEL = 'Fake';

/** A chip's token; it keeps what it was told to delete. */
class Chip extends FakeToken {
  readonly deleted: Pkhh[] = [];
  readonly keys: KeyStore = {
    createKey: () => Promise.reject(new Error('no key is made here')),
    signDocument: () => Promise.reject(new Error('nothing is signed here')),
    putCertificate: () => Promise.reject(new Error('nothing is put here')),
    deleteKeys: (keys, { pin }) => {
      pin?.wipe();
      this.deleted.push(...keys.map(({ publicKey }) => publicKey.pkhh));
      return Promise.resolve();
    },
  };

  constructor(id = ONE) {
    super(victim, { id });
  }
}

function scene(tokens: readonly FakeToken[], answers: readonly Answer[] = [], policy = defaultPolicy) {
  const made: string[] = [];
  const pairings = new FakePairings();
  const person = new FakePerson(answers);
  const parts = {
    ...{
      policy: () => policy,
      pairings,
      trust: noTrust,
      helpDesk: noHelpDesk,
      audit: new FakeAudit(),
      accounts,
    },
    tokens: Object.assign(tokensOf(...tokens), {
      newToken: (label: string) => {
        made.push(label);
        return Promise.resolve();
      },
    }),
    clock: { nowMs: () => 5, monotonicMs: () => 0 },
    offerRider: () => null,
    checkPassword: () => Promise.resolve(),
  };
  return { asked: { peer, person, parts }, made, person, pairings };
}

const wish = {
  ...{ token: null, newToken: false, label: 'login', algorithm: 'p256' as const },
  subject: { commonName: 'Ada' },
};
const refused = (said: string) =>
  ({ code: 'invalid-argument', message: new RegExp(said.slice(0, 30)) }) as object;

test.serial('which token: the only one, or the one that is named', async (t) => {
  const two = [new Chip(), new Chip('org.scauth.fake:02')];
  await t.throwsAsync(createMachineKey(alice, wish, scene(two).asked), refused(say.SEVERAL_TOKENS));
  await t.throwsAsync(createMachineKey(alice, wish, scene([]).asked), refused(say.NO_TOKEN));
  const other = { ...wish, token: 'three' };
  await t.throwsAsync(createMachineKey(alice, other, scene(two).asked), refused(say.NO_SUCH_TOKEN));
});

test.serial('a new token has a label of its own', async (t) => {
  const { asked, made, person } = scene([new Chip()]);
  await t.throwsAsync(
    createMachineKey(alice, { ...wish, newToken: true, label: LABEL }, asked),
    refused(say.LABEL_TAKEN),
  );
  t.deepEqual([made, person.asked], [[], []]);
  const fresh = scene([new Chip()], [NEW_PIN, NEW_PIN]);
  // The chip says that it was made, and shows none.
  await t.throwsAsync(createMachineKey(alice, { ...wish, newToken: true }, fresh.asked), {
    code: 'card-fault',
  } as object);
  t.deepEqual(fresh.made, ['login']);
});

test.serial('a key that no pairing would take is not made', async (t) => {
  const strict = policyWith({ login: { minEcBits: 384 } });
  const { asked, person } = scene([new Chip()], [], strict);
  await t.throwsAsync(createMachineKey(alice, wish, asked), { code: 'weak-key' } as object);
  t.deepEqual(person.asked, []);
});

test.serial('keys are deleted by the PIN, and none that is paired', async (t) => {
  const chip = new Chip();
  const paired = scene([chip]);
  paired.pairings.rows.push(pairing(alice.name, victim.publicKey));
  const { pkhh } = victim.publicKey;
  for (const which of [pkhh, null])
    await t.throwsAsync(deleteMachineKeys(which, null, paired.asked), refused(say.stillPaired(pkhh)));
  await t.throwsAsync(
    deleteMachineKeys(attacker.publicKey.pkhh, null, paired.asked),
    refused(say.NO_SUCH_KEY),
  );
  t.deepEqual(chip.deleted, []);
  t.deepEqual(await deleteMachineKeys(null, LABEL, scene([chip], [PIN]).asked), [pkhh]);
  t.deepEqual(chip.deleted, [pkhh]);
  chip.identities.length = 0;
  const empty = scene([chip]);
  t.deepEqual(await deleteMachineKeys(null, LABEL, empty.asked), []);
  t.deepEqual(empty.person.asked, [], 'for nothing nobody types a PIN');
});
