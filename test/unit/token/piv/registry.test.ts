// The registry over fake slots: whose card it is, waiting, retrying, two readers, and no service.
import test from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import type { CardChannel, CardSlot } from '../../../../agent/pcsc/channel.ts';
import type { Token, TokenDriver } from '../../../../agent/token/interface.ts';
import { PivDriver } from '../../../../agent/token/piv/driver.ts';
import { TokenRegistry, type TokenEvent } from '../../../../agent/token/registry.ts';
import { FakeReaders } from '../../../kit/story/card-events.ts';
import { SoftwareSlot } from './card-slot.ts';

/** A slot whose opening a test decides. */
class Slot implements CardSlot {
  readonly atr = Buffer.from('3B00', 'hex');
  readonly reader: string;
  closed = 0;
  /** Errors to come; then it opens. */
  readonly errors: AgentError[] = [];
  gate: Promise<void> = Promise.resolve();
  constructor(reader: string, ...errors: AgentError[]) {
    this.reader = reader;
    this.errors = errors;
  }
  async open(): Promise<CardChannel> {
    await this.gate;
    const error = this.errors.shift();
    if (error !== undefined) throw error;
    return {
      extendedLength: false,
      transmit: () => Promise.reject(new AgentError('card-fault')),
      close: () => {
        this.closed += 1;
        return Promise.resolve(true);
      },
    };
  }
}

const driver = (id: string, probe: (slot: CardSlot) => Token | null): TokenDriver => ({
  ...{ id, version: '1', displayName: id },
  probe: (_channel, slot) => Promise.resolve(probe(slot)),
});
const token = (label: string): Token => ({ label }) as Token;
const known = driver('known', (slot) => token(slot.reader));

function registry(...drivers: TokenDriver[]): {
  source: FakeReaders;
  tokens: TokenRegistry;
  events: TokenEvent[];
} {
  const source = new FakeReaders();
  const tokens = new TokenRegistry(source, drivers);
  const events: TokenEvent[] = [];
  tokens.onChange((event) => events.push(event));
  source.tell({ kind: 'service', up: true });
  events.length = 0;
  return { source, tokens, events };
}
const kinds = (events: readonly TokenEvent[]): string[] => events.map(({ kind }) => kind);
const labels = (found: readonly Token[]): string[] => found.map(({ label }) => label);

test('a real reading: the software card becomes a token, and goes', async (t) => {
  const { source, tokens, events } = registry(new PivDriver());
  const slot = new SoftwareSlot();
  source.tell({ kind: 'card-in', slot });
  t.deepEqual(labels(await tokens.present(5000)), ['PIV (Ada Lovelace)']);
  source.tell({ kind: 'card-out', reader: slot.reader, removed: true });
  t.deepEqual(await tokens.present(0), []);
  t.deepEqual(kinds(events), ['token-in', 'token-out']);
});

test('drivers are asked in order, in one transaction that is closed', async (t) => {
  const asked: string[] = [];
  const no = driver('no', () => {
    asked.push('no');
    return null;
  });
  const never = driver('never', () => {
    throw new Error('asked after the card was known');
  });
  const { source, tokens } = registry(no, known, never);
  const slot = new Slot('A');
  source.tell({ kind: 'card-in', slot });
  t.deepEqual(labels(await tokens.present(5000)), ['A']);
  t.deepEqual(asked, ['no']);
  t.is(slot.closed, 1);
});

test("nobody's card is unknown; a mute or broken one is broken, and looked at again when tokens are asked for", async (t) => {
  const { source, tokens, events } = registry(driver('no', () => null));
  source.tell({ kind: 'card-in', slot: new Slot('A') });
  await tokens.present(5000);
  source.tell({ kind: 'card-mute', reader: 'B' });
  t.deepEqual(kinds(events), ['card-unknown', 'card-broken']);
  let broken = true;
  const second = registry(
    driver('flaky', () => {
      if (!broken) return token('C');
      throw new AgentError('card-fault');
    }),
  );
  const slot = new Slot('C');
  const told = new Promise<TokenEvent>((resolve) => second.tokens.onChange(resolve));
  second.source.tell({ kind: 'card-in', slot });
  t.like(await told, { kind: 'card-broken', reader: 'C', error: { code: 'card-fault' } });
  t.is(slot.closed, 1);
  broken = false;
  t.deepEqual(labels(await second.tokens.present(5000)), ['C']);
});

for (const fault of ['driver-fault', 'module-fault'] as const)
  test(`a ${fault} says nothing of the card: the next driver is asked, and else it is read again by itself`, async (t) => {
    let broken = true;
    const failing = driver('failing', (slot) => {
      if (!broken) return token(slot.reader);
      throw new AgentError(fault);
    });
    const two = registry(
      failing,
      driver('second', () => token('of the second')),
    );
    two.source.tell({ kind: 'card-in', slot: new Slot('A') });
    t.deepEqual(labels(await two.tokens.present(5000)), ['of the second']);
    const { source, tokens } = registry(failing);
    const told = new Promise<TokenEvent>((resolve) => tokens.onChange(resolve));
    source.tell({ kind: 'card-in', slot: new Slot('B') });
    t.like(await told, { kind: 'card-broken', error: { code: fault } });
    const again = new Promise<TokenEvent>((resolve) => tokens.onChange(resolve));
    broken = false;
    t.like(await again, { kind: 'token-in', token: { label: 'B' } });
  });

