// The settings that are in force: what each means, where it stands, and what waits in the files. Their words are scauthd's own,
// which are those of scauth.toml(5).

import type { WireSetting } from '../../protocol/io-scauth.ts';
import { SETTINGS as say } from '../../words/console-policy.ts';
import { namedOf } from '../../words/repairs.ts';
import { callAgent, callPages } from '../kit/agent.ts';
import { act, ask } from '../kit/ask.ts';
import { copied } from '../kit/copy.ts';
import { around, h, outside, show, stateName } from '../kit/dom.ts';
import { isAdministrator } from '../kit/live.ts';
import { chooser, kept, section, type View } from './view.ts';

const MOST = 2000;
/** Of a value in the line of its setting. */
const MOST_SHORT = 60;

interface Seen {
  readonly settings: readonly WireSetting[];
  readonly problem: string | null;
}

type Filter = keyof typeof say.filters;

const FITS: Readonly<Record<Filter, (one: WireSetting) => boolean>> = {
  all: () => true,
  set: (one) => one.value !== one.default,
  file: ({ file }) => file !== null,
  waits: ({ waits }) => waits !== null,
};

async function look(): Promise<Seen> {
  const settings: WireSetting[] = [];
  let problem: string | null = null;
  await callPages('GetSettings', {}, (reply) => {
    settings.push(...reply.settings);
    ({ problem } = reply);
  });
  return { settings, problem };
}

function valued(text: string, most = MOST): HTMLElement {
  return h('code', {}, outside(text, most));
}

function settingPart(one: WireSetting): HTMLElement {
  const { name, value, default: usual, unit, meaning, file, line, waits, atStart } = one;
  const base = file?.split('/').at(-1) ?? null;
  return h(
    'details',
    { class: 'setting', 'data-key': name, 'data-state': stateName(one) },
    h(
      'summary',
      {},
      h('span', { class: 'key-name' }, name),
      ' ',
      valued(value, MOST_SHORT),
      ' ',
      h(
        'span',
        { class: 'labels' },
        value === usual ? null : h('span', { class: 'label' }, say.changed),
        waits === null ? null : h('span', { class: 'label warning' }, say.waits),
        h('span', { class: 'quiet' }, base === null ? say.default : outside(base, MOST_SHORT)),
      ),
    ),
    h('p', {}, outside(meaning, MOST), unit === null ? '' : ` ${say.unit(unit)}`),
    value.length > MOST_SHORT ? h('p', {}, valued(value)) : null,
    h('p', { class: 'quiet' }, say.usual, valued(usual)),
    file === null ? null : h('p', { class: 'quiet' }, around(say.place(line), file)),
    waits === null ? null : h('p', { class: 'warning' }, say.next, valued(waits)),
    atStart ? h('p', { class: 'quiet' }, say.restart) : null,
  );
}

/** By the tables of the file. */
function tables(found: readonly WireSetting[]): HTMLElement[] {
  const byTable = new Map<string, WireSetting[]>();
  for (const one of found) {
    const [table = ''] = one.name.split('.');
    byTable.set(table, [...(byTable.get(table) ?? []), one]);
  }
  return [...byTable].flatMap(([table, ones]) => [
    h('h3', { class: 'beside', 'data-key': `[${table}]`, 'data-state': '' }, `[${table}]`),
    ...ones.map(settingPart),
  ]);
}

async function askReload(settings: readonly WireSetting[]): Promise<void> {
  const { newlyShutOut, newlyShutOutCount, closesRemote } = await callAgent('CheckSettings', {});
  const changes = settings.filter(({ waits }) => waits !== null);
  await ask({
    title: say.reload,
    consequences: [
      ...changes
        .slice(0, 20)
        .map(({ name, value, waits, atStart }) =>
          h(
            'p',
            {},
            ...(atStart
              ? [say.afterStart(name)]
              : [around(say.change, name, valued(value, 200), valued(waits ?? '', 200))]),
          ),
        ),
      ...(changes.length > 20 ? [say.more(changes.length - 20)] : []),
      ...(newlyShutOutCount === 0
        ? []
        : [
            h(
              'p',
              { class: 'bad' },
              around(say.outBySettings(newlyShutOutCount), namedOf(newlyShutOut, newlyShutOutCount)),
            ),
          ]),
      ...(closesRemote ? [h('p', { class: 'bad' }, say.closesRemote)] : []),
    ],
    yes: say.reload,
    run: async () => {
      await callAgent('ReloadSettings', {});
      return [];
    },
  });
}

function notices({ settings, problem }: Seen, again: () => void): HTMLElement[] {
  const waiting = settings.filter(({ waits }) => waits !== null);
  const wrong = h(
    'div',
    { class: 'notice bad', 'data-key': 'problem', 'data-state': stateName(problem) },
    h('p', {}, around(say.problem, problem ?? '')),
    copied(say.check, say.command),
  );
  const state = stateName(waiting);
  const pending = h(
    'div',
    { class: 'notice warning', 'data-key': 'waiting', 'data-state': state },
    h('p', {}, say.pending(waiting.length)),
    h(
      'div',
      { class: 'buttons' },
      act(say.reload, () => askReload(settings), again),
    ),
  );
  return [...(problem === null ? [] : [wrong]), ...(waiting.length === 0 ? [] : [pending])];
}

export const settings: View = (main) => {
  const { search, filter } = chooser(say.search, say.filter, say.filters);
  const said = h('div', {});
  const count = h('p', { class: 'quiet', role: 'status' });
  const list = h('div', {});
  const about = h('p', { class: 'quiet' }, say.about);
  main.append(section(say.title, about, said, h('div', { class: 'tools' }, search, filter), count, list));
  let seen: Seen = { settings: [], problem: null };
  const found = (): HTMLElement[] => {
    const wanted = search.value.trim().toLowerCase();
    const fits = FITS[filter.value as Filter];
    const all = seen.settings;
    const some = all.filter(
      (one) => fits(one) && `${one.name} ${one.value} ${one.meaning}`.toLowerCase().includes(wanted),
    );
    count.textContent = say.count(some.length, all.length);
    return some.length === 0 ? [h('p', { 'data-key': 'none' }, say.none)] : tables(some);
  };
  const draw = (): void => {
    show(list, found());
  };
  search.addEventListener('input', () => {
    // Who looks for one looks through all.
    if (filter.value === 'set') filter.value = 'all';
    draw();
  });
  filter.addEventListener('change', draw);
  const { end, again } = kept(list, look, (next) => {
    seen = next;
    show(
      said,
      isAdministrator()
        ? notices(next, () => {
            again();
          })
        : [],
    );
    return found();
  });
  return end;
};
