// Matching rules as they are read. What they match is judged by SSSD itself in sssd.test.ts.

import test from 'ava';
import { parseCertmapRule } from '../../../policy/certmap/parse.ts';

const read = (text: string) => {
  const { combine, parts } = parseCertmapRule(text);
  return { combine, parts: parts.map(({ kind }) => kind) };
};

test('a rule is a combination of keywords, in one of its forms', (t) => {
  for (const [text, combine, ...parts] of [
    ['<SUBJECT>ada', 'all', 'subject'],
    ['&&<SUBJECT>ada<ISSUER>ca', 'all', 'subject', 'issuer'],
    ['||<KU>digitalSignature<EKU>clientAuth', 'any', 'key-usage', 'extended-key-usage'],
    ['KRB5:<SAN>ada', 'all', 'alt-name'],
    ['KRB5:||<SAN:rfc822Name>ada<SUBJECT>ada', 'any', 'alt-name', 'subject'],
  ])
    t.deepEqual(read(text ?? ''), { combine, parts }, text);
  t.like(parseCertmapRule('<EKU>msScLogin, 1.2.3').parts[0], {
    all: ['1.3.6.1.4.1.311.20.2.2', '1.2.3'],
  });
});

test('a rule that says something else than its author can mean is refused', (t) => {
  for (const text of [
    ...['', '||', 'KRB5:', 'ada', '|<SUBJECT>ada', 'LDAP:<SUBJECT>ada', '<SUBJECT>', '<SUBJECT>ada<ISSUER>'],
    ...[
      '<subject>ada',
      '<NAME>ada',
      '<constructor>ada',
      '<SAN:x400Address>ada',
      '<SUBJECT>[ada',
      '<KU>signing',
    ],
    ...[
      '<KU>digitalSignature,',
      '<EKU>login',
      '<EKU>constructor',
      '<EKU>3.1',
      '<EKU>1',
      '<EKU>1.1234567890123',
    ],
  ])
    t.throws(() => parseCertmapRule(text), { instanceOf: SyntaxError }, text);
});
