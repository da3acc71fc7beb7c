// The account phase where the agent gives no answer: what the file of enforcement and the handle itself say, against
// every way to keep the agent from answering. And what the handle remembers of its authenticate phase.
import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';

import test from 'ava';

import { enforcementText } from '../../../agent/stories/enforcement/enforcement-file.ts';
import { defaultPolicy, type EnforcementPolicy } from '../../../policy/policy.ts';
import { ask, frame, startAgent, verdict, VERDICT, type Step } from './agent.ts';
import { buildPam, MODULES, program, SANITIZER_ENVIRONMENT } from './build.ts';
import { makePamFolder, PAM, runPam, type PamFolder, type Run, type RunOptions } from './client.ts';

const { AUTHINFO_UNAVAIL, PERM_DENIED, SUCCESS } = PAM;
const BOTH = ['user=alice', 'authenticate', 'account'];
const RECALL = frame(11, Buffer.alloc(0), 3);
const on = { kind: 'on', sinceMs: 0, by: 'root' } as const;

function text(more: Partial<EnforcementPolicy> = {}): string {
  return enforcementText(on, { ...defaultPolicy, enforcement: { ...defaultPolicy.enforcement, ...more } });
}

function fileOf({ folder }: PamFolder): string {
  return join(folder, 'enforcement');
}

/** @param file the text beside the socket; null: none */
function run(file: string | null, options: RunOptions): Promise<Run> {
  // Only silence and absence are waited for to the end; an answer may be late on a busy machine.
  const waitsToTheEnd = options.agent === undefined || options.agent.includes('hold');
  return runPam({
    client: BOTH,
    moduleArguments: `timeout=${waitsToTheEnd ? 1 : 20}`,
    ...options,
    prepare: (place) => {
      if (file !== null) writeFileSync(fileOf(place), file, { mode: 0o644 });
      options.prepare?.(place);
    },
  });
}

test.before(buildPam);

/** An agent that is there and gives no answer, from the first connection on. */
const UNANSWERED: Readonly<Record<string, readonly Step[]>> = {
  'takes and closes': [],
  'closes after begin': ['read'],
  'is silent': ['read', 'hold'],
  'says garbage': ['read', Buffer.from('garbage!garbage!')],
  'cannot read its tables': ['read', verdict(VERDICT.unavailable)],
  'grants where it may not': ['read', verdict(VERDICT.granted)],
  'asks twice what happened': ['read', RECALL, 'read', RECALL, 'read', verdict(VERDICT.permitted)],
};

for (const [what, agent] of Object.entries(UNANSWERED)) {
  test(`S1: the agent ${what}: a card that is required is required`, async (t) => {
    for (const file of [text(), text({ agentAbsent: 'closed' }), 'odd'])
      t.is((await run(file, { agent })).codes['account'], PERM_DENIED, file);
    const refused = await run(text(), { agent });
    t.regex(refused.seen.at(-1) ?? '', /^told=3:This account needs its card, .* Try again/);
    for (const file of [null, enforcementText({ kind: 'off' }, defaultPolicy), text({ services: ['login'] })])
      t.is((await run(file, { agent })).codes['account'], AUTHINFO_UNAVAIL, file ?? 'none');
    const never = await run(text(), { agent, client: ['user=alice', 'account'] });
    t.is(never.codes['account'], AUTHINFO_UNAVAIL, 'cron, sudo’s ticket: nobody was asked');
  });
}

test('S1: an agent that is truly not there is the administrator’s choice', async (t) => {
  t.is((await run(text(), {})).codes['account'], AUTHINFO_UNAVAIL);
  t.is((await run(text({ agentAbsent: 'closed' }), {})).codes['account'], PERM_DENIED);
  t.is((await run('odd', {})).codes['account'], PERM_DENIED);
  t.is((await run(null, {})).codes['account'], AUTHINFO_UNAVAIL);
  const never = { client: ['user=alice', 'account'] };
  t.is((await run(text({ agentAbsent: 'closed' }), never)).codes['account'], AUTHINFO_UNAVAIL);
  // Nobody listens at a socket that is left.
  const left = {
    prepare: ({ socketPath }: PamFolder) => {
      writeFileSync(socketPath, '');
    },
  };
  t.is((await run(text(), left)).codes['account'], AUTHINFO_UNAVAIL);
  // Root cannot be kept out by the mode of a folder: a link that leads nowhere else is neither absent nor an answer.
  const loop = {
    prepare: ({ socketPath }: PamFolder) => {
      symlinkSync(socketPath, socketPath);
    },
  };
  t.is((await run(text(), loop)).codes['account'], PERM_DENIED);
});

