// The account phase on the fakes: who gets in without a card, what is said and recorded, and that nobody is kept out by
// a disk, a log or a directory that fails.

import { mock } from 'node:test';
import test from 'ava';
import { makeBreakGlassCode } from '../../../../agent/model/secret/break-glass.ts';
import { freeSecretSlots } from '../../../../agent/base/secret.ts';
import { permitEntry, type Entry } from '../../../../agent/stories/enforcement/account-phase.ts';
import type { LoginOutcome, LoginResult } from '../../../../agent/stories/login/login-parts.ts';
import type { AuthRequest } from '../../../../agent/model/request.ts';
import { defaultPolicy, type EnforcementPolicy } from '../../../../policy/policy.ts';
import { alice, bob, FakePerson, pairing, type Answer } from '../../../kit/story/fakes.ts';
import { enforcedScene, root, type EnforcedScene, type SceneOptions } from './enforcement-fakes.ts';
import { serveLogin } from '../../../../agent/stories/serve-login.ts';
import { victim } from '../../../kit/story/run-login.ts';
import { outcomeOf, served, serveParts } from '../../../kit/story/served.ts';

const self = { pid: process.pid, uid: 0, gid: 0 };

function request(more: Partial<AuthRequest> = {}): AuthRequest {
  return {
    id: 'r1',
    phase: 'account',
    service: 'sudo',
    user: alice.name,
    tty: '/dev/pts/1',
    rhost: null,
    ruser: null,
    flags: 0,
    peer: self,
    ...more,
  };
}

/** Codes are made once: each is stretched for some 50 ms. */
const ours = makeBreakGlassCode();
const others = makeBreakGlassCode();

/** Alice is paired; enforcement is on, with a code. */
async function on(options: SceneOptions = {}): Promise<EnforcedScene & { readonly code: string }> {
  const scene = enforcedScene(options);
  scene.pairings.rows.push(pairing(alice.name, victim.publicKey));
  const { text, hash } = await ours;
  scene.table.setEnforcement({ kind: 'on', sinceMs: 0, by: 'root' }, hash);
  return { ...scene, code: text };
}

function enforcing(more: Partial<EnforcementPolicy>): SceneOptions {
  return { policy: { enforcement: { ...defaultPolicy.enforcement, ...more } } };
}

/** The authenticate phase of the same process, which did not end with a card. */
async function askedInVain(scene: EnforcedScene, more: Partial<AuthRequest> = {}): Promise<void> {
  await served(request({ phase: 'authenticate', ...more }), scene);
}

async function enter(
  scene: EnforcedScene,
  more: Partial<AuthRequest> = {},
  answers: readonly Answer[] = [],
): Promise<{ entry: Entry; asked: number; told: readonly string[] }> {
  const free = freeSecretSlots();
  const person = new FakePerson(answers);
  const entry = await permitEntry(request(more), person, scene);
  await new Promise(setImmediate);
  if (freeSecretSlots() !== free) throw new Error('a secret was left behind');
  return { entry, asked: person.asked.length, told: person.told };
}

const kinds = ({ audit }: EnforcedScene): string[] => audit.events.map(({ kind }) => kind);

test.serial('off: everybody gets in, and nobody is looked up', async (t) => {
  const never = () => Promise.reject(new Error('nobody asked'));
  const scene = enforcedScene({ accounts: { byName: never, byUid: never } });
  await askedInVain(scene);
  t.is((await enter(scene)).entry, 'permitted');
  t.deepEqual(scene.audit.events, []);
});

test.serial('a password is not enough, and the log says by which rule', async (t) => {
  const scene = await on();
  await askedInVain(scene);
  const { entry, asked } = await enter(scene, {}, [null]);
  t.is(entry, 'card-required');
  t.is(asked, 1);
  t.like(scene.audit.events[0], {
    kind: 'login',
    outcome: { kind: 'denied', reason: 'card-required' },
    user: 'alice',
    rule: 'enforce on',
  });
});

