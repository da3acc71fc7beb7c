// `npm run demo`: a person pairs a card, runs sudo with it, mistypes the PIN, pulls the card, and looks at the log.
// Everything runs in a sandbox (test/kit/sandbox): the machine's own PAM files, sudoers and pcscd are never touched.
// --reader uses the machine's reader and card; the person at the keyboard types the PIN.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { Sandbox } from '../../test/kit/sandbox/sandbox.ts';
import { Cast } from './cast.ts';
import { play, type Move, type Scene } from './scene.ts';

const GRANTED = 'uid=0(root)';
const PIN_PROMPT = /Enter PIN for '.*': /;
const PASSWORD_PROMPT = /[Pp]assword.*: /;

const USAGE = `npm run demo [-- --reader | --record NAME]

Pairs a card, opens sudo with it, mistypes the PIN, pulls the card; in a sandbox, with a software card.
  --reader   with the machine's own reader and card: put the card in first, and type its PIN when asked
  --record   also writes NAME.cast (asciinema play NAME.cast) and NAME.svg, a picture of the same
`;

const TITLE = 'A card is paired, opens sudo, and is taken out';

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Waits for pcscd and scauthd to notice that the card is in or out. */
async function untilCard(sandbox: Sandbox, wanted: 'in' | 'out', patienceMs: number): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline) {
    const { stdout } = await sandbox.exec(['sc_auth', 'list-smartcards']);
    if ((stdout.trim() === '') === (wanted === 'out')) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (wanted === 'out') throw new Error('the card was not taken out.');
  throw new Error(
    'no card was put into a reader. `pcsc_scan` (Debian package pcsc-tools) shows the readers and cards that pcscd sees.',
  );
}

/** @param pin null: the person at the keyboard types it */
async function run(sandbox: Sandbox, pin: string | null, cast: Cast | null): Promise<void> {
  const password: Move = { when: PASSWORD_PROMPT, type: sandbox.password };
  const rightPin: Move = { when: PIN_PROMPT, type: pin };
  const secrets = pin === null ? [sandbox.password] : [pin, sandbox.password];
  const show = (scene: Scene): Promise<void> => play(sandbox, scene, cast);

  await show({
    about: 'The card is in. Which keys are on it, and are they paired?',
    command: ['sc_auth', 'identities'],
    moves: [],
    shows: ['Unpaired identities:'],
    exitCode: 0,
  });
  await show({
    about: 'Pair it with the account: once, with the account password and the card PIN.',
    command: ['sc_auth', 'pair'],
    moves: [{ when: /Enter = \w+.*: /, type: '1' }, password, rightPin],
    shows: [PIN_PROMPT],
    hides: secrets,
    exitCode: 0,
  });
  await show({
    about: 'From now on card + PIN opens sudo.',
    command: ['sudo', 'id'],
    moves: [rightPin],
    shows: [GRANTED],
    hides: secrets,
    exitCode: 0,
  });
  if (pin === null) {
    say('\n# The scene with a wrong PIN is left out: it would cost your card a try.');
  } else {
    await show({
      about: 'A wrong PIN: the tries left are shown, and the password has its turn.',
      command: ['sudo', 'id'],
      moves: [{ when: PIN_PROMPT, type: '000000' }, password],
      shows: ['Wrong PIN. 2 tries left.', GRANTED],
      hides: secrets,
      exitCode: 0,
    });
  }
  await pull(sandbox, pin === null);
  await show({
    about: 'The card is out: straight to the password, with no wait and no word about a card.',
    command: ['sudo', 'id'],
    moves: [password],
    shows: [GRANTED],
    hides: [...secrets, PIN_PROMPT],
    exitCode: 0,
  });
  await show({
    about: 'The pairing stays.',
    command: ['sc_auth', 'list'],
    moves: [],
    shows: [/^Hash: [0-9A-F]{40}\s*$/],
    exitCode: 0,
  });
}

async function pull(sandbox: Sandbox, byPerson: boolean): Promise<void> {
  if (byPerson) say('\n# Take the card out of the reader now.');
  else await sandbox.card.eject();
  await untilCard(sandbox, 'out', 120_000);
}

/** The lines of the two logins, in short. @throws Error when the log does not tell what happened */
function showAudit(sandbox: Sandbox): void {
  interface Line {
    class_uid: number;
    status: string;
    status_detail?: string;
    user?: { name: string };
    service?: { name: string };
    unmapped?: { pkhh?: string };
  }
  const lines = sandbox.auditLog().trim().split('\n');
  const logins = lines.map((line) => JSON.parse(line) as Line).filter(({ class_uid }) => class_uid === 3002);
  say('\n# What the audit log says of these logins (OCSF, one object a line):');
  for (const { status, status_detail: detail, user, service, unmapped } of logins) {
    const key = unmapped?.pkhh === undefined ? '' : `, key ${unmapped.pkhh}`;
    say(
      `${status}${detail === undefined ? '' : ` (${detail})`}: ${user?.name ?? '?'}, ${service?.name ?? '?'}${key}`,
    );
  }
  const granted = logins.find(({ status }) => status === 'Success');
  if (granted?.user?.name !== sandbox.user) throw new Error('the audit log does not tell of the login');
  say('\n# The first of them, whole:');
  say(lines.find((line) => line.includes('"class_uid":3002')) ?? '');
}

/** null: they cannot be meant. */
function optionsOf(
  args: readonly string[],
): { reader: boolean; help: boolean; record?: string | undefined } | null {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        reader: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
        record: { type: 'string' },
      },
    });
    return values;
  } catch {
    return null;
  }
}

async function main(args: readonly string[]): Promise<void> {
  const asked = optionsOf(args);
  if (asked === null || asked.help) {
    (asked === null ? process.stderr : process.stdout).write(USAGE);
    process.exitCode = asked === null ? 2 : 0;
    return;
  }
  const { reader, record } = asked;
  const cast = record === undefined ? null : new Cast();
  if (reader && !process.stdin.isTTY) throw new Error('--reader needs a terminal: you type the PIN');
  say('scauth demo: a private pcscd, PAM, sudo and scauthd; nothing of your machine is changed.');
  if (reader) say('Waiting for a card in a reader of this machine (two minutes; Ctrl-C ends)…');
  const sandbox = await Sandbox.start({ reader });
  try {
    if (reader) await untilCard(sandbox, 'in', 120_000);
    const typed = reader ? 'the password is typed for you, the PIN is yours' : 'both are typed for you';
    const pin = reader ? '' : `, the PIN of the card ${sandbox.pin}`;
    say(`The account is ${sandbox.user}, its password ${sandbox.password}${pin}; ${typed}, and do not show.`);
    await run(sandbox, reader ? null : sandbox.pin, cast);
    showAudit(sandbox);
  } catch (error) {
    process.stderr.write(`\n${sandbox.logs()}\n`);
    throw error;
  } finally {
    await sandbox.stop();
  }
  if (cast !== null) {
    writeFileSync(`${record}.cast`, cast.toAsciicast(TITLE));
    writeFileSync(`${record}.svg`, cast.toSvg(TITLE));
    say(`\n# Written: ${record}.cast and ${record}.svg`);
  }
  say('\n# Done. The sandbox is gone, and nothing of it is left.');
  say('# To try it by hand: npm run sandbox. To install it: README.md, "Install it".');
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
