// sandbox-card: what a person and a script do with the cards of a sandbox.
import test from 'ava';
import * as person from '../person/person.ts';
import { type ExecResult, Sandbox } from './sandbox.ts';
import { sandboxCommand } from './sandbox-command.ts';

let sandbox: Sandbox;
test.before(async () => {
  sandbox = await Sandbox.start({ card: 'none', readers: 4 });
});
test.after.always(() => sandbox.stop());

function card(...args: string[]): Promise<ExecResult> {
  return sandbox.exec(['sandbox-card', ...args]);
}

test.serial('a script adds a card, takes it out, puts it in and sees what came to it', async (t) => {
  const script = `set -e
n=$(sandbox-card add --key rsa2048 --cn 'Grace Hopper' --pin 424242 --reader 1); echo "number $n"
sc_auth identities
sandbox-card list; sandbox-card tries "$n"
sandbox-card apdus "$n" --clear | grep -c '^00A40400 .* -> '; sandbox-card apdus "$n" | wc -l
sandbox-card eject "$n"; sandbox-card list; sandbox-card insert "$n"; sandbox-card list`;
  const { code, stdout, stderr } = await sandboxCommand(['--card', 'none', 'sh', '-c', script]);
  t.is(code, 0, stderr);
  const row = (place: string): string => `1\treader 1\t${place}\ttries 3\tCN=Grace Hopper\n`;
  t.regex(stdout, /^number 1\n/);
  t.regex(stdout, /PIV \(Grace Hopper\)/);
  t.regex(stdout, new RegExp(`${row('in')}3\n[1-9]\\d*\n0\n${row('out')}${row('in')}$`));
});

test.serial('the person of the sandbox does so too, and pairs and uses the card', async (t) => {
  const added = await sandbox.exec(['su', '-', sandbox.user, '-c', 'sandbox-card add'], { user: 'root' });
  t.is(added.stdout, '1\n', added.stderr);
  await person.pairCard(sandbox);
  await person.expectCardLogin(sandbox);
  t.regex((await card('apdus', '1')).stdout, /^00200080 08(\*\*){8,9} -> 9000$/m);
  const mistyped = await sandbox.exec(['sc_auth', 'verifypin'], { user: sandbox.user, input: '999999\n' });
  t.not(mistyped.code, 0);
  t.is((await card('tries', '1')).stdout, '2\n');
});

test.serial('each card is another one, and looks as it was told', async (t) => {
  const plain = await card('add', '--firmware', 'none', '--atr', '3B8D018073C021C057736F66747061');
  t.is(plain.stdout, '2\n', plain.stderr);
  const subject = 'DC=com,CN=Users,CN=Lovelace\\, Ada+UID=ada';
  t.is((await card('add', '--subject', subject, '--firmware', '5.4', '--reader', '3')).stdout, '3\n');
  const { stdout } = await card('list');
  t.regex(stdout, /^2\treader 1\tin\ttries 3\tCN=Ada Lovelace 2$/m);
  t.regex(stdout, /^3\treader 3\tin\ttries 3\tDC=com, CN=Users, CN=Lovelace\\, Ada \+ UID=ada$/m);
  t.is((await sandbox.exec(['sc_auth', 'list-smartcards'])).stdout.trim().split('\n').length, 3);
  t.regex((await sandbox.exec(['opensc-tool', '--reader', '1', '--atr'])).stdout, /^3b:8d:01:80/m);
});

test.serial('whatever cannot be done is said, with the next step', async (t) => {
  const refused: [string[], RegExp][] = [
    [['add', '--reader', '0'], /Card 1 is in reader 0. Take it out first: sandbox-card eject 1/],
    [['add', '--reader', '4'], /There is no reader 4: they are 0 to 3/],
    [['add', '--reader', '2', '--kay', 'p256'], /Unknown option '--kay'[^]*sandbox-card --help/],
    [['add', '--reader', '2', '--key', 'p255'], /unknown key p255/],
    [['add', '--reader', '2', '--guid', '11'], /32 hex digits/],
    [['add', '--reader', '2', '--atr', '44'], /is no ATR/],
    [['add', '--reader', '2', '--pin', '123456789'], /at most 8/],
    [['add', '--reader', '2', '--firmware', 'new'], /is no firmware/],
    [['add', '--reader', '2', '--subject', 'Ada'], /is no part of a subject/],
    [['eject', '9'], /There is no card 9. There are: 1, 2, 3/],
    [['tries'], /The number of a card is missing/],
    [['list', '1'], /That is too much/],
    [['remove', '1'], /'remove' is no command/],
  ];
  for (const [args, why] of refused) {
    const { code, stdout, stderr } = await card(...args);
    t.is(code, 64, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, why);
  }
  t.is((await card('add')).stdout, '4\n', 'a refused card takes no number');
  t.regex((await card('add')).stderr, /A card is in each of the 4 readers/);
  const both = await sandbox.exec([
    'sh',
    '-c',
    'sandbox-card eject 1; sandbox-card eject 2; sandbox-card add & sandbox-card add; wait',
  ]);
  t.deepEqual(both.stdout.trim().split('\n').sort(), ['5', '6'], `two at once\n${both.stderr}`);
  t.regex((await card('--help')).stdout, /^usage: sandbox-card/);
});
