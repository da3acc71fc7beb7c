import test from 'ava';
import { bookBody } from '../../../../agent/model/book/book-body.ts';
import { bookLdif, escapeDnValue } from '../../../../agent/model/book/book-ldif.ts';
import { keyHash } from '../../../kit/fleet/lines.ts';

const place = { book: 'cn=book,dc=example', people: 'ou=people,dc=example', userAttribute: 'uid' };

/** Drafts are lines too. */
function recordOf(user: string, number: number): string {
  const key = 'MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE';
  const body = bookBody('record', {
    ...{
      realm: 'example.org',
      user,
      key,
      cardKey: null,
      label: 'x',
      notBefore: 1,
      notAfter: 2,
      number,
      uses: ['login'],
    },
  });
  return `scauth-book 1 record ${keyHash(user)} ${body}`;
}

test('a book becomes changes that may be sent again', (t) => {
  const [ada, more] = [recordOf('ada', 1), recordOf('ada', 2)];
  t.is(
    bookLdif([more, ada, 'scauth-book 1 head 7 e30'], place, ['grace']),
    `dn: cn=book,dc=example
control: 1.2.840.113556.1.4.1413 true
changetype: modify
replace: scauthBookHead
scauthBookHead: scauth-book 1 head 7 e30
-
replace: scauthBookOfficer
-

dn: uid=ada,ou=people,dc=example
control: 1.2.840.113556.1.4.1413 true
changetype: modify
add: objectClass
objectClass: scauthPerson
-
replace: scauthKeyHash
scauthKeyHash: ${keyHash('ada')}
-
replace: scauthRecord
scauthRecord: ${more}
scauthRecord: ${ada}
-

dn: uid=grace,ou=people,dc=example
control: 1.2.840.113556.1.4.1413 true
changetype: modify
add: objectClass
objectClass: scauthPerson
-
replace: scauthKeyHash
-
replace: scauthRecord
-
`,
  );
});

test('no name leads out of its place in a DN, and none out of its line', (t) => {
  t.is(escapeDnValue('ada,dc=evil'), 'ada\\2cdc\\3devil');
  t.is(escapeDnValue('#a +"\\<>;\n\0é '), '\\23a\\20\\2b\\22\\5c\\3c\\3e\\3b\\0a\\00\\c3\\a9\\20');
  const ldif = bookLdif([], { ...place, book: 'cn=b\u00fcch\nchangetype: delete,dc=example' });
  t.regex(ldif, /^dn:: [A-Za-z0-9+/=]+\n/);
  t.is(ldif.match(/changetype/g)?.length, 1);
});

test('what is no line of a book ends it', (t) => {
  t.throws(() => bookLdif(['scauth-book 1 head 7 e30\nchangetype: delete'], place), {
    code: 'malformed',
  } as never);
  t.throws(() => bookLdif(['scauth-book 1 record x e30'], place), { code: 'malformed' } as never);
});
