// Challenges of a help desk that are open: how long, for how many answers, and what wrong ones cost. The real table, a clock
// of our own.
import test, { type ExecutionContext } from 'ava';
import { createECDH, createHash, createPublicKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pin } from '../../../../agent/base/pin.ts';
import { answerTo } from '../../../../agent/model/secret/help-desk.ts';
import { cardInputOf, openSealed } from '../../../../agent/model/secret/sealed-secret.ts';
import { parseUsername } from '../../../../agent/model/request.ts';
import { SqliteDesk } from '../../../../agent/store/sqlite-desk.ts';
import { SqlitePairingTable } from '../../../../agent/store/sqlite-pairings.ts';
import { StateDatabase } from '../../../../agent/store/state-database.ts';
import { HelpDesk } from '../../../../agent/stories/card/help-desk.ts';
import { FakePerson } from '../../../kit/story/fakes.ts';
import { parsePublicKey } from '../../../../agent/model/key/key.ts';
import { testKey } from '../../../kit/card/algorithms.ts';

const PUK = '40717253';
const MINUTE = 60_000;
const user = parseUsername('ada');

const officerKey = testKey('p256', 5);
const officer = parsePublicKey(createPublicKey(officerKey).export({ type: 'spki', format: 'der' }));
const card = parsePublicKey(createPublicKey(testKey('p256', 6)).export({ type: 'spki', format: 'der' })).pkhh;

/** A machine whose card is known at a desk, and the seed as the officer's card opens it. */
async function enrolled(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'desk-'));
  const database = new StateDatabase(join(folder, 'scauth.db'));
  t.teardown(() => {
    database.close();
    rmSync(folder, { recursive: true });
  });
  const pairings = new SqlitePairingTable(database);
  const table = new SqliteDesk(database);
  const clock = { ms: 0 };
  const desk = new HelpDesk(table, pairings, () => clock.ms);
  const puk = new Pin(Buffer.from(PUK));
  const sealed = await desk.enrol(user, card, puk, officer);
  puk.wipe();
  const ecdh = createECDH('prime256v1');
  ecdh.setPrivateKey(Buffer.from(officerKey.export({ format: 'jwk' }).d ?? '', 'base64url'));
  const binding = { hostId: pairings.hostId(), user, pkhh: card };
  const agreed = ecdh.computeSecret(cardInputOf(sealed, officer));
  const seed = openSealed(sealed, officer, agreed, { ...binding, what: 'help desk seed' });
  t.throws(
    () => openSealed(sealed, officer, agreed, binding),
    { code: 'malformed' },
    'no keyring opens with it',
  );
  const answer = (challenge: string, of = (bytes: Uint8Array): Uint8Array => bytes): string => {
    const asked = new Pin(Buffer.from(challenge));
    const found = seed.peek((bytes) => answerTo(asked, of(bytes), binding));
    asked.wipe();
    const text = found.peek((bytes) => bytes.toString());
    found.wipe();
    return text;
  };
  const files = (): Buffer =>
    Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))));
  return { desk, table, clock, answer, files };
}

const challengeIn = (prompt: string): string => /desk: (\S{9})\./.exec(prompt)?.[1] ?? '';

/** Somebody who answers by what they were asked. */
async function ask(desk: HelpDesk, answerOf: (challenge: string) => string) {
  const person = new FakePerson([(prompt) => answerOf(challengeIn(prompt))]);
  const puk = await desk.askPuk(card, person);
  const text = puk.peek((bytes) => bytes.toString());
  puk.wipe();
  return { puk: text, challenge: challengeIn(person.asked[0]?.text ?? '') };
}

test('a right answer gives the PUK, once; the next challenge is another', async (t) => {
  const { desk, answer } = await enrolled(t);
  const first = await ask(desk, answer);
  t.is(first.puk, PUK);
  const code = answer(first.challenge);
  await t.throwsAsync(
    ask(desk, (challenge) => {
      t.not(challenge, first.challenge);
      return code;
    }),
    { code: 'cancelled' },
    'said to be for another challenge, as often as it is typed',
  );
});

test('a challenge is open for a quarter of an hour, over conversations that end', async (t) => {
  const { desk, clock, answer } = await enrolled(t);
  const seen: string[] = [];
  const gone = (challenge: string): string => {
    seen.push(challenge);
    return '';
  };
  await t.throwsAsync(ask(desk, gone), { code: 'cancelled' });
  clock.ms = 14 * MINUTE;
  const { challenge } = await ask(desk, answer);
  t.deepEqual([challenge], seen);
  await t.throwsAsync(ask(desk, gone), { code: 'cancelled' });
  clock.ms += 15 * MINUTE;
  await t.throwsAsync(ask(desk, gone), { code: 'cancelled' });
  t.is(new Set(seen).size, 3, 'a new one each time');
  await t.throwsAsync(
    ask(desk, (now) => {
      clock.ms += 16 * MINUTE;
      return answer(now);
    }),
    { code: 'wrong-answer' },
    'too late',
  );
});

test('a wrong answer closes the challenge, and each makes the next one wait twice as long, up to an hour', async (t) => {
  const { desk, clock, answer } = await enrolled(t);
  const wrong = (challenge: string): string =>
    answer(challenge, (seed) => createHash('sha256').update(seed).digest());
  for (const minutes of [1, 2, 4, 8, 16, 32, 60]) {
    await t.throwsAsync(ask(desk, wrong), { code: 'wrong-answer' });
    clock.ms += minutes * MINUTE - 1;
    await t.throwsAsync(ask(desk, answer), { code: 'wrong-answer', message: /Try again in a minute/ });
    clock.ms += 1;
  }
  t.is((await ask(desk, answer)).puk, PUK);
  await t.throwsAsync(ask(desk, wrong), { code: 'wrong-answer' });
  clock.ms += MINUTE;
  t.is((await ask(desk, answer)).puk, PUK, 'a right one has cleared the count');
});

test('what made the mask of a challenge is in no file when it is shown; nor is the PUK', async (t) => {
  const { desk, table, files, answer } = await enrolled(t);
  const states = [table.deskRecord(card)?.state ?? randomBytes(1)];
  for (let n = 0; n < 3; n += 1) {
    await ask(desk, (challenge) => {
      for (const state of states) t.false(files().includes(state));
      return answer(challenge);
    });
    const { state } = table.deskRecord(card) ?? { state: randomBytes(1) };
    t.true(files().includes(state));
    states.push(state);
  }
  t.false(files().includes(PUK));
  desk.forget(card);
  t.is(desk.keyOf({ identities: [] }), null);
  await t.throwsAsync(ask(desk, answer), { code: 'wrong-answer', message: /setup --escrow/ });
});
