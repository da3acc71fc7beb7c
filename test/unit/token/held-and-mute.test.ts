// K9: a card that is mute, or that another program holds, costs whoever has another card nothing, and is said once.
import test from 'ava';
import { AgentError, type AgentErrorCode } from '../../../agent/base/errors.ts';
import type { CardChannel, CardSlot } from '../../../agent/pcsc/channel.ts';
import type { CardEvent } from '../../../agent/pcsc/events.ts';
import type { Token, TokenDriver } from '../../../agent/token/interface.ts';
import { ReaderReport } from '../../../agent/token/reader-report.ts';
import { TokenRegistry } from '../../../agent/token/registry.ts';

/** Longer than ava waits: a test that waits for a card as long as it may fails. */
const FOREVER_MS = 3_600_000;

/** A card that opens, or fails, or does not come back, as long as it is told to. */
class Card implements CardSlot {
  readonly atr = Buffer.from('3B00', 'hex');
  readonly reader: string;
  looks = 0;
  state: 'fine' | 'silent' | AgentErrorCode;
  /** Settles at the next look. */
  looked: Promise<void>;
  #look: () => void = () => undefined;

  constructor(reader: string, state: Card['state'] = 'fine') {
    this.reader = reader;
    this.state = state;
    this.looked = new Promise((resolve) => (this.#look = resolve));
  }

  open(): Promise<CardChannel> {
    this.looks += 1;
    this.#look();
    this.looked = new Promise((resolve) => (this.#look = resolve));
    if (this.state === 'silent') return new Promise(() => undefined);
    if (this.state !== 'fine') return Promise.reject(new AgentError(this.state));
    return Promise.resolve({
      extendedLength: false,
      transmit: () => Promise.reject(new AgentError('card-fault')),
      close: () => Promise.resolve(true),
    });
  }
}

const driver: TokenDriver = {
  ...{ id: 'known', version: '1', displayName: 'known' },
  probe: (_channel, slot) => Promise.resolve({ label: slot.reader, slot } as Token),
};

function scene(...cards: Card[]) {
  const listeners: ((event: CardEvent) => void)[] = [];
  const source = {
    readerNames: cards.map(({ reader }) => reader),
    subscribe: (listener: (event: CardEvent) => void) => {
      listeners.push(listener);
      return () => undefined;
    },
    poke: () => Promise.resolve(),
  };
  const tokens = new TokenRegistry(source, [driver]);
  const report = new ReaderReport(source, tokens);
  /** Readers of which something was said, and what. */
  const said: string[] = [];
  let tell = (): void => undefined;
  tokens.onChange((event) => {
    if (event.kind === 'card-broken') said.push(`${event.reader} ${event.error.code}`);
    tell();
  });
  const told = (): Promise<void> => new Promise((resolve) => (tell = resolve));
  const heard = (event: CardEvent): void => {
    for (const listener of listeners) listener(event);
  };
  heard({ kind: 'service', up: true });
  for (const slot of cards) heard({ kind: 'card-in', slot });
  return { tokens, report, said, told };
}
const names = (found: readonly Token[]): string[] => found.map(({ label }) => label);
const isIn = (label: string) => (found: readonly Token[]) => names(found).includes(label);

test('K9: who has enough waits for no other card', async (t) => {
  const [fine, silent] = [new Card('Fine'), new Card('Silent', 'silent')];
  const { tokens } = scene(fine, silent);
  t.deepEqual(names(await tokens.present(FOREVER_MS, isIn('Fine'))), ['Fine']);
  t.deepEqual(names(await tokens.present(FOREVER_MS, isIn('Fine'))), ['Fine'], 'now that it is read');
  t.is(silent.looks, 1);
  tokens.close();
});

test('K9: a mute card is said once and left alone; nobody waits for it or asks it', async (t) => {
  const mute = new Card('Mute', 'card-timeout');
  const { tokens, said, told, report } = scene(mute);
  await told();
  t.deepEqual(said, ['Mute card-timeout']);
  mute.state = 'silent';
  t.deepEqual(await tokens.present(FOREVER_MS), []);
  t.is(mute.looks, 1);
  t.is(tokens.unread()?.code, 'card-timeout');
  t.like(report.readers()[0], { state: 'broken', error: { code: 'card-timeout' } });
  // It is looked at again by itself; our own call that does not return is no other program.
  mute.state = 'card-busy';
  await mute.looked;
  t.deepEqual(await tokens.present(FOREVER_MS), []);
  t.is(tokens.unread()?.code, 'card-timeout');
  mute.state = 'fine';
  await told();
  t.deepEqual(names(await tokens.present(FOREVER_MS)), ['Mute']);
  t.is(tokens.unread(), null);
  t.deepEqual(said, ['Mute card-timeout']);
  tokens.close();
});

test('K9: who asks has a broken card looked at again, and not a mute one', async (t) => {
  const [broken, mute] = [new Card('Broken', 'card-fault'), new Card('Mute', 'card-timeout')];
  const { tokens } = scene(broken, mute);
  await tokens.present(FOREVER_MS);
  const [before, muteBefore] = [broken.looks, mute.looks];
  mute.state = 'silent';
  await tokens.present(FOREVER_MS);
  t.deepEqual([broken.looks, mute.looks], [before + 1, muteBefore]);
  tokens.close();
});

test('K9: a card that another program holds is said to be held; who asks is not kept waiting', async (t) => {
  const [fine, held] = [new Card('Fine'), new Card('Held', 'card-busy')];
  const { tokens, said, report } = scene(fine, held);
  t.deepEqual(names(await tokens.present(FOREVER_MS)), ['Fine']);
  t.deepEqual(said, ['Held card-busy']);
  t.is(tokens.unread()?.code, 'card-busy');
  t.like(report.readers()[1], { state: 'broken', error: { code: 'card-busy' } });
  // The look of whoever asks waits for the other program's transaction: it is not waited for.
  held.state = 'silent';
  t.deepEqual(names(await tokens.present(FOREVER_MS)), ['Fine']);
  t.deepEqual(said, ['Held card-busy']);
  tokens.close();
});

test('K9: a card that is let go is there for whoever asks next', async (t) => {
  const held = new Card('Held', 'card-busy');
  const { tokens, told } = scene(held);
  await told();
  held.state = 'fine';
  t.deepEqual(names(await tokens.present(FOREVER_MS)), ['Held']);
  t.is(tokens.unread(), null);
  tokens.close();
});