test.serial('who was not asked by us is not held up: a ticket, a cron job, root’s su', async (t) => {
  const scene = await on();
  for (const service of ['sudo', 'cron', 'su', 'systemd-user'])
    t.is((await enter(scene, { service })).entry, 'permitted', service);
  t.deepEqual(scene.audit.events, []);
});

test.serial('an ssh key is a way in from other hosts: bound by enforcement.remote', async (t) => {
  const sshd = { service: 'sshd', rhost: '192.0.2.7' };
  t.is((await enter(await on(), sshd)).entry, 'permitted');
  const bound = await on(enforcing({ remote: true }));
  t.is((await enter(bound, sshd, [null])).entry, 'card-required');
});

test.serial('the card of this login opens; one of another process, service or user does not', async (t) => {
  const scene = await on();
  await askedInVain(scene);
  scene.memory.letIn(request(), alice.name);
  t.is((await enter(scene)).entry, 'permitted');
  t.is((await enter(scene, { user: bob.name }, [null])).entry, 'card-required');
  await askedInVain(scene, { service: 'login' });
  t.is((await enter(scene, { service: 'login' }, [null])).entry, 'card-required');
  scene.clock.pass(300_001);
  t.is((await enter(scene, {}, [null])).entry, 'card-required', 'long ago');
  scene.memory.letIn(request(), alice.name);
  await askedInVain(scene);
  t.is((await enter(scene, {}, [null])).entry, 'card-required', 'asked again since');
});

test.serial('exceptions get in and shout: an exemption until its end, the exempt group', async (t) => {
  const scene = await on({ ...enforcing({ exemptGroup: 'robots' }), groups: { robots: ['bob'] } });
  await askedInVain(scene);
  const untilMs = scene.clock.wallMs + 1000;
  scene.table.exempt({ user: alice.name, untilMs, by: 'root', madeAtMs: 0, reason: '' });
  t.is((await enter(scene)).entry, 'permitted');
  t.is((await enter(scene, { user: bob.name })).entry, 'permitted');
  t.deepEqual(
    scene.audit.events.map((event) => [event.kind, 'rule' in event && event.rule]),
    [
      ['exemption-used', 'exemption'],
      ['exemption-used', 'enforcement.exempt_group'],
    ],
  );
  scene.clock.pass(1000);
  t.is((await enter(scene, {}, [null])).entry, 'card-required');
});

test.serial(
  'L25: root on a console gets in, whatever fails around it, and the agent’s log says so',
  async (t) => {
    const scene = await on();
    const console = { user: root.name, service: 'login', tty: '/dev/tty1', peer: { ...self, pid: 1 } };
    scene.audit.broken = true;
    scene.table.full = true;
    await askedInVain(scene, console);
    // Process 1 has no terminal, as a login screen's has none.
    t.is((await enter(scene, console)).entry, 'permitted');
    t.true(
      scene.lines.some((line) => line.includes('root gets in to login without a card: root on a console')),
    );
    t.is((await enter(scene, { ...console, tty: '/dev/pts/3' }, [null])).entry, 'card-required');
    t.is((await enter(scene, { ...console, tty: null }, [null])).entry, 'card-required');
    t.is(
      (await enter(scene, { ...console, peer: self, rhost: 'far.example' })).entry,
      'permitted',
      'enforcement.remote is off',
    );
    t.is(
      (await enter(scene, { ...console, rhost: 'far.example' }, [null])).entry,
      'card-required',
      'S6: a host that a program names excuses nobody at the seat',
    );
  },
);

test.serial('L25: the break-glass code opens one login, in any writing, and shouts', async (t) => {
  const scene = await on();
  await askedInVain(scene);
  const { entry } = await enter(scene, {}, [` ${scene.code.toLowerCase().replaceAll('-', ' ')} `]);
  t.is(entry, 'permitted');
  t.deepEqual(kinds(scene), ['break-glass-used']);
  t.is(scene.table.code, null);
  t.is((await enter(scene)).entry, 'permitted', 'the account phase of the same login again');
  await askedInVain(scene);
  const again = await enter(scene, {}, []);
  t.is(again.entry, 'card-required');
  t.is(again.asked, 0, 'there is no code to ask for');
});

