// Trust levels as properties: findings that are worse, and settings that are stricter, never permit more.

import test from 'ava';
import fc from 'fast-check';
import type { TrustFindings } from '../../../agent/model/key/trust.ts';
import { permitCertificate } from '../../../policy/permit-certificate.ts';
import { defaultPolicy, type TrustLevel, type TrustPolicy } from '../../../policy/policy.ts';

const fingerprint = fc.constantFrom('AA', 'BB', 'CC');
const level = fc.constantFrom<TrustLevel[]>(0, 1, 2, 3);
const policies: fc.Arbitrary<TrustPolicy> = fc
  .record({ level, pinned: fc.array(fingerprint, { maxLength: 3 }) })
  .map((settings) => ({ ...defaultPolicy.trust, ...settings }));
const findings: fc.Arbitrary<TrustFindings> = fc.record({
  chainFault: fc.option(fc.string(), { nil: null }),
  authorities: fc.array(fingerprint, { maxLength: 3 }),
  revocation: fc.constantFrom('good', 'revoked', 'unknown'),
  revocationDetail: fc.option(fc.string(), { nil: null }),
});
const known = fc.option(findings, { nil: null });

function permits(policy: TrustPolicy, found: TrustFindings | null): boolean {
  return permitCertificate(policy, found).permitted;
}

/** The second permits only where the first does. */
function narrower(
  name: string,
  narrowed: (policy: TrustPolicy, found: TrustFindings | null) => [TrustPolicy, TrustFindings | null],
): void {
  test(`never permits more: ${name}`, (t) => {
    fc.assert(
      fc.property(
        policies,
        known,
        (policy, found) => !permits(...narrowed(policy, found)) || permits(policy, found),
      ),
      { numRuns: 2000 },
    );
    t.pass();
  });
}

narrower('a higher level', (policy, found) => [
  { ...policy, level: Math.min(3, policy.level + 1) as TrustLevel },
  found,
]);
narrower('an authority pinned less', (policy, found) => [
  // The last one is kept: without any, nothing is pinned.
  { ...policy, pinned: policy.pinned.length > 1 ? policy.pinned.slice(1) : policy.pinned },
  found,
]);
narrower('pins where there were none', (policy, found) => [
  policy.pinned.length === 0 ? { ...policy, pinned: ['AA'] } : policy,
  found,
]);
narrower('nothing found out', (policy) => [policy, null]);
narrower('a fault in the chain', (policy, found) => [policy, found && { ...found, chainFault: 'x' }]);
narrower('revoked', (policy, found) => [policy, found && { ...found, revocation: 'revoked' }]);

test('from level 1 on a fault refuses, from 2 on a revocation, at 3 silence', (t) => {
  fc.assert(
    fc.property(policies, known, (policy, found) => {
      const permitted = permits(policy, found);
      if (policy.level === 0) return permitted;
      if (found?.chainFault !== null) return !permitted;
      if (policy.level >= 2 && found.revocation === 'revoked') return !permitted;
      return policy.level < 3 || found.revocation === 'good' || !permitted;
    }),
    { numRuns: 2000 },
  );
  t.pass();
});
