// What a maker says of a key as a property: a stricter policy and a weaker word never permit more.

import test from 'ava';
import fc from 'fast-check';
import type { AttestationFindings } from '../../../agent/model/card/attestation.ts';
import { permitAttestation } from '../../../policy/permit-attestation.ts';
import { defaultPolicy, type AttestationPolicy } from '../../../policy/policy.ts';

const PINS = ['never', 'once', 'always'] as const;
const TOUCHES = ['never', 'cached', 'always'] as const;
const version = fc.constantFrom('4.3.0', '5.7.0', '5.10.2');
const findings: fc.Arbitrary<AttestationFindings> = fc.record({
  fault: fc.option(fc.string(), { nil: null }),
  pinPolicy: fc.option(fc.constantFrom(...PINS), { nil: null }),
  touchPolicy: fc.option(fc.constantFrom(...TOUCHES), { nil: null }),
  firmware: fc.option(version, { nil: null }),
  serial: fc.constant(null),
});
const policies: fc.Arbitrary<AttestationPolicy> = fc.record({
  required: fc.boolean(),
  roots: fc.constant([]),
  pinPolicy: fc.constantFrom('any', 'once', 'always'),
  touchPolicy: fc.constantFrom('any', 'cached', 'always'),
  minFirmware: fc.oneof(fc.constant(''), version),
});
const known = fc.option(findings, { nil: null });
const permits = (policy: AttestationPolicy, found: AttestationFindings | null): boolean =>
  permitAttestation(policy, found).permitted;

test('what is required is refused without a word, with a fault, and where something is not said', (t) => {
  fc.assert(fc.property(policies, (policy) => permits(policy, null) === !policy.required));
  fc.assert(
    fc.property(
      policies,
      findings,
      (policy, found) => !policy.required || !permits(policy, { ...found, fault: '' }),
    ),
  );
  fc.assert(
    fc.property(policies, findings, (policy, found) => {
      const silent = { ...found, pinPolicy: null, touchPolicy: null, firmware: null };
      return permits(policy, found) || !permits(policy, silent);
    }),
  );
  t.pass();
});

test('a stricter setting permits no more', (t) => {
  const stricter: readonly ((policy: AttestationPolicy) => AttestationPolicy)[] = [
    (policy) => ({ ...policy, required: true }),
    (policy) => ({ ...policy, pinPolicy: 'always' }),
    (policy) => ({ ...policy, touchPolicy: 'always' }),
    (policy) => ({ ...policy, minFirmware: policy.minFirmware === '' ? '4.3.0' : '5.10.2' }),
  ];
  for (const change of stricter)
    fc.assert(
      fc.property(
        policies,
        known,
        (policy, found) => permits(policy, found) || !permits(change(policy), found),
      ),
    );
  t.pass();
});

test('versions are compared as numbers', (t) => {
  const policy = { ...defaultPolicy.attestation, required: true, minFirmware: '5.7.0' };
  const of = (firmware: string | null) =>
    permits(policy, { fault: null, pinPolicy: null, touchPolicy: null, firmware, serial: null });
  t.deepEqual(['5.7.0', '5.7.1', '5.10.0', '6.0.0'].map(of), [true, true, true, true]);
  t.deepEqual(['5.6.9', '4.9.9', null].map(of), [false, false, false]);
});