test('S1: requests from other hosts as the settings say', async (t) => {
  const agent = ['read'] as const;
  for (const [rhost, bound, code] of [
    ['192.0.2.1', false, AUTHINFO_UNAVAIL],
    ['192.0.2.1', true, PERM_DENIED],
    ['localhost', false, AUTHINFO_UNAVAIL],
    ['localhost', true, AUTHINFO_UNAVAIL],
  ] as const) {
    const client = ['user=alice', `rhost=${rhost}`, 'account'];
    t.is((await run(text({ remote: bound }), { agent, client })).codes['account'], code, `${rhost} ${bound}`);
  }
  const asked = { agent, client: ['user=alice', 'rhost=localhost', 'authenticate', 'account'] };
  t.is((await run(text(), asked)).codes['account'], PERM_DENIED);
  const long = { agent, client: ['user=alice', `rhost=${'h'.repeat(513)}`, 'authenticate', 'account'] };
  t.is((await run(text({ remote: true }), long)).codes['account'], PERM_DENIED);
});

test('S1: a file that is not root’s, may be written by others or is none is in doubt', async (t) => {
  const odd: Readonly<Record<string, (place: PamFolder) => void>> = {
    'a link': (place) => {
      renameSync(fileOf(place), join(place.folder, 'elsewhere'));
      symlinkSync('elsewhere', fileOf(place));
    },
    'written by a group': (place) => {
      chmodSync(fileOf(place), 0o664);
    },
    'written by all': (place) => {
      chmodSync(fileOf(place), 0o646);
    },
    'somebody else’s': (place) => {
      chownSync(fileOf(place), 65534, 0);
    },
    'a folder': (place) => {
      renameSync(fileOf(place), join(place.folder, 'elsewhere'));
      mkdirSync(fileOf(place));
    },
    'longer than it may be': (place) => {
      writeFileSync(fileOf(place), `${off}${'x'.repeat(5000)}`);
    },
  };
  const off = enforcementText({ kind: 'off' }, defaultPolicy);
  t.is((await run(off, { agent: [] })).codes['account'], AUTHINFO_UNAVAIL);
  for (const [what, prepare] of Object.entries(odd))
    t.is((await run(off, { agent: [], prepare })).codes['account'], PERM_DENIED, what);
});

test('S1: limits of the user’s own keep nobody from being refused', async (t) => {
  const place = makePamFolder();
  t.teardown(() => {
    place.remove();
  });
  const agent = await startAgent(place.socketPath, ['read', verdict(VERDICT.cardRequired)]);
  t.teardown(() => agent.close());
  writeFileSync(fileOf(place), text());
  const line = `${MODULES.plain} socket=${place.socketPath} timeout=2`;
  place.writeService('test', ['auth required ' + line, 'account required ' + line]);
  const client = `exec "$0" "$@"`;
  const parameters = [program('pam_client', 'plain'), place.confdir, 'test', ...BOTH];
  // With three descriptors PAM itself cannot read its files.
  const limits = [3, 4, 5, 6, 7, 8].flatMap((n) => [`ulimit -n ${n}`, `ulimit -n ${n}; exec 0<&- 2>&-`]);
  for (const kib of [3500, 4000, 5000, 6000, 8000]) limits.push(`ulimit -v ${kib}`);
  let refused = 0;
  for (const limit of limits) {
    const child = spawn('sh', ['-c', `${limit}; ${client}`, ...parameters], { env: SANITIZER_ENVIRONMENT });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      output += more;
    });
    await once(child, 'close');
    const code = /^account=(\d+)/m.exec(output)?.[1];
    if (code === String(PERM_DENIED)) refused += 1;
    // Otherwise the program has not come so far.
    else t.true(code === undefined || /authenticate=28/.test(output), `${limit}: ${output}`);
  }
  t.true(refused >= 8, `${refused} of ${limits.length}`);
});

test('S3: an answer that came while the program was stopped counts', async (t) => {
  for (const [code, expected] of [
    [VERDICT.cardRequired, PERM_DENIED],
    [VERDICT.permitted, SUCCESS],
  ] as const) {
    const place = makePamFolder();
    const line = `account required ${MODULES.plain} socket=${place.socketPath} timeout=6`;
    place.writeService('test', [line]);
    let connections = 0;
    const server = createServer((socket) => {
      connections += 1;
      socket
        .on('error', () => undefined)
        .once('data', () => {
          child.kill('SIGSTOP');
          socket.end(verdict(code));
          setTimeout(() => child.kill('SIGCONT'), 7000);
        });
    });
    await new Promise<void>((resolve) => server.listen(place.socketPath, resolve));
    const child = spawn(program('pam_client', 'plain'), [place.confdir, 'test', 'user=alice', 'account']);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      output += more;
    });
    await once(child, 'close');
    server.close();
    place.remove();
    t.regex(output, new RegExp(`^account=${expected}$`, 'm'));
    t.is(connections, 1, 'the first answer is read');
  }
});

test('S3: in the account phase a connection that was cut is tried once more, and an answer stands', async (t) => {
  for (const agent of [[], ['read'], ['read', 'hold']] as const) {
    const client = ['user=alice', 'account'];
    const laterAgent = ['read', verdict(VERDICT.cardRequired)] as const;
    // Only a silent agent has to be waited for to the end.
    const moduleArguments = `timeout=${agent[1] === 'hold' ? 3 : 20}`;
    const again = await run(text(), { agent, laterAgent, client, moduleArguments });
    t.is(again.codes['account'], PERM_DENIED);
    t.is(again.connections.length, 2);
    const permitted = ['read', verdict(VERDICT.permitted)] as const;
    t.is(
      (await run(text(), { agent, laterAgent: permitted, client, moduleArguments })).codes['account'],
      SUCCESS,
    );
    t.is((await run(null, { agent, laterAgent: permitted, client })).connections.length, 1, 'not enforced');
  }
});

