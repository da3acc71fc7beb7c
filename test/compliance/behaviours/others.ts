// Other users of the machine, who have no rights, and machines that are not as they usually are.
import { setTimeout as pause } from 'node:timers/promises';
import { ofAny, withCard, type Behaviour } from '../behaviour.ts';
import type { Reply } from '../client.ts';
import { withOthers } from '../sockets.ts';
import type { World } from '../world.ts';
import { LogindMock } from '../../kit/logind/logind-mock.ts';
import { Units } from '../../kit/logind/units.ts';
import { ssh, startSshd } from '../../kit/person/sshd.ts';
import { MOST_READERS } from '../../kit/sandbox/etc.ts';
import { forged, withOtherKey } from './proof.ts';

const WRONG: Reply = { text: '000000' };
const BOB = 'bob';
const PASSWORD = /[Pp]assword[^\n]*: ?$/;

const DOES = {
  idle: 'hold 136 connections to each socket of the machine',
  busy: 'write into each socket of the machine as fast as it is read',
} as const;

const crowds = (['idle', 'busy'] as const).flatMap((mode) => {
  const of = mode === 'idle' ? 'S1' : 'S2';
  return [
    withCard(
      `others-${mode}-card`,
      `While other users ${DOES[mode]}, card and PIN let in`,
      (world) => withOthers(world, mode, async () => (await world.rightPin()).letIn),
      { of },
    ),
    ofAny(
      `others-${mode}-password-alone`,
      `While other users ${DOES[mode]}, the password alone does not let in where both are wanted`,
      (world) =>
        withOthers(world, mode, async () => {
          const { password } = world.sandbox;
          return !(await world.login('and-password', { pins: [WRONG], password })).letIn;
        }),
      { of },
    ),
  ];
});

/** The record of who has which card, overwritten for as long as `act` takes. */
async function withoutRecord<T>(world: World, act: () => Promise<T>): Promise<T> {
  const { program, sandbox } = world;
  await program.damage(sandbox);
  try {
    return await act();
  } finally {
    await program.mend(sandbox);
  }
}

const damaged: readonly Behaviour[] = [
  ...(['only', 'then-permit', 'or-permit-if-ignored'] as const).map((stack) =>
    ofAny(
      `damaged-record-${stack}`,
      `Where the record of who has which card cannot be read, nobody is let in (${stack})`,
      (world) =>
        withoutRecord(world, async () => !(await world.login(stack, { pins: [world.pin, world.pin] })).letIn),
      { of: 'L16, CVE-2020-24612' },
    ),
  ),
  ofAny(
    'damaged-record-password',
    'Where the record of who has which card cannot be read, the password has its turn',
    (world) => withoutRecord(world, () => world.passwordWorks([world.pin])),
    { of: 'L16' },
  ),
];

/** Everything that runs there, in KiB of its own memory. */
async function memoryKib(world: World): Promise<number> {
  const sum =
    "cat /proc/[0-9]*/smaps_rollup 2>/dev/null | awk '/^Anonymous:/ { sum += $2 } END { print sum }'";
  return Number(await world.shell(sum));
}

/** In the folders that programs write to. */
async function writtenBytes(world: World): Promise<number> {
  const size = 'du -scb --exclude=/run/sandbox/app --exclude=/run/sandbox/compile-cache';
  return Number(
    await world.shell(`${size} /var/log /var/lib /run /tmp /root 2>/dev/null | tail -n 1 | cut -f 1`),
  );
}

async function times(count: number, act: () => Promise<unknown>): Promise<void> {
  for (let time = 0; time < count; time += 1) await act();
}

/** As after a login at sshd by password alone: what is looked at is sudo. */
const SSHD = `mkdir -p /run/systemd/seats
printf '%s\\n' 'auth required pam_unix.so' 'account required pam_permit.so' 'session required pam_permit.so' >/etc/pam.d/login`;

/** sudo in an ssh session that logind calls remote. @returns its question */
async function askedFromAfar(world: World): Promise<string> {
  let units: Units | null = null;
  const question = await world.elsewhere({}, async (there) => {
    const { sandbox } = there;
    await there.pairs();
    await there.shell(SSHD);
    units = await Units.start(sandbox);
    const logind = await LogindMock.startIn(sandbox);
    try {
      const { uid, user } = sandbox;
      await logind.add({ id: '3', uid, user, type: 'tty', tty: 'tty2' });
      const remote = { seat: null, remoteHost: '192.0.2.7' };
      await logind.add({ id: '5', uid, user, type: 'tty', tty: 'pts/0', ...remote });
      await startSshd(sandbox, units, 'user.slice/session-5.scope');
      const pty = ssh(sandbox, ['sudo', 'id', '-u']);
      await pty.expect(PASSWORD);
      pty.send(`${sandbox.password}\n`);
      const [asked] = await pty.expect(/\S[^\n]*: ?$/);
      return asked;
    } finally {
      logind.stop();
    }
  });
  (units as Units | null)?.remove();
  return question;
}

