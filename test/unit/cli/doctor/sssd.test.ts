// What sc_auth doctor says of SSSD, and settings of [mapping] that cannot be meant together.

import test from 'ava';
import { contradiction } from '../../../../config/contradictions.ts';
import { checkSssd } from '../../../../agent/cli/doctor/sssd.ts';
import type { CertificateUsers } from '../../../../agent/sssd/interface.ts';
import type { MappingPolicy } from '../../../../policy/policy.ts';
import { policyWith, type PolicyChanges } from '../../../kit/story/policy-with.ts';
import { Pki } from '../../trust/authority.ts';

const pki = new Pki();
test.before(() => {
  pki.root('root');
});
test.after.always(() => pki.close());

function policyOf(mapping: Partial<MappingPolicy>, more: PolicyChanges = {}): ReturnType<typeof policyWith> {
  const trust = { level: 1, authorities: [pki.file('root.pem')], pinned: ['A'.repeat(64)] } as const;
  return policyWith({ trust, mapping, ...more });
}

test('nothing where it is not asked; as root whether it answers, and which names are enough', async (t) => {
  const asked: Buffer[] = [];
  const answers: CertificateUsers = {
    usersOf: (der) => {
      asked.push(der);
      return Promise.resolve([]);
    },
  };
  t.deepEqual(await checkSssd(policyOf({}), 0, answers), []);
  t.like((await checkSssd(policyOf({ source: 'sssd' }), 1000, answers))[0], { state: 'unknown' });
  t.deepEqual(asked, []);
  const good = await checkSssd(policyOf({ source: 'sssd' }), 0, answers);
  t.deepEqual(
    good.map(({ state }) => state),
    ['ok'],
  );
  t.deepEqual(asked, [pki.der('root')]);
  const weak = await checkSssd(policyOf({ source: 'sssd', weak: ['upn', 'sssd'] }), 0, answers);
  t.deepEqual(
    weak.map(({ state }) => state),
    ['ok', 'warning'],
  );
  t.regex(weak[1]?.detail ?? '', /upn, sssd/);
  const silent: CertificateUsers = { usersOf: () => Promise.reject(new Error('no bus')) };
  const [check] = await checkSssd(policyOf({ source: 'sssd' }), 0, silent);
  t.like(check, { state: 'warning' });
  t.regex(`${check?.detail ?? ''} ${check?.repair ?? ''}`, /no bus.*sssd-dbus/);
});

test('settings that cannot be meant together are refused', (t) => {
  t.is(contradiction(policyOf({ source: 'sssd', weak: ['upn'], several: true })), null);
  for (const [policy, why] of [
    [policyOf({ source: 'sssd', attribute: 'name', fields: ['common_name'] }), /only one of them/],
    [policyOf({ weak: ['sssd'] }), /mapping\.weak/],
    [policyOf({ several: true }), /mapping\.several/],
    [policyWith({ mapping: { source: 'sssd' } }), /pinned authority/],
    [
      policyOf({ source: 'sssd' }, { attestation: { required: true, roots: ['/etc/roots.pem'] } }),
      /mapping\.source/,
    ],
  ] as const)
    t.regex(contradiction(policy) ?? '', why);
});