test('S1: whoever was spoken to is not tried again', async (t) => {
  const agent = ['read', ask('Break-glass code: '), 'gone'] as const;
  const client = ['user=alice', 'account'];
  const run1 = await run(text(), { agent, client, moduleArguments: 'timeout=20' });
  t.is(run1.codes['account'], PERM_DENIED);
  t.is(run1.connections.length, 1);
});

test('S1: an agent that starts again is waited for, where a card is required', async (t) => {
  const place = makePamFolder();
  const line = `${MODULES.plain} socket=${place.socketPath} timeout=20`;
  place.writeService('test', [`auth required ${line}`, `account required ${line}`]);
  writeFileSync(fileOf(place), text());
  const child = spawn(program('pam_client', 'plain'), [place.confdir, 'test', ...BOTH]);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    output += more;
  });
  // Both phases have found nobody when the first line of the second is logged.
  await new Promise((resolve) => setTimeout(resolve, 700));
  const agent = await startAgent(place.socketPath, ['read', verdict(VERDICT.cardRequired)]);
  await once(child, 'close');
  await agent.close();
  place.remove();
  t.regex(output, /^account=6$/m);
  t.is(agent.connections.length, 1);
});

for (const [what, phases, agent, happened] of [
  ['never ran', ['account'], [], 0],
  ['came to a verdict', ['authenticate', 'account'], ['read', verdict(VERDICT.unavailable)], 1],
  ['came to none', ['authenticate', 'account'], ['read'], 2],
  ['came to a verdict, then to none', ['authenticate', 'account'], ['read', ask('PIN: '), 'read'], 2],
] as const) {
  test(`S1: the handle remembers an authenticate phase that ${what}`, async (t) => {
    const recalling = ['read', RECALL, 'read', verdict(VERDICT.cardRequired)] as const;
    const isOne = phases.length === 1;
    const found = await run(text(), {
      agent: isOne ? recalling : agent,
      laterAgent: recalling,
      client: ['user=alice', ...phases],
    });
    t.is(found.codes['account'], PERM_DENIED, found.output);
    const [, said] = found.connections.at(-1) ?? [];
    t.is(said?.type, 12);
    t.deepEqual([...(said?.body ?? [])], [happened]);
  });
}

test('S1: what is remembered is told in the account phase alone', async (t) => {
  const agent = ['read', RECALL, 'read', verdict(VERDICT.granted)] as const;
  const found = await run(null, { agent, client: ['user=alice', 'authenticate'] });
  t.is(found.codes['authenticate'], AUTHINFO_UNAVAIL);
  t.is(found.connections[0]?.length, 1, 'nothing came back');
});

test('S1: enforce in an auth stack follows the same rules, and never says yes', async (t) => {
  const stack = ['auth optional MODULE', 'auth required MODULE enforce'];
  const client = ['user=alice', 'authenticate'];
  const refusedLogin = ['read', verdict(VERDICT.unavailable)] as const;
  for (const [file, laterAgent, code] of [
    [text(), ['read'], PERM_DENIED],
    [text(), ['read', verdict(VERDICT.permitted)], AUTHINFO_UNAVAIL],
    [null, ['read'], AUTHINFO_UNAVAIL],
  ] as const) {
    const found = await run(file, { agent: refusedLogin, laterAgent, client, stack });
    t.is(found.codes['authenticate'], code, found.output);
  }
});

test('S1: root’s socket comes first; where it is not there, the ordinary one', async (t) => {
  const client = ['user=alice', 'account'];
  const place = makePamFolder();
  t.teardown(() => {
    place.remove();
  });
  place.writeService('test', [`account required ${MODULES.plain} socket=${place.socketPath} timeout=5`]);
  const ordinary = await startAgent(place.socketPath, ['read', verdict(VERDICT.permitted)]);
  t.teardown(() => ordinary.close());
  const code = async (): Promise<string | undefined> => {
    const child = spawn(program('pam_client', 'plain'), [place.confdir, 'test', ...client]);
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (more: string) => {
      output += more;
    });
    await once(child, 'close');
    return /^account=(\d+)/m.exec(output)?.[1];
  };
  t.is(await code(), String(SUCCESS));
  mkdirSync(join(place.folder, 'root'), { mode: 0o700 });
  t.is(await code(), String(SUCCESS), 'an empty folder');
  const own = await startAgent(join(place.folder, 'root/pam.sock'), ['read', verdict(VERDICT.denied)]);
  t.is(await code(), String(PERM_DENIED));
  t.is(ordinary.connections.length, 2);
  await own.close();
  writeFileSync(join(place.folder, 'root/pam.sock'), '');
  t.is(await code(), String(SUCCESS), 'nobody listens there');
});
