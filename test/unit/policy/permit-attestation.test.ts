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

test('a PIN or touch policy that is wanted is reached by what is as strict, and by nothing less', (t) => {
  const of = (wanted: Partial<AttestationPolicy>, found: Partial<AttestationFindings>) => {
    const policy = { ...defaultPolicy.attestation, required: true, minFirmware: '', ...wanted };
    const nothing = { fault: null, pinPolicy: null, touchPolicy: null, firmware: null, serial: null };
    const permission = permitAttestation(
      { ...policy, pinPolicy: wanted.pinPolicy ?? 'any', touchPolicy: wanted.touchPolicy ?? 'any' },
      { ...nothing, ...found },
    );
    return permission.permitted ? null : permission.rule;
  };
  t.is(of({}, {}), null, 'nothing more is wanted than that a maker vouches for the key');
  const pins = [null, ...PINS].map((pinPolicy) => of({ pinPolicy: 'once' }, { pinPolicy }));
  t.deepEqual(pins, ['attestation.pin_policy', 'attestation.pin_policy', null, null]);
  const touches = [null, ...TOUCHES].map((touchPolicy) => of({ touchPolicy: 'cached' }, { touchPolicy }));
  t.deepEqual(touches, ['attestation.touch_policy', 'attestation.touch_policy', null, null]);
  t.is(of({ pinPolicy: 'always' }, { pinPolicy: 'once' }), 'attestation.pin_policy');
  t.is(of({ touchPolicy: 'always' }, { touchPolicy: 'cached' }), 'attestation.touch_policy');
});
