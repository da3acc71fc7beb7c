// A signed anchor says who signed it only if the key did sign this very anchor, for this very purpose; and no challenge
// for anything else can be taken for one.

import test from 'ava';
import { anchorsIn } from '../../../../agent/model/sealed-log/anchor.ts';
import { Challenge, readAnchorMessage } from '../../../../agent/model/challenge.ts';
import { verifyProof } from '../../../../agent/model/proof.ts';
import {
  signedAnchorsIn,
  signedAnchorText,
  signerOf,
} from '../../../../agent/model/sealed-log/signed-anchor.ts';
import { AgentError } from '../../../../agent/base/errors.ts';
import { makeSigner } from '../signer.ts';

const anchor = { sequence: 7, seal: 'a'.repeat(43), timeMs: 1_768_000_000_000 };
const context = { hostId: Buffer.alloc(16, 1), user: 'ada', service: 'audit' };

function made(more: object = {}) {
  const signer = makeSigner('p256');
  const challenge = Challenge.create({ ...context, purpose: 'audit-anchor', anchor, ...more });
  const message = challenge.message();
  const signed = { anchor, message, proof: signer.sign(message), spki: signer.publicKey.spki };
  return { signer, challenge, signed };
}

test('what is written is read back, among other text, and names its signer', (t) => {
  for (const kind of ['p256', 'p384', 'rsa2048', 'rsa4096', 'ed25519'] as const) {
    const signer = makeSigner(kind);
    const message = Challenge.create({ ...context, purpose: 'audit-anchor', anchor }).message();
    const text = signedAnchorText({
      anchor,
      message,
      proof: signer.sign(message),
      spki: signer.publicKey.spki,
    });
    t.notRegex(text, /\n/);
    const [found] = signedAnchorsIn(`Jan 1 12:00 host scauthd[1]: ${text}\nmore`);
    if (found === undefined) return t.fail(kind);
    const who = signerOf(found);
    t.is(who?.user, 'ada', kind);
    t.true(who?.key.spki.equals(signer.publicKey.spki));
    // It is an anchor like any other too.
    t.deepEqual(anchorsIn(text), [anchor]);
  }
});

test('another record, another key, a changed bit, a message for something else: nobody signed it', (t) => {
  const { signed } = made();
  t.not(signerOf(signed), null);
  t.is(signerOf({ ...signed, anchor: { ...anchor, sequence: 8 } }), null);
  t.is(signerOf({ ...signed, anchor: { ...anchor, seal: 'b'.repeat(43) } }), null);
  t.is(signerOf({ ...signed, spki: makeSigner('p256').publicKey.spki }), null);
  t.is(signerOf({ ...signed, spki: Buffer.from('no key') }), null);
  for (let bit = 0; bit < signed.message.length * 8; bit += 5) {
    const message = Buffer.from(signed.message);
    message[bit >> 3] = (message[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    t.is(signerOf({ ...signed, message }), null, `bit ${bit}`);
  }
  const trailing = Buffer.concat([signed.message, Buffer.from([0, 0])]);
  t.is(readAnchorMessage(trailing), null);
  // A last field that says it were longer than what is there.
  const longer = Buffer.from(signed.message);
  const lengthAt = longer.length - 32 - 2;
  t.is(longer.readUInt16BE(lengthAt), 32);
  longer.writeUInt16BE(33, lengthAt);
  t.is(readAnchorMessage(longer), null);
  t.is(readAnchorMessage(Buffer.alloc(0)), null);
});

test("L21: an anchor's proof is none for a login, and a login's none for an anchor", (t) => {
  const { signer, signed } = made();
  const login = Challenge.create({ ...context, purpose: 'login' });
  t.throws(() => verifyProof(login, signed.proof, signer.publicKey), { code: 'bad-proof' } as object);
  for (const purpose of ['login', 'pairing', 'rehearsal'] as const) {
    const message = Challenge.create({ ...context, purpose }).message();
    t.is(readAnchorMessage(message), null);
    t.is(signerOf({ ...signed, message, proof: signer.sign(message) }), null);
    // A user or service that looks like an anchor makes none of it.
    const crafted = Challenge.create({ ...context, purpose, service: `scauth-anchor 1 7 ${anchor.seal} 1` });
    t.is(readAnchorMessage(crafted.message()), null);
    t.throws(() => Challenge.create({ ...context, purpose, anchor }), { instanceOf: AgentError });
  }
  t.throws(() => Challenge.create({ ...context, purpose: 'audit-anchor' }), { instanceOf: AgentError });
});
