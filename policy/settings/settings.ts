// Every key of scauth.toml: its schema, default, unit and meaning, in one place. The sample file, the errors and
// the policy are made from this table.

import * as v from 'valibot';
import { cardSettings } from './card.ts';
import { keyringSettings } from './keyring.ts';
import { attestationSettings } from './attestation.ts';
import { enforcementSettings } from './enforcement.ts';
import { fleetSettings } from './fleet.ts';
import { mappingSettings } from './mapping.ts';
import {
  flag,
  oneOf,
  serviceList,
  tableSchema,
  text,
  whole,
  word,
  type Setting,
  type SettingTable,
} from './setting.ts';
import { servicesShowing } from '../services.ts';
import { pkcs11Settings } from './pkcs11.ts';
import { sessionSettings } from './session.ts';
import { trustSettings } from './trust.ts';

const driverId = text(/^[A-Za-z0-9._-]{1,64}$/, 'must be the id of a token driver, e.g. "org.scauth.piv"');
const textOfReader = (what: string) =>
  v.pipe(
    v.string('must be text'),
    v.minLength(3, `must be ${what}at least 3 characters of a reader name`),
    v.maxLength(128, 'must have at most 128 characters'),
  );
const readerName = textOfReader('');
const readerPattern = textOfReader('a USB id, or ');

