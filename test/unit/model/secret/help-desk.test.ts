// The challenge for a help desk and its answer: what opens the PUK, what does not, and what is left of it afterwards.
import test from 'ava';
import { randomBytes } from 'node:crypto';
import { AgentError } from '../../../../agent/base/errors.ts';
import { Pin } from '../../../../agent/base/pin.ts';
import * as desk from '../../../../agent/model/secret/help-desk.ts';
import { parsePkhh } from '../../../../agent/model/key/key.ts';

const PUK = '40717253';
const binding = { hostId: randomBytes(16), pkhh: parsePkhh('0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8') };

const pinOf = (text: string): Pin => new Pin(Buffer.from(text));

async function opened(
  answer: string,
  challenge: desk.DeskChallenge,
  record: desk.DeskRecord,
  where: desk.DeskBinding = binding,
): Promise<string> {
  const typed = pinOf(answer);
  const result = await desk.pukByAnswer(typed, challenge, record, where);
  typed.wipe();
  if (!(result instanceof Pin)) return result;
  const text = result.peek((bytes) => bytes.toString());
  result.wipe();
  return text;
}

function answerOf(challenge: string, seed: Buffer, where: desk.DeskBinding = binding): string {
  const asked = pinOf(challenge);
  let answer: Pin;
  try {
    answer = desk.answerTo(asked, seed, where);
  } finally {
    asked.wipe();
  }
  const text = answer.peek((bytes) => bytes.toString());
  answer.wipe();
  return text;
}

async function enrolled(): Promise<{ seed: Buffer; record: desk.DeskRecord }> {
  const seed = randomBytes(desk.SEED_BYTES);
  const puk = pinOf(PUK);
  const record = await desk.newDeskRecord(seed, puk, binding);
  puk.wipe();
  return { seed, record };
}

test('eight symbols, an answer of sixteen, the PUK; in any case and grouping, also after many challenges', async (t) => {
  const { seed, record } = await enrolled();
  let now = desk.parseDeskRecord(desk.encodeDeskRecord(record));
  for (let n = 0; n < 40; n += 1) now = desk.nextChallenge(now).record;
  const { challenge, record: kept } = desk.nextChallenge(now);
  t.is(kept.index, 41);
  const text = desk.challengeText(challenge);
  t.regex(text, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
  const answer = answerOf(text.toLowerCase().replace('-', ' '), seed);
  t.regex(answer, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  t.is(await opened(answer.toLowerCase().replaceAll('-', ''), challenge, kept), PUK);
});

test('S5: an answer is for its challenge, its card and its machine; a slip is known, and another seed opens nothing', async (t) => {
  const { seed, record } = await enrolled();
  const first = desk.nextChallenge(record);
  const second = desk.nextChallenge(first.record);
  const answer = answerOf(desk.challengeText(first.challenge), seed);
  t.is(await opened(answer, second.challenge, second.record), 'malformed');
  const slip = answer.replace(/^./, (symbol) => (symbol === '7' ? '8' : '7'));
  t.is(await opened(slip, first.challenge, first.record), 'malformed');
  const text = desk.challengeText(first.challenge);
  t.is(await opened(answerOf(text, randomBytes(32)), first.challenge, first.record), 'wrong');
  for (const where of [
    { ...binding, hostId: randomBytes(16) },
    { ...binding, pkhh: parsePkhh('00'.repeat(20)) },
  ]) {
    t.is(await opened(answerOf(text, seed, where), first.challenge, first.record), 'wrong');
    t.is(await opened(answer, first.challenge, first.record, where), 'wrong');
  }
  const short = pinOf('ABCD-EFGH');
  t.throws(() => desk.answerTo(short, seed, binding), { code: 'malformed' });
  short.wipe();
  t.throws(() => desk.nextChallenge({ ...record, index: desk.MOST_CHALLENGES }), { code: 'not-supported' });
});

test('who has heard an answer and takes the machine later has no mask: no state that is kept makes it again', async (t) => {
  const { seed, record } = await enrolled();
  const { challenge, record: kept } = desk.nextChallenge(record);
  t.false(kept.state.equals(record.state));
  // Whoever goes on from what is kept gets other masks, for the very symbols that were shown.
  const forged = { ...kept, index: 0 };
  for (let at = forged, n = 0; n < 50; n += 1) {
    const next = desk.nextChallenge(at);
    t.false(next.challenge.mask.equals(challenge.mask));
    at = next.record;
  }
  // Two answers of one card have nothing in common that could be seen.
  const second = desk.nextChallenge(kept);
  t.not(
    answerOf(desk.challengeText(challenge), seed).slice(0, 14),
    answerOf(desk.challengeText(second.challenge), seed).slice(0, 14),
  );
});

test('one symbol of a challenge that was misheard, or two that changed places, are noticed', async (t) => {
  const { seed, record } = await enrolled();
  const text = desk.challengeText(desk.nextChallenge(record).challenge).replace('-', '');
  const noticed = (misheard: string): void => {
    t.throws(() => answerOf(misheard, seed), { instanceOf: AgentError, code: 'malformed' }, misheard);
  };
  for (let at = 0; at < text.length; at += 1) {
    for (const one of '0123456789ABCDEFGHJKMNPQRSTVWXYZ')
      if (one !== text[at]) noticed(text.slice(0, at) + one + text.slice(at + 1));
    const [here = '', next = here] = text.slice(at, at + 2);
    if (here !== next) noticed(text.slice(0, at) + next + here + text.slice(at + 2));
  }
});

test('a record that was cut, or is of another version, is none', async (t) => {
  const { record } = await enrolled();
  const bytes = desk.encodeDeskRecord(record);
  t.deepEqual(desk.parseDeskRecord(bytes), record);
  const shortest = bytes.length - record.hidden.length + 17;
  t.notThrows(() => desk.parseDeskRecord(bytes.subarray(0, shortest)));
  for (let length = 0; length < shortest; length += 1)
    t.throws(() => desk.parseDeskRecord(bytes.subarray(0, length)), { code: 'malformed' }, String(length));
  const other = Buffer.from(bytes);
  other[0] = 9;
  t.throws(() => desk.parseDeskRecord(other), { code: 'malformed' });
});