export const others: readonly Behaviour[] = [
  ...crowds,
  withCard(
    'others-garbage',
    'After another user wrote garbage into each socket of the machine, with lengths that lie, card and PIN let in',
    (world) => withOthers(world, 'garbage', async () => (await world.rightPin()).letIn),
    { of: 'L13, CVE-2026-68743' },
  ),
  withCard(
    'others-idle-taken-away',
    'While other users hold 136 connections to each socket of the machine, root can take a card away from a person',
    async (world) => {
      const isIn = await withOthers(world, 'idle', async () => {
        await world.program.unpair(world.sandbox);
        return (await world.rightPin()).letIn;
      });
      await world.program.pair(world.sandbox);
      return !isIn;
    },
    { of: 'S5' },
  ),
  ...damaged,
  withCard(
    'others-guess',
    'Who runs programs as somebody else spends no try of a person’s card by logging in under that person’s name',
    async (world) => {
      await world.shell(`id ${BOB} >/dev/null 2>&1 || useradd --no-create-home --home-dir / ${BOB}`);
      await world.login('only', { pins: [WRONG] }, { as: BOB });
      return (await world.spent()) === 0;
    },
    { of: 'L19' },
  ),
  withCard(
    'hidepid',
    'Where users see their own processes alone (hidepid=2), a screen lock that runs as the person lets in',
    async (world) => {
      await world.shell('mount -o remount,hidepid=2 /proc');
      try {
        return (await world.rightPin({ as: world.sandbox.user })).letIn;
      } finally {
        await world.shell('mount -o remount,hidepid=0 /proc');
      }
    },
    { of: 'L19' },
  ),
  withCard(
    'from-afar',
    'Who comes from another machine by ssh is not asked for the PIN of the card in this one',
    async (world) => PASSWORD.test(await askedFromAfar(world)),
    { of: 'L18, CVE-2025-6018' },
  ),
  withCard(
    'weak-key',
    'A card with an RSA key of 1024 bits is given to nobody, or lets nobody in',
    async (world) => {
      const key = 'rsa1024:1';
      const isIn = await withOtherKey(
        world,
        forged(world, key),
        async () => {
          await world.program.unpair(world.sandbox);
          return (await world.pairs()) && (await world.rightPin()).letIn;
        },
        key,
      );
      await world.pairs();
      return !isIn;
    },
    { of: 'L23' },
  ),
  withCard(
    'factory-secrets',
    'A card with the PIN and the PUK that it came with is given to nobody, or lets nobody in',
    (world) =>
      world.elsewhere({ pin: '123456', cardArgs: ['--puk', '12345678'] }, async (there) => {
        return !((await there.pairs()) && (await there.rightPin()).letIn);
      }),
    { of: 'S13' },
  ),
  withCard(
    'stood-still-wrong',
    'A login that its user stops for six seconds at the question lets nobody in by a wrong PIN',
    async (world) => {
      const login = world.start('or-permit-if-ignored');
      if ((await login.question()) === null) return false;
      login.kill('SIGSTOP');
      login.answer(WRONG);
      await pause(6000);
      login.goOn();
      return !(await world.answer(login, {})).letIn;
    },
    { of: 'S3' },
  ),
  withCard(
    'three-questions',
    'Three questions that stand at once, each answered with a wrong PIN, leave the card a try',
    async (world) => {
      const logins = [0, 1, 2].map(() => world.start('only'));
      for (const login of logins) if ((await login.question()) === null) return false;
      for (const login of logins) {
        login.answer(WRONG);
        await world.answer(login, {});
      }
      return (await world.spent()) < 3;
    },
    { of: 'S4' },
  ),
  ofAny(
    'console-by-name',
    'Who names a console as the terminal and has no card is not let in by that',
    async (world) => {
      const options = { user: 'root', tty: '/dev/tty1' };
      return !(await world.login('or-permit-if-ignored', { pins: [world.pin] }, options)).letIn;
    },
    { of: 'S6' },
  ),
  withCard(
    'pin-in-verify-alone',
    'The PIN is in no command to the card but VERIFY',
    async (world) => {
      const { letIn } = await world.rightPin();
      await world.idle();
      const hex = Buffer.from(world.sandbox.pin).toString('hex');
      const log = await world.card.log();
      return (
        letIn && log.every(({ ins, body }) => ins === 0x20 || (!body.includes('**') && !body.includes(hex)))
      );
    },
    { of: 'S8' },
  ),
  ofAny(
    'little-written',
    'Twenty logins that are broken off at their question write less than a quarter of a megabyte',
    async (world) => {
      await world.login('only', { pins: ['error'] });
      const before = await writtenBytes(world);
      await times(20, () => world.login('only', { pins: ['error'] }));
      return (await writtenBytes(world)) - before < 262_144;
    },
    { of: 'S7' },
  ),
  ofAny(
    'little-kept',
    'Sixty logins under a name that no account has leave less than 16 MiB of memory behind',
    async (world) => {
      const one = (): Promise<unknown> => world.login('only', { pins: [world.pin] }, { user: 'nobody-such' });
      await times(20, one);
      const before = await memoryKib(world);
      await times(60, one);
      return (await memoryKib(world)) - before < 16_384;
    },
    { of: 'S17' },
  ),
  withCard(
    'sixteen-readers',
    'With sixteen readers card and PIN let in',
    (world) =>
      world.elsewhere({ readers: MOST_READERS }, async (there) => {
        return (await there.pairs()) && (await there.rightPin()).letIn;
      }),
    { of: 'S16' },
  ),
];
