// Contactless, by the names that vendors give and by the ATR that readers make up.
import test from 'ava';
import { isContactless, permitReader } from '../../../policy/permit-reader.ts';
import { defaultPolicy } from '../../../policy/policy.ts';
import { policyWith } from '../../kit/story/policy-with.ts';

const YUBIKEY = Buffer.from('3BFD1300008131FE158073C021C057597562694B657940', 'hex');
const STORAGE = Buffer.from('3B8F8001804F0CA000000306030001000000006A', 'hex');

test('by the name', (t) => {
  for (const reader of [
    'ACS ACR122U PICC Interface 00 00',
    'ACS ACR1252 1S CL Reader [ACR1252 1S CL Reader PICC] 00 00',
    'HID Global OMNIKEY 5422 Smartcard Reader [OMNIKEY 5422CL Smartcard Reader] 01 00',
    'Identiv uTrust 3700 F Contactless Reader 00 00',
    'SONY FeliCa RC-S380/P 00 00',
  ])
    t.true(isContactless({ reader, atr: YUBIKEY }), reader);
  for (const reader of [
    'Yubico YubiKey OTP+FIDO+CCID 00 00',
    'ACS ACR1281 1S Dual Reader ICC 00 00',
    'Alcor Micro AU9540 00 00',
    'Virtual PCD 00 00',
    'CLASSIC Reader 00 00',
  ])
    t.false(isContactless({ reader, atr: YUBIKEY }), reader);
});

test('by the ATR, of exactly its length', (t) => {
  const reader = 'Reader 00 00';
  t.true(isContactless({ reader, atr: STORAGE }));
  t.true(isContactless({ reader, atr: Buffer.from('3B80800101', 'hex') }));
  for (const atr of [STORAGE.subarray(0, -1), Buffer.alloc(0), YUBIKEY])
    t.false(isContactless({ reader, atr }));
  t.false(permitReader(defaultPolicy, { reader, atr: STORAGE }));
  t.true(permitReader(policyWith({ reader: { contactless: true } }), { reader, atr: STORAGE }));
});