test('a card that was reset is read once more, not for ever', async (t) => {
  const { source, tokens, events } = registry(known);
  source.tell({ kind: 'card-in', slot: new Slot('A', new AgentError('card-reset')) });
  t.deepEqual(labels(await tokens.present(5000)), ['A']);
  const told = new Promise<TokenEvent>((resolve) => tokens.onChange(resolve));
  source.tell({
    kind: 'card-in',
    slot: new Slot('B', new AgentError('card-reset'), new AgentError('card-reset')),
  });
  t.like(await told, { kind: 'card-broken', error: { code: 'card-reset' } });
  t.is(events.length, 2);
});

test('a busy card is tried again until it is free', async (t) => {
  const { source, tokens } = registry(known);
  source.tell({ kind: 'card-in', slot: new Slot('A', new AgentError('card-busy')) });
  t.deepEqual(await tokens.present(0), []);
  t.deepEqual(labels(await tokens.present(10_000)), ['A']);
});

test('present waits for a reading under way, at most so long, and gives what is there', async (t) => {
  const { source, tokens } = registry(known);
  source.tell({ kind: 'card-in', slot: new Slot('A') });
  await tokens.present(5000);
  const slow = new Slot('B');
  let open = (): void => undefined;
  slow.gate = new Promise((resolve) => (open = resolve));
  source.tell({ kind: 'card-in', slot: slow });
  t.deepEqual(labels(await tokens.present(1)), ['A']);
  const both = tokens.present(10_000);
  open();
  t.deepEqual(labels(await both).sort(), ['A', 'B']);
});

test('what is read of a card that went meanwhile is dropped', async (t) => {
  const { source, tokens, events } = registry(known);
  const slot = new Slot('A');
  let open = (): void => undefined;
  slot.gate = new Promise((resolve) => (open = resolve));
  source.tell({ kind: 'card-in', slot });
  source.tell({ kind: 'card-out', reader: 'A', removed: true });
  const other = new Slot('A');
  source.tell({ kind: 'card-in', slot: other });
  open();
  t.is((await tokens.present(5000)).length, 1);
  await slot.gate;
  t.deepEqual(kinds(events), ['token-in']);
});

test('without pcscd present throws why; it asks the watcher to try at once', async (t) => {
  const { source, tokens, events } = registry(known);
  source.tell({ kind: 'service', up: false, error: new AgentError('not-authorised') });
  source.tell({ kind: 'service', up: false, error: new AgentError('no-service') });
  await t.throwsAsync(tokens.present(10), { code: 'no-service' });
  t.is(source.pokes, 1);
  source.tell({ kind: 'service', up: true });
  t.deepEqual(await tokens.present(10), []);
  t.deepEqual(events, [
    { kind: 'service', up: false },
    { kind: 'service', up: true },
  ]);
});

test('before the first look present says no-service, not "no card"', async (t) => {
  await t.throwsAsync(new TokenRegistry(new FakeReaders(), [known]).present(0), { code: 'no-service' });
});

test('close ends retries and events', async (t) => {
  const { source, tokens, events } = registry(known);
  source.tell({
    kind: 'card-in',
    slot: new Slot('A', ...Array<AgentError>(9).fill(new AgentError('card-busy'))),
  });
  tokens.close();
  source.tell({ kind: 'card-in', slot: new Slot('B') });
  t.deepEqual(await tokens.present(0), []);
  t.deepEqual(events, []);
});

test('K14: a card without a key for logins is looked at again for who lists keys, and told of when it has one', async (t) => {
  const source = new FakeReaders();
  const slot = new SoftwareSlot({ key: 'p256' });
  const unknown = { kind: 'status', sw: '6A82', ins: 'a4', times: 'always' } as const;
  slot.card.faults.arm(unknown);
  const tokens = new TokenRegistry(source, [new PivDriver()], 0);
  const events: TokenEvent[] = [];
  tokens.onChange((event) => events.push(event));
  source.tell({ kind: 'service', up: true });
  source.tell({ kind: 'card-in', slot });
  t.deepEqual(await tokens.presentAnew(1000), []);
  t.deepEqual(await tokens.presentAnew(1000), []);
  t.deepEqual(kinds(events), ['service', 'card-unknown'], 'told of once');
  const asked = slot.commands.length;
  t.deepEqual(await tokens.present(1000), [], 'a login does not look again');
  t.is(slot.commands.length, asked);

  slot.card.faults.clear();
  const [token] = await tokens.presentAnew(1000);
  t.true(token?.identities.some(({ use }) => use === 'authentication'));
  t.is(kinds(events).at(-1), 'token-in');
  const read = slot.commands.length;
  await tokens.presentAnew(1000);
  t.is(slot.commands.length, read, 'a card with a key is not read again');
});

test('a card that was set up is read again at once, by whoever knows it; one that has gone is not', async (t) => {
  const { source, tokens, events } = registry(new PivDriver());
  const slot = new SoftwareSlot({ factory: true });
  source.tell({ kind: 'card-in', slot });
  const [before] = await tokens.present(5000);
  if (before === undefined) throw new Error('no token');
  t.deepEqual(before.identities, []);
  const other = new SoftwareSlot({ key: 'p256' });
  slot.card.applet.keys.set(0x9a, other.card.applet.keys.get(0x9a).privateKey, 'generated');
  await tokens.readAgain(before, 5000);
  const [after] = await tokens.present(0);
  t.deepEqual(
    after?.identities.map(({ slot: place }) => place),
    ['9A'],
  );
  t.deepEqual(kinds(events), ['token-in', 'token-out', 'token-in']);
  const { length } = slot.commands;
  await tokens.readAgain(before, 5000);
  t.is(slot.commands.length, length, 'another token by now');
});
