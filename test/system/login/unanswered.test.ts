// A card is required and scauthd gives no answer: it is stopped, in one phase or in both, or su has limits from its user.
// No password gets in; who was not asked is not held up. Floods: flood.long.test.ts.
import test from 'ava';
import { processFacts } from '../../../agent/base/process-identity.ts';
import type { Pty } from '../../kit/sandbox/pty.ts';
import { Sandbox } from '../../kit/sandbox/sandbox.ts';
import { BREAK_GLASS_PROMPT, accountPhase, cardRequired } from '../../kit/person/enforcement.ts';
import * as person from '../../kit/person/person.ts';
import { answer, PASSWORD_PROMPT, ROOT } from '../../kit/person/person.ts';

let sandbox: Sandbox;
const UNANSWERED = /This account needs its card, and the card service does not answer/;

test.before(async () => {
  sandbox = await Sandbox.start({ config: '' });
  await cardRequired(sandbox);
  await person.pullCard(sandbox);
});
test.after.always(() => sandbox.stop());

/** nsenter, which started scauthd, stops itself when its child is stopped, and has to go on as well: it reaps it. */
function signal(name: 'SIGSTOP' | 'SIGCONT'): void {
  const pid = sandbox.agentHostPid;
  if (pid === null) throw new Error('scauthd does not run');
  process.kill(pid, name);
  const parent = processFacts(pid)?.parentPid;
  if (name === 'SIGCONT' && parent !== undefined) process.kill(parent, name);
}

function sudo(): Pty {
  return sandbox.pty(['sudo', 'id', '-u'], { user: sandbox.user });
}

test.serial(
  'S1: scauthd is stopped: no password gets in, root’s su and an account phase alone do',
  async (t) => {
    signal('SIGSTOP');
    t.teardown(() => {
      signal('SIGCONT');
    });
    const { code, screen } = await answer(sudo(), [[PASSWORD_PROMPT, sandbox.password]]);
    t.not(code, 0);
    t.false(ROOT.test(screen), screen);
    t.regex(screen, UNANSWERED);
    const su = await sandbox.exec(['su', sandbox.user, '-c', 'id -un'], { timeoutMs: 60_000 });
    t.is(su.stdout, `${sandbox.user}\n`, su.stderr);
    const cron = await accountPhase(sandbox, sandbox.user);
    t.is(cron.code, 0, cron.stderr);
  },
);

test.serial(
  'S1: only the authenticate phase goes unanswered: the module remembers that it was one',
  async (t) => {
    signal('SIGSTOP');
    t.teardown(() => {
      signal('SIGCONT');
    });
    const pty = sudo();
    await pty.expect(PASSWORD_PROMPT);
    // It must not find the connection that was given up.
    signal('SIGCONT');
    pty.send(`${sandbox.password}\n`);
    const { code, screen } = await answer(pty, [[BREAK_GLASS_PROMPT, '']]);
    t.not(code, 0);
    t.false(ROOT.test(screen), screen);
  },
);

test.serial('S1: only the account phase goes unanswered', async (t) => {
  const pty = sudo();
  await pty.expect(PASSWORD_PROMPT);
  signal('SIGSTOP');
  t.teardown(() => {
    signal('SIGCONT');
  });
  pty.send(`${sandbox.password}\n`);
  const { code, screen } = await person.untilEnd(pty);
  t.not(code, 0);
  t.regex(screen, UNANSWERED);
});

test.serial('S1: su with few descriptors or little memory lets nobody in', async (t) => {
  const limits = [4, 5, 6, 7, 8, 10].map((n) => `ulimit -n ${n}`);
  for (const kib of [4000, 5000, 6000, 7000, 8000, 9000, 10_000, 12_000]) limits.push(`ulimit -v ${kib}`);
  let asked = 0;
  for (const limit of limits) {
    const script = `${limit}; exec su ${sandbox.user} -c 'echo got in'`;
    const pty = sandbox.pty(['bash', '-c', script], { user: sandbox.user });
    const prompt = await Promise.race([
      pty.expect(PASSWORD_PROMPT).then(() => true),
      pty.exit.then(() => false),
    ]);
    if (prompt) {
      asked += 1;
      pty.send(`${sandbox.password}\n`);
      await Promise.race([pty.expect(BREAK_GLASS_PROMPT).catch(() => null), pty.exit]);
      pty.send('\n');
    }
    const { code, screen } = await pty.exit;
    t.not(code, 0, `${limit}\n${screen}`);
    t.false(/^got in/m.test(screen), `${limit}\n${screen}`);
  }
  t.true(asked >= 4, `${asked} came to the password`);
});
