// Contactless, by what pcscd says of this card's slot, by the ATR that readers make up, and by the names of readers.
import test from 'ava';
import { isContactless, permitReader, type ReaderFacts } from '../../../policy/permit-reader.ts';
import { defaultPolicy, type Policy } from '../../../policy/policy.ts';
import { policyWith } from '../../kit/story/policy-with.ts';

/** Of a YubiKey with contacts, and of a card of T=0: what only contacts have. */
const CONTACTS = [
  '3BFD1300008131FE158073C021C057597562694B657940',
  '3B6500002063CB6800',
  '3F6500002063CB6800',
];
/** What a reader makes up for a card without. */
const MADE_UP = '3B8F8001804F0CA000000306030001000000006A';
/** Neither. */
const SILENT = '3B8500112233445566';

const at = (reader: string, atr: string): ReaderFacts => ({ reader, atr: Buffer.from(atr, 'hex') });
/** With each ATR of its kind, in the order contacts, made up, silent: `c` for contacts, `a` for through the air. */
const judged = (reader: string, policy: Policy = defaultPolicy): string =>
  [CONTACTS, [MADE_UP], [SILENT]]
    .map((atrs) =>
      [...new Set(atrs.map((atr) => (isContactless(policy, at(reader, atr)) ? 'a' : 'c')))].join(),
    )
    .join('');

// Names of the CCID project's list, and what libccid calls the interface where there are several.
const NAMES: Readonly<Record<string, readonly string[]>> = {
  // The name says nothing, or both: the ATR decides.
  cac: [
    'Yubico YubiKey OTP+FIDO+CCID 00 00',
    'Alcor Micro AU9540 00 00',
    'Virtual PCD 00 00',
    'CLASSIC Reader 00 00',
    'Feitian VR504 VHBR Contactless & Contact Card Reader 00 00',
    'Circle CIR415 CL & 1S [CIR415 CL & 1S] 00 00',
    'Kensington VeriMark NFC+ USB-C Security Key 00 00',
    'Identiv uTrust 3522 embd SE RFID Token 00 00',
    'Identiv Identiv uTrust 4711 F CL + SAM Reader 00 00',
    'HID Global OMNIKEY 5422 Smartcard Reader [OMNIKEY 5422 Smartcard Reader] (AK) 00 00',
    'SCM Microsystems Inc. SCR 3310 [CCID Interface] (21120843319143) 00 00',
    // The interface says contacts, the ATR not: a card with contacts that has the same one waits for the setting.
    'Identiv Identiv uTrust 4711 F CL + SAM Reader [uTrust 4711 F SAM Reader] 00 00',
    'Identiv uTrust 4701 F Dual Interface Reader [uTrust 4701 F Contact Reader] 00 00',
    'ACS ACR1252 1S CL Reader [ACR1252 1S CL Reader SAM] 01 00',
    'Broadcom Corp 58200 [Contacted SmartCard] 00 00',
    'ACS ACR1281 1S Dual Reader ICC 00 00',
  ],
  // The interface says contactless, whatever the ATR.
  aaa: [
    'HID Global OMNIKEY 5422 Smartcard Reader [OMNIKEY 5422CL Smartcard Reader] 01 00',
    'ACS ACR1252 1S CL Reader [ACR1252 1S CL Reader PICC] 00 00',
    'Identiv Identiv uTrust 4711 F CL + SAM Reader [uTrust 4711 F CL Reader] 01 00',
    'Feitian R502 [R502 Contactless Reader] 00 00',
    'Broadcom Corp 58200 [Contactless SmartCard] 01 00',
    'BIT4ID miniLector AIR NFC v3 [miniLector AIR DI v3 CLESS] 00 00',
  ],
  // The name alone says contactless: it counts where the ATR says nothing.
  caa: [
    'ACS ACR122U PICC Interface 00 00',
    'Identiv uTrust 3700 F Contactless Reader 00 00',
    'SONY FeliCa RC-S380/P 00 00',
    'REINER SCT cyberJack RFID standard (1234567890) 00 00',
    'SCM Microsystems Inc. SDI011 Contactless Reader [Vendor Interface] (21120843) 00 00',
    'ELYCTIS CL reader [CCID Interface] 00 00',
  ],
};

test('K7: ATR and interface first, the name of the reader only where neither says anything', (t) => {
  for (const [expected, names] of Object.entries(NAMES))
    for (const name of names) t.is(judged(name), expected, name);
});

test('K7: the administrator names exceptions, both ways', (t) => {
  const dual = 'cyberJack RFID standard 00 00';
  const contactless = 'R502 [R502 Contactless Reader] 00 00';
  const contacts = policyWith({ reader: { contactNames: ['CYBERJACK rfid', 'r502'] } });
  t.is(judged(dual, contacts), 'ccc');
  t.is(judged(contactless, contacts), 'ccc');
  t.is(judged('ACS ACR122U PICC Interface 00 00', contacts), 'caa');
  const air = policyWith({ reader: { contactNames: ['AU9540'], contactlessNames: ['Alcor'] } });
  t.is(judged('Alcor Micro AU9540 00 00', air), 'aaa');
});

test('K7: a token in no reader is not contactless, whatever it calls itself', (t) => {
  t.false(isContactless(defaultPolicy, at('NFC login', '')));
});

test('by the ATR, of exactly its length', (t) => {
  const reader = 'Reader 00 00';
  t.true(isContactless(defaultPolicy, at(reader, '3B80800101')));
  for (const atr of [MADE_UP.slice(0, -2), `${MADE_UP}00`, '', ...CONTACTS])
    t.false(isContactless(defaultPolicy, at(reader, atr)));
  t.false(permitReader(defaultPolicy, at(reader, MADE_UP)));
  t.true(permitReader(policyWith({ reader: { contactless: true } }), at(reader, MADE_UP)));
});
