// Monitor and Claim on a real socket: the whole state at once, again when it changes, nothing of other users; and the
// prompt's levels as users set them.

import test from 'ava';
import { SessionCards } from '../../../agent/stories/removal/session-cards.ts';
import { rootTest, asNobody } from '../base/folders.ts';
import { FakeToken, pairing, tokensOf } from '../../kit/story/fakes.ts';
import { victim } from '../../kit/story/run-login.ts';
import { VarlinkClient, type Reply } from './clients.ts';
import { clock, nobody, serve } from './admin-place.ts';

const hash = victim.publicKey.pkhh;

function standings(reply: Reply | null): unknown[] {
  return (reply?.parameters?.['cards'] as { standing: string }[]).map(({ standing }) => standing);
}

test.serial('a monitor hears of cards and pairings, each state once and whole', async (t) => {
  const sessionCards = new SessionCards(clock);
  const token = new FakeToken(victim);
  const { path } = await serve(t, { sessionCards, tokens: tokensOf(token) });
  const client = new VarlinkClient(t, path);
  client.send({ method: 'io.scauth.Monitor', more: true });
  t.like(await client.next(), {
    continues: true,
    parameters: { user: 'root', prompt: true, loggingIn: false, policy: 0 },
  });
  sessionCards.cardIn(token);
  const shown = await client.next();
  t.like(shown, {
    parameters: {
      cards: [{ token: 'org.scauth.fake:01', standing: 'unpaired', hash, prompt: true, claimed: false }],
    },
  });
  const { number } = (shown?.parameters?.['cards'] as { number: number }[])[0] ?? { number: 0 };
  const other = new VarlinkClient(t, path);
  t.deepEqual(await other.call('io.scauth.Claim', { number }), { parameters: { claimed: true } });
  t.like(await client.next(), { parameters: { cards: [{ claimed: true }] } });
  t.deepEqual(await other.call('io.scauth.Claim', { number }), { parameters: { claimed: false } });
  await other.call('io.scauth.AddPairing', { user: 'alice', hash });
  t.deepEqual(standings(await client.next()), ['others']);
  sessionCards.tell(); // nothing is different: nothing is sent
  sessionCards.cardOut(token, true);
  t.deepEqual(standings(await client.next()), []);
  // Without "more" it is one reply, and the connection goes on.
  t.deepEqual(standings(await other.call('io.scauth.Monitor')), []);
  t.regex((await other.call('io.scauth.Claim', {}))?.error ?? '', /InvalidParameter$/);
});

test.serial('a monitor hears that enforcement, an exemption or a setting may be another', async (t) => {
  const sessionCards = new SessionCards(clock);
  const { path } = await serve(t, { sessionCards });
  const client = new VarlinkClient(t, path);
  client.send({ method: 'io.scauth.Monitor', more: true });
  t.like(await client.next(), { parameters: { policy: 0 } });
  sessionCards.policyChanged();
  t.like(await client.next(), { parameters: { policy: 1 } });
  const other = new VarlinkClient(t, path);
  const until = new Date(86_400_000).toISOString();
  t.is((await other.call('io.scauth.Exempt', { user: 'alice', until }))?.error, undefined);
  t.like(await client.next(), { parameters: { policy: 2 } });
  t.not((await other.call('io.scauth.Exempt', { user: 'alice', until: 'soon' }))?.error, undefined);
  t.is((await other.call('io.scauth.Unexempt', { user: 'alice' }))?.error, undefined);
  t.like(await client.next(), { parameters: { policy: 3 } });
});

rootTest('four programs of a user may listen, and they take no place from those that ask', async (t) => {
  const { path } = await serve(t);
  const listen = async (): Promise<Reply | null> => {
    const client = asNobody(() => new VarlinkClient(t, path));
    client.send({ method: 'io.scauth.Monitor', more: true });
    return client.next();
  };
  for (let count = 0; count < 4; count += 1) t.is((await listen())?.error, undefined);
  t.is((await listen())?.error, 'io.scauth.Failed');
  for (let count = 0; count < 6; count += 1) {
    const client = asNobody(() => new VarlinkClient(t, path));
    t.like(await client.call('io.scauth.GetPairingPrompt'), { parameters: { enabled: true } });
  }
});

rootTest('a user’s word is about their own prompt, and below the machine’s', async (t) => {
  const sessionCards = new SessionCards(clock);
  const token = new FakeToken(victim);
  const { path, table, audit } = await serve(t, { sessionCards, tokens: tokensOf(token) });
  sessionCards.cardIn(token);
  const root = new VarlinkClient(t, path);
  const user = asNobody(() => new VarlinkClient(t, path));
  const card = { token: token.id };
  const prompts = async () => [
    (await user.call('io.scauth.GetPairingPrompt'))?.parameters,
    (await user.call('io.scauth.GetPairingPrompt', card))?.parameters,
  ];
  await user.call('io.scauth.SetPairingPrompt', { enabled: false, ...card });
  t.like(await prompts(), [{ enabled: true }, { enabled: false, level: 'card' }]);
  t.like((await user.call('io.scauth.Monitor'))?.parameters, { prompt: true, cards: [{ prompt: false }] });
  await user.call('io.scauth.SetPairingPrompt', { enabled: false });
  t.like(await prompts(), [{ level: 'user' }, { level: 'user' }]);
  t.like(await root.call('io.scauth.GetPairingPrompt'), { parameters: { enabled: true, level: 'default' } });
  await root.call('io.scauth.SetPairingPrompt', { enabled: false });
  await user.call('io.scauth.SetPairingPrompt', { enabled: true });
  t.like(await prompts(), [{ enabled: false, level: 'machine' }, { level: 'machine' }]);
  t.deepEqual(
    audit.events.flatMap((event) => (event.kind === 'prompt-state' ? [[event.enabled, event.scope]] : [])),
    [
      [false, { level: 'card', user: nobody.name, tokenId: token.id }],
      [false, { level: 'user', user: nobody.name }],
      [false, { level: 'machine' }],
      [true, { level: 'user', user: nobody.name }],
    ],
  );
  // A card that is not in gets no line in the table.
  const absent = { enabled: false, token: 'org.scauth.fake:99' };
  t.like(await user.call('io.scauth.SetPairingPrompt', absent), { parameters: { code: 'no-card' } });
  table.rows.push(pairing(nobody.name, victim.publicKey));
  t.deepEqual(standings(await user.call('io.scauth.Monitor')), ['own']);
});
