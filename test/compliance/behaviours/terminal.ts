// sudo on a terminal, and what lies around a login: processes, files, the person's own programs.
import { setTimeout as pause } from 'node:timers/promises';
import { withCard, type Behaviour } from '../behaviour.ts';
import { Hangs } from '../client.ts';
import type { Pty, PtyExit } from '../../kit/sandbox/pty.ts';
import { interrupt } from '../../kit/person/person.ts';
import { processesShowing } from '../../kit/person/shown.ts';
import { forged, withOtherKey } from './proof.ts';
import type { World } from '../world.ts';

const WITHIN_MS = 30_000;
const INFLATED_BYTES = 64 * 1024 * 1024;
/** Whatever it is about: programs word it as they like. */
const QUESTION = /\S[^\n]*: ?$/;

function sudo({ sandbox }: World, ...more: readonly string[]): Pty {
  return sandbox.pty(['sudo', ...more, 'id', '-u'], { user: sandbox.user });
}

async function ends(pty: Pty): Promise<PtyExit> {
  const stop = new AbortController();
  const late = pause(WITHIN_MS, null, { signal: stop.signal }).catch(() => null);
  const exit = await Promise.race([pty.exit, late]);
  stop.abort();
  if (exit !== null) return exit;
  await interrupt(pty);
  throw new Hangs(pty.screen);
}

const isIn = ({ code, screen }: PtyExit): boolean => code === 0 && /^0\r?$/m.test(screen);

export const terminal: readonly Behaviour[] = [
  withCard('sudo', 'Card and PIN let sudo in', async (world) => {
    const pty = sudo(world);
    await pty.expect(QUESTION);
    pty.send(`${world.sandbox.pin}\n`);
    return isIn(await ends(pty));
  }),
  withCard('sudo-not-shown', 'sudo does not show what is typed as PIN', async (world) => {
    const pty = sudo(world);
    await pty.expect(QUESTION);
    pty.send(`${world.sandbox.pin}\n`);
    return !(await ends(pty)).screen.includes(world.sandbox.pin);
  }),
  withCard(
    'sudo-type-ahead',
    'A PIN that is typed while the card works is not shown',
    async (world) => {
      await world.card.misbehave({ kind: 'delay', ms: 800, ins: '87' });
      const pty = sudo(world);
      await pty.expect(QUESTION);
      const signing = world.card.waitFor({ ins: '87' });
      pty.send(`${world.sandbox.pin}\n`);
      await signing;
      pty.send(`${world.sandbox.pin}\n`);
      return !(await ends(pty)).screen.includes(world.sandbox.pin);
    },
    { of: 'L20, CVE-2025-64170' },
  ),
  withCard(
    'sudo-interrupt',
    'Ctrl-C at the question ends sudo and costs no try',
    async (world) => {
      const pty = sudo(world);
      await pty.expect(QUESTION);
      const { code } = await interrupt(pty);
      return code !== 0 && (await world.spent()) === 0;
    },
    { of: 'L5' },
  ),
  withCard(
    'sudo-interrupt-half',
    'Ctrl-C behind half a PIN sends nothing to the card',
    async (world) => {
      const pty = sudo(world);
      await pty.expect(QUESTION);
      pty.send(world.sandbox.pin.slice(0, 3));
      await interrupt(pty);
      await world.idle();
      return (await world.card.verifyCount()) === 0;
    },
    { of: 'L5' },
  ),
  withCard('sudo-echo-back', 'After Ctrl-C the terminal shows again what is typed', async (world) => {
    const { sandbox } = world;
    const pty = sandbox.pty(['bash', '-c', 'trap : INT; sudo id -u; stty -a'], { user: sandbox.user });
    await pty.expect(QUESTION);
    return / echo /.test((await interrupt(pty)).screen);
  }),
  withCard('sudo-n', 'sudo -n asks nothing, lets nobody in and does not hang', async (world) => {
    const { code, screen } = await ends(sudo(world, '-n'));
    return code !== 0 && !QUESTION.test(screen);
  }),
  withCard('sudo-S', 'sudo -S takes the PIN from a pipe', async (world) => {
    const { sandbox } = world;
    const { user, pin } = sandbox;
    const { stdout } = await sandbox.exec(['sudo', '-S', 'id', '-u'], { user, input: `${pin}\n` });
    return /^0$/m.test(stdout);
  }),
  withCard(
    'sudo-end-of-input',
    'The end of input at the question ends sudo and costs no try',
    async (world) => {
      const { sandbox } = world;
      const { code } = await sandbox.exec(['sudo', '-S', 'id', '-u'], {
        user: sandbox.user,
        timeoutMs: WITHIN_MS,
      });
      return code !== 0 && code < 128 && (await world.spent()) === 0;
    },
  ),
  withCard(
    'sudo-three',
    'sudo with three wrong answers ends',
    async (world) => {
      const pty = sudo(world);
      for (let time = 0; time < 6; time += 1) {
        const question = pty.expect(QUESTION).then(
          () => true,
          () => false,
        );
        if (!(await Promise.race([question, pty.exit.then(() => false)]))) break;
        pty.send('nobody-has-this\n');
      }
      return !isIn(await ends(pty));
    },
    { of: 'pam_p11#29' },
  ),
  withCard(
    'no-process-shows-it',
    'No process shows the PIN in its arguments or environment',
    async (world) => {
      await world.card.misbehave({ kind: 'delay', ms: 800, ins: '87' });
      // The software card is told its PIN in an argument.
      const before = processesShowing(world.sandbox, world.sandbox.pin);
      const login = world.start('only');
      if ((await login.question()) === null) return false;
      const signing = world.card.waitFor({ ins: '87' });
      login.answer(world.pin);
      await signing;
      const shown = processesShowing(world.sandbox, world.sandbox.pin).difference(before).size > 0;
      return (await world.answer(login, {})).letIn && !shown;
    },
    { of: 'L8' },
  ),
  withCard(
    'malware',
    'The person’s own programs cannot make another card log in',
    async (world) => {
      const { program, sandbox } = world;
      const isIn = await withOtherKey(world, forged(world), async () => {
        await program.enrolAsPerson(sandbox);
        const { letIn } = await world.rightPin();
        await program.unpair(sandbox);
        return letIn;
      });
      await program.pair(sandbox);
      return !isIn;
    },
    { of: 'L15, pam_rssh#17' },
  ),
  withCard(
    'gzip-bomb',
    'A certificate that inflates to 64 MiB leaves the password its turn',
    async (world) => {
      const { card, program, sandbox } = world;
      const before = await card.getCertificate('9A');
      await program.eject(sandbox);
      await card.putGzipBomb('9A', INFLATED_BYTES);
      await card.insert();
      try {
        return await world.passwordWorks();
      } finally {
        await card.eject();
        await card.setCertificate('9A', before);
        await pause(600);
        await program.insert(sandbox);
      }
    },
    { of: 'L11' },
  ),
];
