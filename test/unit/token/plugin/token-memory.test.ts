// K8: each look of a driver makes another token of the same card. What the card has said of its tries stays known.
import test from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import { Pin } from '../../../../agent/base/pin.ts';
import { TryMemory } from '../../../../agent/model/card/pin-tries.ts';
import type { PinTry } from '../../../../agent/model/card/token.ts';
import { describeToken, lookAnswer, parseAnswer } from '../../../../agent/token/plugin/answers.ts';
import type { TokenBackend } from '../../../../agent/token/plugin/backend.ts';
import { PluginToken } from '../../../../agent/token/plugin/token.ts';
import { SoftwareSlot } from '../piv/card-slot.ts';

const SAYS_NOTHING = { triesLeft: null, triesTotal: null };

/** A card that says once, with a wrong PIN, that one try is left. */
const saysOnce: TokenBackend = {
  pinState: () => Promise.resolve(SAYS_NOTHING),
  sign: () => Promise.reject(new AgentError('internal')),
  verifyPin: async (_pin, secret, admit) => {
    await admit(() => Promise.resolve(SAYS_NOTHING));
    if (secret?.peek((bytes) => bytes.toString()) !== '123456')
      throw new AgentError('wrong-pin', { triesLeft: 1 });
  },
};

function look(memory: TryMemory): PluginToken {
  const pin = { id: '1', label: 'PIN', minLength: 6, maxLength: 8, triesLeft: null };
  const answer = { tokens: [{ serial: '1', label: 'Card', pins: [pin], identities: [] }] };
  const [token] = parseAnswer(lookAnswer, answer, 'look').tokens;
  if (token === undefined) throw new Error('no token');
  const described = describeToken('org.example.once', token);
  return new PluginToken(described, new SoftwareSlot(), 'org.example.once', saysOnce, memory);
}

const entry = (text: string): PinTry => ({ pin: new Pin(Buffer.from(text)), permit: () => undefined });

test('K8: the last try that a card told before it was read anew is known until a right PIN', async (t) => {
  const memory = new TryMemory();
  await t.throwsAsync(look(memory).verifyPin(entry('999999')), { code: 'wrong-pin' });
  const again = look(memory);
  t.is(again.lastPinState.triesLeft, 1);
  t.is((await again.pinState()).triesLeft, 1);
  await again.verifyPin(entry('123456'));
  t.deepEqual(look(memory).lastPinState, SAYS_NOTHING);
});
