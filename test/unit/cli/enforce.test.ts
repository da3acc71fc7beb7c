// The arguments of sc_auth enforce, and that the break-glass code is said once and never sent.

import { linesOfCover, linesOfPlan } from '../../../agent/cli/enforce/coverage.ts';
import { renderLine } from '../../../agent/cli/terminal/style.ts';
import test from 'ava';
import { parseEnforceArgs, parseUntil } from '../../../agent/cli/enforce/arguments.ts';

const now = new Date(2026, 10, 24, 12, 0).getTime();

test('dates: a day to its end, a time, a span from now, ISO 8601', (t) => {
  t.is(parseUntil('2026-12-31', now), new Date(2027, 0, 1).getTime());
  t.is(parseUntil('2026-12-31 18:00', now), new Date(2026, 11, 31, 18).getTime());
  t.is(parseUntil('8h', now), now + 8 * 3_600_000);
  t.is(parseUntil('2w', now), now + 14 * 86_400_000);
  t.is(parseUntil('2026-12-31T18:00:00Z', now), Date.UTC(2026, 11, 31, 18));
  for (const bad of ['', 'soon', '2026-02-30', '31.12.2026', '2026-13-01', '1y', '-1d'])
    t.is(parseUntil(bad, now), null, bad);
});

test('one verb, a name where it needs one, options where they belong', (t) => {
  const good = parseEnforceArgs(['exempt', 'bob', '--until', '1d', '--reason', 'x', '--json'], now);
  t.deepEqual(good, {
    verb: 'exempt',
    user: 'bob',
    until: new Date(now + 86_400_000).toISOString(),
    reason: 'x',
    shutOut: [],
    uncovered: [],
    agentAbsent: null,
    rehearsal: true,
    by: null,
    servicesOnly: false,
  });
  t.like(parseEnforceArgs(['on', '--uncovered', 'su', '--agent-absent', 'closed', '--no-rehearsal'], now), {
    uncovered: ['su'],
    agentAbsent: 'closed',
    rehearsal: false,
  });
  t.like(parseEnforceArgs(['on', '--by', 'ada'], now), { by: 'ada' });
  t.like(parseEnforceArgs(['plan', '--services'], now), { servicesOnly: true });
  t.deepEqual(parseEnforceArgs(['on', '--shut-out', 'a', '--shut-out', 'b'], now).shutOut, ['a', 'b']);
  for (const bad of [
    [],
    ['of'],
    ['on', 'bob'],
    ['exempt'],
    ['exempt', 'a', 'b'],
    ['plan', '--until', '1d'],
    ['off', '--shut-out', 'a'],
    ['exempt', 'bob', '--until', 'yesterday'],
    ['exempt', 'bob', '--until', '2020-01-01'],
    ['on', '--force'],
    ['on', '--agent-absent', 'perhaps'],
    ['plan', '--agent-absent', 'open'],
    ['off', '--uncovered', 'su'],
    ['status', '--no-rehearsal'],
    ['off', '--by', 'ada'],
    ['on', '--services'],
  ])
    t.throws(() => parseEnforceArgs(bad, now), { code: 'usage' }, bad.join(' '));
});

for (const columns of [40, 80]) {
  test(`the plan keeps within ${columns} columns, and breaks no word`, (t) => {
    const why =
      'has never logged in by card: let them do so once (at the login, or sudo -k id), or exempt them';
    const screen = { columns, colour: false };
    const account = { user: 'ada', keptInBy: null, cards: 0, pairings: 1, lastCardLogin: null, why };
    const lines = linesOfPlan([account, { ...account, user: 'grace.hopper' }], screen);
    const repair = 'Put before /etc/pam.d/common-account, line 17: account required pam_scauth.so';
    const cover = { service: 'polkit-1', opens: 'the desktop', state: 'uncovered' as const, why, repair };
    const all = [...lines, ...linesOfCover([cover], screen)].map((line) => renderLine(line, screen));
    const short = all.filter((line) => !line.includes('Repair: '));
    t.deepEqual(
      short.filter((line) => line.length > columns),
      [],
    );
    const said = short.join(' ').replace(/ +/g, ' ');
    t.is(said.split(why).length, 4, said);
    t.true(all.at(-1)?.endsWith(repair));
    const [piped = ''] = linesOfPlan([account], null).map((line) => renderLine(line, null));
    t.is(piped, `SHUT OUT  ada  1 pairing, no card login: ${why}`);
  });
}