test.serial(
  'L25: the code opens also where nothing can be written, and then not a second time',
  async (t) => {
    const scene = await on();
    scene.table.full = true;
    scene.audit.broken = true;
    await askedInVain(scene);
    t.is((await enter(scene, {}, [scene.code])).entry, 'permitted');
    await askedInVain(scene);
    t.is((await enter(scene, {}, [])).entry, 'card-required');
  },
);

test.serial(
  'what cannot be a code costs nothing; five wrong codes close the account’s own way for a while',
  async (t) => {
    const scene = await on();
    await askedInVain(scene);
    const slip = `${scene.code.slice(0, -1)}${scene.code.endsWith('2') ? '3' : '2'}`;
    for (let login = 0; login < 3; login += 1) {
      const { entry, told } = await enter(scene, {}, ['correct horse', slip, '12345678']);
      t.is(entry, 'card-required');
      t.is(told.length, 3);
      t.regex(told[0] ?? '', /not a break-glass code/);
    }
    const { text: other } = await others;
    t.regex((await enter(scene, {}, [other, other, other])).told[0] ?? '', /not the break-glass code/);
    t.is((await enter(scene, {}, [other, other])).told.length, 3);
    const closed = await enter(scene, {}, []);
    t.is(closed.asked, 0);
    t.regex(closed.told[0] ?? '', /Too many wrong/);
    await askedInVain(scene, { user: bob.name });
    t.is(
      (await enter(scene, { user: bob.name }, [scene.code])).entry,
      'permitted',
      'nobody uses up another’s tries',
    );
  },
);

test.serial('wrong codes are forgotten after a quarter of an hour; an empty answer stops', async (t) => {
  const scene = await on();
  await askedInVain(scene);
  const { text: other } = await others;
  await enter(scene, {}, [other, other, other]);
  await enter(scene, {}, [other, other]);
  scene.clock.pass(900_001);
  t.is((await enter(scene, {}, [''])).asked, 1);
  t.is((await enter(scene, {}, [scene.code])).entry, 'permitted');
});

test.serial('two at once with the one code: one gets in', async (t) => {
  const scene = await on();
  await askedInVain(scene);
  const both = await Promise.all([
    permitEntry(request(), new FakePerson([scene.code]), scene),
    permitEntry(request({ user: bob.name }), new FakePerson([scene.code, '']), scene),
  ]);
  t.is(both.filter((entry) => entry === 'permitted').length, 1);
});

test.serial('what is enforced cannot be read: the other modules decide', async (t) => {
  const scene = await on();
  scene.table.broken = true;
  t.is((await enter(scene)).entry, 'unavailable');
  const unknown = await on();
  t.is((await enter(unknown, { user: null })).entry, 'unknown-user');
});

test.serial(
  'M38: the groups that must use the card: members and root; a group that is not there binds everybody',
  async (t) => {
    const groups = { wheel: ['alice'], staff: [] };
    const scene = await on({ ...enforcing({ requiredGroups: ['staff', 'wheel'] }), groups });
    await askedInVain(scene);
    t.is((await enter(scene, {}, [null])).entry, 'card-required');
    t.is((await enter(scene, { user: bob.name })).entry, 'permitted');
    t.deepEqual(
      scene.audit.events.map(({ kind }) => kind),
      ['login'],
      'whoever is not bound has no exception to tell of',
    );
    const slip = await on({ ...enforcing({ requiredGroups: ['wheel', 'staf'] }), groups });
    await askedInVain(slip);
    t.is((await enter(slip, { user: bob.name }, [null])).entry, 'card-required');
    mock.method(scene.directory, 'isMember', () => Promise.reject(new Error('LDAP is down')));
    t.is((await enter(scene, { user: bob.name }, [null])).entry, 'card-required');
  },
);

test.serial(
  'a directory that fails makes nobody exempt, and keeps nobody out who is not asked for',
  async (t) => {
    const scene = await on(enforcing({ exemptGroup: 'robots' }));
    mock.method(scene.directory, 'isMember', () => Promise.reject(new Error('LDAP is down')));
    t.is((await enter(scene)).entry, 'permitted', 'a ticket of sudo');
    await askedInVain(scene);
    t.is((await enter(scene, {}, [null])).entry, 'card-required');
    t.is((await enter(scene, {}, [scene.code])).entry, 'permitted');
  },
);

