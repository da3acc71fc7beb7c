// The software PIV card as a process: reads its options, puts the card into vpcd's reader and listens for control calls.
// Prints one JSON line for each event: {"event":"control"}, then {"event":"powered"} when pcscd has switched the card on.
// Not for anything but tests: its keys are public.
import { readFileSync, rmSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import { SoftwareCard } from './card.ts';
import { serveControl } from './control.ts';
import { makeProfile } from './profile.ts';
import type { CardOptions } from './profile.ts';
import { VpcdConnection } from './vpcd.ts';

const HELP = `usage: node test/kit/card/main.ts [options]

The reader
  --host HOST            of vpcd (127.0.0.1)
  --port PORT            of vpcd's slot (35963; the second slot is 35964)
  --control PATH         Unix socket for control calls (none)
  --out                  start outside the reader; go in by the control call "insert"
  --delay-ms N           added to each APDU (0)
  --extended             accept extended APDUs, and say so in the ATR
  --atr HEX              instead of a YubiKey 5's

The card
  --profile FILE         JSON with any of these options (camelCase), and slots as an object
  --pin, --puk, --global-pin TEXT    (123456, 12345678, none)
  --pin-tries, --puk-tries N         (3, 3)
  --guid HEX             of the CHUID, 32 digits
  --serial N             Yubico serial number (12345678)
  --firmware X.Y[.Z]     Yubico firmware (5.7.1; metadata from 5.3 on), or none: a card without Yubico's instructions
  --touch POLICY         of 9A in the metadata: never, always, cached (never)
  --discovery HEX        PIN usage policy (4000), or none
  --slots LIST           filled slots (9A,9C,9D,9E)
  --factory              as it comes from the factory: nothing on it, PIN 123456, PUK 12345678
  --pin-complexity       firmware 5.7's setting: 6985 for simple PINs and PUKs

Slot 9A, and in their way the others
  --key TYPE[:CARD]      rsa1024 rsa2048 rsa3072 rsa4096 p256 p384 ed25519; each CARD number has its own keys; or a PEM file
  --cn, --organization, --email, --upn TEXT
  --subject DN           the whole subject, DC=com,CN=Users,CN=Ada Lovelace, or empty
  --certificate-serial HEX, --not-before DATE, --not-after DATE
  --issuer CN            issued by the test CA instead of self-signed
  --certificate FILE     PEM instead of a made one, or none
  --gzip                 certificates compressed
`;

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;

const OPTIONS = {
  ...{ help: FLAG, out: FLAG, extended: FLAG, gzip: FLAG, factory: FLAG, 'pin-complexity': FLAG },
  ...{ host: TEXT, port: TEXT, control: TEXT, 'delay-ms': TEXT, atr: TEXT, profile: TEXT, slots: TEXT },
  ...{ pin: TEXT, puk: TEXT, 'global-pin': TEXT, 'pin-tries': TEXT, 'puk-tries': TEXT, guid: TEXT },
  ...{ serial: TEXT, firmware: TEXT, discovery: TEXT, key: TEXT, cn: TEXT, organization: TEXT, email: TEXT },
  ...{
    upn: TEXT,
    subject: TEXT,
    'certificate-serial': TEXT,
    'not-before': TEXT,
    'not-after': TEXT,
    issuer: TEXT,
  },
  ...{ certificate: TEXT, touch: TEXT },
} as const;

/** Flags of the process itself; all others are options of the card. */
const PROCESS_FLAGS: ReadonlySet<string> = new Set(['help', 'out', 'host', 'port', 'control', 'profile']);
const NUMBERS: ReadonlySet<string> = new Set(['delay-ms', 'pin-tries', 'puk-tries', 'serial']);

/** The card's options from its file and flags. @throws Error for an unreadable file */
function cardOptions(values: Readonly<Record<string, string | boolean | undefined>>): CardOptions {
  const file = values['profile'];
  const options: Record<string, unknown> =
    typeof file === 'string' ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {};
  for (const [flag, value] of Object.entries(values)) {
    if (PROCESS_FLAGS.has(flag) || value === undefined) continue;
    const name = flag.replace(/-(.)/gu, (_, letter: string) => letter.toUpperCase());
    if (flag === 'slots') options[name] = String(value).split(',');
    else options[name] = NUMBERS.has(flag) ? readNumber(flag, String(value)) : value;
  }
  return options;
}

/** @throws Error that names the option */
function readNumber(flag: string, text: string): number {
  if (!/^\d{1,9}$/u.test(text)) throw new Error(`--${flag} takes a number, not '${text}'`);
  return Number(text);
}

const say = (event: object): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
};

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const card = new SoftwareCard(makeProfile(cardOptions(values)));
  const wire = new VpcdConnection(card, values.host ?? '127.0.0.1', Number(values.port ?? 35963));
  card.onEject = () => {
    wire.eject();
  };
  const { control } = values;
  if (control !== undefined) {
    await serveControl(control, card, wire);
    say({ event: 'control', path: control });
  }
  const end = (): void => {
    if (control !== undefined) rmSync(control, { force: true });
    process.exit(0);
  };
  process.once('SIGTERM', end).once('SIGINT', end);
  if (values.out === true) return;
  await wire.insert();
  say({ event: 'powered', atr: card.atr().toString('hex').toUpperCase() });
  // A sandbox ends with SIGKILL, which leaves Node no time for it.
  flushCompileCache();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`card: ${error instanceof Error ? error.message : String(error)}\ntry --help\n`);
  process.exitCode = 2;
}
