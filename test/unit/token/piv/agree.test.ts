// A card's key for key management, on the software card: what is sealed to 9D comes back through GENERAL AUTHENTICATE,
// in the transaction of a proof, for each kind of key; a hostile reply is a fault; keys that sign are never used for it.

import test from 'ava';
import { AgentError } from '../../../../agent/base/errors.ts';
import { Pin } from '../../../../agent/base/pin.ts';
import { Challenge } from '../../../../agent/model/challenge.ts';
import { parsePkhh } from '../../../../agent/model/key/key.ts';
import { parseUsername } from '../../../../agent/model/request.ts';
import { cardInputOf, openSealed, sealSecret } from '../../../../agent/model/secret/sealed-secret.ts';
import type { Identity } from '../../../../agent/model/card/token.ts';
import type { OpenCard } from '../../../../agent/token/interface.ts';
import type { PivToken } from '../../../../agent/token/piv/token.ts';
import { insertKnown } from './card-slot.ts';

const user = parseUsername('ada');
const hostId = Buffer.alloc(16, 7);
const binding = { hostId, user, pkhh: parsePkhh('0B1BEA814EE563AAD70C33D5C7F82472AB26C4C8') };
const SECRET = Buffer.from('correct horse battery staple');

function key(token: PivToken, slot: string): Identity {
  const identity = token.identities.find((one) => one.slot === slot);
  if (identity === undefined) throw new Error(`no ${slot}`);
  return identity;
}

/** A proof, and `act` while the card is open. */
async function withOpenCard(token: PivToken, act: (card: OpenCard) => Promise<void>): Promise<void> {
  const challenge = Challenge.create({ purpose: 'login', hostId, user, service: 'login' });
  const pin = { pin: new Pin(Buffer.from('123456')), permit: () => undefined };
  const { released } = await token.prove(key(token, '9A'), challenge, pin, undefined, (_proof, card) =>
    act(card),
  );
  await released;
}

const EXPECTED = {
  p256: 'a4 20 87 87 20',
  p384: 'a4 20 87 87 20',
  rsa2048: 'a4 20 87 87 c0 87 87 c0 20',
  rsa3072: 'a4 20 87 87 c0 87 87 c0 20',
} as const;

for (const [kind, instructions] of Object.entries(EXPECTED)) {
  test(`${kind}: what is sealed to 9D comes back, between the signature and the de-verify`, async (t) => {
    const { slot, token } = await insertKnown({ key: kind });
    const management = key(token, '9D');
    t.true(token.canAgree(management));
    const sealed = sealSecret(SECRET, management.publicKey, binding);
    await withOpenCard(token, async (card) => {
      const agreed = await card.agree(management, cardInputOf(sealed, management.publicKey));
      const opened = openSealed(sealed, management.publicKey, agreed.bytes, binding);
      t.true(opened.peek((bytes) => bytes.equals(SECRET)));
      opened.wipe();
      agreed.release();
    });
    t.false(slot.card.applet.pins.verified);
    t.is(slot.open_, 0);
    if (kind !== 'rsa3072') t.is(slot.instructions(), instructions);
  });
}

test('L21: no key that signs is used for it: its raw RSA would be a signature', async (t) => {
  const { token } = await insertKnown({ key: 'rsa2048' });
  for (const name of ['9A', '9C', '9E']) {
    t.false(token.canAgree(key(token, name)));
    await withOpenCard(token, async (card) => {
      const refused = { instanceOf: AgentError, code: 'no-identity' } as const;
      await t.throwsAsync(card.agree(key(token, name), Buffer.alloc(256, 1)), refused);
    });
  }
});

test('a card that answers nonsense, or not at all, is a fault of the card, and is put back', async (t) => {
  for (const hex of [
    '9000',
    '7C0082009000',
    '7C028200' + '9000',
    '7C22822000' + '00'.repeat(31) + '9000',
    '6F00',
    '6982',
  ]) {
    const { slot, token } = await insertKnown({ key: 'p384' });
    const management = key(token, '9D');
    slot.card.faults.arm({ kind: 'reply', ins: '87', p2: '9D', hex });
    await withOpenCard(token, async (card) => {
      const point = cardInputOf(sealSecret(SECRET, management.publicKey, binding), management.publicKey);
      const fault = { instanceOf: AgentError, code: 'card-fault' } as const;
      await t.throwsAsync(card.agree(management, point), fault, hex);
    });
    t.false(slot.card.applet.pins.verified);
    t.is(slot.open_, 0);
  }
});
