// The card's own key as a property: a stricter setting and a worse showing never permit more.

import test from 'ava';
import fc from 'fast-check';
import type { CardKeyProof } from '../../../agent/model/card/card-key.ts';
import { permitCard } from '../../../policy/permit-card.ts';
import type { CardCheckMode } from '../../../policy/policy.ts';
import { makeSigner } from '../model/signer.ts';
import { policyWith } from '../../kit/story/policy-with.ts';

const keys = [makeSigner('p256').publicKey, makeSigner('p256').publicKey];
const key = fc.constantFrom(...keys);
const shown: fc.Arbitrary<CardKeyProof> = fc.oneof(
  fc.constant({ kind: 'none' } as const),
  fc.constant({ kind: 'unasked' } as const),
  fc.record({ kind: fc.constant('proven' as const), key }),
  fc.record({ kind: fc.constant('failed' as const), key, detail: fc.string() }),
);
const paired = fc.option(
  key.map(({ spki }) => spki),
  { nil: null },
);
const MODES: readonly CardCheckMode[] = ['off', 'paired', 'always'];

const permits = (cardCheck: CardCheckMode, spki: Uint8Array | null, showing: CardKeyProof): boolean =>
  permitCard(policyWith({ login: { cardCheck } }), { paired: spki, shown: showing }).permitted;

test('each stricter word permits no more than the one before', (t) => {
  fc.assert(
    fc.property(paired, shown, (spki, showing) => {
      const [off, known, always] = MODES.map((mode) => permits(mode, spki, showing));
      return off === true && (!always || known === true);
    }),
  );
  t.pass();
});

test('with a key in the pairing only that key, proven, is permitted; whatever is not proven never is', (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom<CardCheckMode[]>('paired', 'always'),
      key,
      shown,
      (mode, pairedKey, showing) => {
        const same = showing.kind === 'proven' && showing.key.spki.equals(pairedKey.spki);
        return permits(mode, pairedKey.spki, showing) === same;
      },
    ),
  );
  fc.assert(
    fc.property(shown, (showing) => permits('always', null, showing) === (showing.kind === 'proven')),
  );
  t.true(permits('paired', null, { kind: 'none' }));
});