/** Table → key → setting, in the order of the sample file. */
export const settings = {
  login: {
    cards_allowed: {
      schema: flag,
      default: true,
      meaning: 'Cards may be used for login. false: every request goes on to the password.',
    },
    services: {
      schema: serviceList,
      default: ['*'],
      meaning:
        'PAM services (file names in /etc/pam.d) for which a card may be used. ["*"] means all; [] means none.',
    },
    remote: {
      schema: flag,
      default: false,
      meaning:
        'Sessions that are not at this machine may use the card in it. false: local sessions only, as logind says (without logind, PAM_RHOST does); in doubt a session is not local. Warning: with true, whoever has the PIN can use a card that somebody left in the machine, from anywhere.',
    },
    unblock_at_login: {
      schema: flag,
      default: true,
      meaning:
        'Where the PIN is blocked, a login at this machine offers to set a new one by the PUK, and goes on with it. Never from another host, whatever login.remote says.',
    },
    try_reserve: {
      schema: whole(0, 10),
      default: 1,
      unit: 'PIN tries',
      meaning:
        'Tries that a login leaves on the card: at or below it, the PIN is sent only after the user says yes. Warning: with 0, a typing mistake can block the card.',
    },
    pin_attempts: {
      schema: whole(1, 3),
      default: 1,
      unit: 'prompts',
      meaning: 'How often one login asks for the PIN before the password gets its turn.',
    },
    pin_digits: {
      schema: flag,
      default: false,
      meaning:
        'A login sends digits alone to a card as its PIN; what has another character in it is the password, and costs no try. YubiKeys and some PKCS#11 cards take letters too, so that without it a short password that is typed at their prompt is sent as a PIN. Warning: with true, a PIN with letters opens nothing here.',
    },
    prompt_only_services: {
      schema: serviceList,
      default: servicesShowing('nothing'),
      meaning:
        'PAM services whose programs (screen lockers, sddm) show no message before the secret is typed, and answer each prompt with it. What a person must do on the reader is a prompt there, which Enter answers.',
    },
    card_wait_ms: {
      schema: whole(0, 10_000),
      default: 4000,
      unit: 'milliseconds',
      meaning:
        'How long a login waits for a card that was just put in and is still being read. Without a card in a reader nobody waits.',
    },
    wait: {
      // Below the two minutes in which a relay bears that nothing is asked (PROTOCOL.md, 1.4).
      schema: whole(0, 110),
      default: 0,
      unit: 'seconds',
      meaning:
        'How long a login waits for a paired card that is not in: "Insert your card". Enter goes on to the password where there is a terminal; elsewhere the time must pass. 0: the password is asked for at once.',
    },
    card_check: {
      schema: word(['off', 'paired', 'always']),
      default: 'paired',
      meaning:
        'Whether a card must prove that it is the card, by its own key (PIV 9E, which needs no PIN), before it gets a PIN. It is asked when it is put in. "paired": where the pairing keeps such a key; "always": a card without one is refused as well, at the login and at pairing; "off": never. Warning: with "off", a copy of the certificates on another card is found out only after the PIN was typed.',
    },
    expiry_notice_days: {
      schema: whole(0, 365),
      default: 14,
      unit: 'days',
      meaning:
        'How long before its end the certificate on a card is told of at a login, once a day. 0 means never.',
    },
    min_rsa_bits: {
      schema: oneOf([2048, 3072, 4096]),
      default: 2048,
      unit: 'bits',
      meaning: 'Smallest RSA key that may be paired. Smaller ones than 2048 never may.',
    },
    min_ec_bits: {
      schema: oneOf([256, 384]),
      default: 256,
      unit: 'bits',
      meaning: 'Smallest elliptic-curve key that may be paired; Ed25519 counts as 256.',
    },
  },
  pairing: {
    users_may_pair: {
      schema: flag,
      default: true,
      meaning: 'Users may pair a card with their own account. false: only the administrator pairs.',
    },
    one_card_per_user: {
      schema: flag,
      default: false,
      meaning: 'A user may have one pairing. Pairings that are there already stay.',
    },
    renew: {
      schema: word(['ask', 'same-subject']),
      default: 'ask',
      meaning:
        'What sc_auth renew asks for beside the PIN of the new card. "ask": the account\'s password. "same-subject": nothing, where the certificates of the old and the new card are trusted (trust.level 1 and more, trust.pinned) and have the same subject and issuer, to the letter; then also where users may not pair.',
    },
  },
  prompt: {
    style: {
      schema: word(['short', 'macos']),
      default: 'short',
      meaning:
        'How the PIN is asked for. "short": by the name of the card\'s holder. "macos": in the words of macOS, by the labels of card and certificate, which are longer than most terminals are wide.',
    },
    message_services: {
      schema: serviceList,
      default: servicesShowing('messages'),
      meaning:
        "PAM services whose programs (lightdm's greeters, KDE's screen lock) show messages and words of their own in place of a prompt. There each question is shown as a message first.",
    },
  },
  audit: {
    no_record_no_grant: {
      schema: flag,
      default: true,
      meaning:
        'A login whose audit record cannot be written (full disk, read-only file system) is not granted by card; the password gets its turn. Warning: with false, such logins are missing in the log; it says later how many.',
    },
    forward: {
      schema: v.array(
        v.picklist(['journal', 'syslog', 'linux-audit'], 'must be "journal", "syslog" or "linux-audit"'),
        'must be a list',
      ),
      default: ['journal'],
      meaning:
        'Where records go beside the log: the journal (fields, a MESSAGE_ID for each kind), syslog (authpriv, RFC 5424), Linux audit (USER_AUTH with the hash of the key). No login waits for them. Read at the start.',
    },
    anchor_every: {
      schema: whole(0, 100_000),
      default: 100,
      unit: 'records',
      meaning:
        'How often the number and seal of a record go to the journal or syslog as an anchor; 0 means never. `sc_auth audit verify --anchors` holds the log against them.',
    },
  },
  reader: {
    contactless: {
      schema: flag,
      default: false,
      meaning:
        'Cards may be used through a contactless reader. Warning: with true, the PIN goes over the air, and a card can be used while it is in a pocket.',
    },
    contact_names: {
      schema: v.array(readerName, 'must be a list'),
      default: [],
      meaning:
        "Text in the names of readers that have contacts, where scauth takes them for contactless by a card's ATR, the interface that pcscd puts in brackets, or their name.",
    },
    contactless_names: {
      schema: v.array(readerName, 'must be a list'),
      default: [],
      meaning:
        'Text in the names of readers that are contactless, where scauth does not see it. It wins over reader.contact_names.',
    },
    pinpad_deny: {
      schema: v.array(readerPattern, 'must be a list'),
      default: [],
      meaning:
        "Readers whose PIN pad is not used, beside those that are known to lie: USB ids as lsusb shows them (08e6:34c0), or text that stands in the reader's name. The PIN is then typed at the computer.",
    },
  },
  card: cardSettings,
  tokens: {
    disabled: {
      schema: v.array(driverId, 'must be a list of driver ids'),
      default: [],
      meaning: 'Token drivers that are not used. `sc_auth drivers` lists them all.',
    },
    order: {
      schema: v.array(driverId, 'must be a list of driver ids'),
      default: ['org.scauth.piv'],
      meaning:
        'The drivers that are asked first whose card it is; the first that takes a card has it. Drivers that are not named follow: others by their id, PKCS#11 last.',
    },
  },
  piv: {
    isolate: {
      schema: flag,
      default: false,
      meaning:
        'Runs the PIV driver in a process of its own, without rights and without the PIN. A login takes some milliseconds longer, and the card is reset after each.',
    },
  },
  pkcs11: pkcs11Settings,
  session: sessionSettings,
  trust: trustSettings,
  mapping: mappingSettings,
  attestation: attestationSettings,
  enforcement: enforcementSettings,
  fleet: fleetSettings,
  keyring: keyringSettings,
} as const satisfies Record<string, SettingTable>;

type Settings = typeof settings;

/** `login.try_reserve`: a setting that is not in the table does not compile. */
export type SettingName = { [T in keyof Settings]: `${T}.${keyof Settings[T] & string}` }[keyof Settings];

/** The files as a whole, checked, under the names that they have there. */
export type Config = {
  [T in keyof Settings]: {
    [K in keyof Settings[T]]: Settings[T][K] extends Setting
      ? v.InferOutput<Settings[T][K]['schema']>
      : never;
  };
};

/** Strict: a table or key that is not there is an error, never ignored. */
export const configSchema = v.strictObject(
  Object.fromEntries(Object.entries(settings).map(([name, table]) => [name, tableSchema(table)])),
) as unknown as v.GenericSchema<unknown, Config>;