test.serial(
  'a program that is not root’s asks for itself alone, and gets no prompt for others',
  async (t) => {
    const scene = await on();
    const peer = { ...self, uid: bob.uid };
    const other = await enter(scene, { peer });
    t.is(other.entry, 'card-required');
    t.is(other.asked, 0);
    await askedInVain(scene, { peer, user: bob.name });
    t.is((await enter(scene, { peer, user: bob.name }, [null])).entry, 'card-required');
  },
);

test.serial(
  'a flood of one account’s logins: those over the limit were asked, and others find room',
  async (t) => {
    const scene = await on();
    const gate = Promise.withResolvers<LoginOutcome>();
    const parts = serveParts({ ...scene, login: () => gate.promise });
    const begin = (user: AuthRequest['user'], service: string): Promise<LoginResult> =>
      serveLogin(request({ phase: 'authenticate', user, service }), new FakePerson([]), parts);
    const open = Array.from({ length: 8 }, (_, number) => begin(alice.name, `flood-${number}`));
    t.is((await begin(alice.name, 'sudo')).decision.kind, 'unavailable');
    t.is((await enter(scene, {}, [null])).entry, 'card-required');
    const other = begin(bob.name, 'login');
    gate.resolve(outcomeOf({ kind: 'cancelled' }, request()));
    const kindsOf = (await Promise.all([...open, other])).map(({ decision }) => decision.kind);
    t.deepEqual(kindsOf, Array(9).fill('cancelled'));
    t.is((await begin(alice.name, 'sudo')).decision.kind, 'cancelled');
    t.is(scene.lines.filter((line) => line.includes('too many logins')).length, 1);
  },
);

test.serial(
  'four questions for the code are open for one account at most, and other accounts have theirs',
  async (t) => {
    const scene = await on();
    await askedInVain(scene);
    const gate = Promise.withResolvers<undefined>();
    const waiting = (): FakePerson => {
      const person = new FakePerson([]);
      mock.method(person, 'ask', async () => {
        await gate.promise;
        return null;
      });
      return person;
    };
    const open = Array.from({ length: 4 }, () => permitEntry(request(), waiting(), scene));
    await new Promise(setImmediate);
    t.is((await enter(scene, {}, [])).asked, 0);
    t.is((await enter(scene, { user: bob.name }, [null])).asked, 1);
    gate.resolve(undefined);
    t.deepEqual(await Promise.all(open), Array(4).fill('card-required'));
  },
);

for (const [happened, entry] of [
  ['nothing', 'permitted'],
  ['verdict', 'card-required'],
  ['no-verdict', 'card-required'],
  [null, 'permitted'],
] as const) {
  test.serial(`S1: of what we do not remember the relay says ${String(happened)}: ${entry}`, async (t) => {
    const scene = await on();
    const person = new FakePerson([null]);
    person.happened = happened;
    t.is(await permitEntry(request(), person, scene), entry);
    t.is(person.recalled, 1);
  });
}

test.serial('S1: what we remember is not asked for, and no note makes it better', async (t) => {
  const scene = await on();
  await askedInVain(scene);
  const person = new FakePerson([null]);
  person.happened = 'nothing';
  t.is(await permitEntry(request(), person, scene), 'card-required');
  t.is(person.recalled, 0);
});

test.serial(
  'S1: an account that nobody knows is bound as others are, and has no break-glass code',
  async (t) => {
    const scene = await on({
      accounts: { byName: () => Promise.resolve(null), byUid: () => Promise.resolve(null) },
    });
    await askedInVain(scene);
    const { entry, asked } = await enter(scene, {}, []);
    t.is(entry, 'card-required');
    t.is(asked, 0);
    t.is((await enter(scene, { user: null })).entry, 'card-required');
    const free = await on({ ...enforcing({ services: ['login'] }), accounts: scene.accounts });
    t.is((await enter(free)).entry, 'unknown-user');
  },
);
