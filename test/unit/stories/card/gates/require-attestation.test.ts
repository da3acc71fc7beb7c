// Where a maker's word for the key is required, a pairing without it, or with too little of it, is refused.

import test from 'ava';
import { AgentError } from '../../../../../agent/base/errors.ts';
import type { AttestationFindings } from '../../../../../agent/model/card/attestation.ts';
import { requireAttestation } from '../../../../../agent/stories/card/gates/require-attestation.ts';
import { FakeToken, noTrust } from '../../../../kit/story/fakes.ts';
import { policyWith } from '../../../../kit/story/policy-with.ts';
import { victim } from '../../../../kit/story/run-login.ts';

const GOOD: AttestationFindings = {
  ...{ fault: null, pinPolicy: 'once', touchPolicy: 'never', firmware: '5.7.1', serial: null },
};
const required = policyWith({ attestation: { required: true, pinPolicy: 'once' } });

class Attesting extends FakeToken {
  attest = () => Promise.resolve({ certificate: Buffer.alloc(0), intermediate: Buffer.alloc(0) });
}

function look(findings: AttestationFindings | AgentError, token: FakeToken = new Attesting(victim)) {
  const [identity] = token.identities;
  if (identity === undefined) throw new Error('no key');
  const attestation = () =>
    findings instanceof AgentError ? Promise.reject(findings) : Promise.resolve(findings);
  return requireAttestation(required, { token, identity }, { trust: { ...noTrust, attestation } });
}

test('a key that its maker vouches for is taken; every other is not', async (t) => {
  await t.notThrowsAsync(look(GOOD));
  const refused = (rule: RegExp) => ({ code: 'not-attested', message: rule }) as object;
  await t.throwsAsync(look({ ...GOOD, pinPolicy: 'never' }), refused(/attestation\.pin_policy/));
  await t.throwsAsync(look({ ...GOOD, fault: 'forged' }), refused(/forged/));
  await t.throwsAsync(look(GOOD, new FakeToken(victim)), refused(/attestation\.required/));
  await t.throwsAsync(
    requireAttestation(required, null, { trust: noTrust }),
    refused(/attestation\.required/),
  );
  await t.throwsAsync(look(new AgentError('bad-certificate', { detail: 'no root' })), refused(/no root/));
  await t.throwsAsync(look(new AgentError('card-fault')), { code: 'card-fault' } as object);
  const free = policyWith({ attestation: { required: false } });
  await t.notThrowsAsync(requireAttestation(free, null, { trust: noTrust }));
});
