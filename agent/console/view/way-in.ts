// Why a card logs in or not: the links of the way from the PAM file to the card, up to the first that is broken; and the
// machine as a whole, with the repair of each thing that is wrong.

import { NAMES, WAY } from '../../words/console.ts';
import { copied } from '../kit/copy.ts';
import { field } from '../kit/ask.ts';
import { h, outside } from '../kit/dom.ts';
import { isAdministrator, now, onChange } from '../kit/live.ts';
import { doctor, explain, type Check, type ExplainedLink } from '../kit/sc-auth.ts';
import { failed, type View } from './view.ts';

/** What a login is mostly asked for by; any other name can be typed. */
const SERVICES = ['sudo', 'login', 'gdm-password', 'lightdm', 'sddm', 'su', 'polkit-1', 'sshd'];
/** A command in a repair: at its beginning or behind a colon, up to the end of that sentence. */
const COMMANDS =
  /(?:^|: )((?:sudo|systemctl|apt|sc_auth|scauth-pam|journalctl) [^:,;]+?)(?=[.,;:] |\.?$| \()/g;

/** A sentence, and its commands to take along. */
function remedyPart(remedy: string): HTMLElement {
  const commands = [...remedy.matchAll(COMMANDS)].map(([, command = '']) => copied(command, WAY.command));
  return h('div', { class: 'remedy' }, h('p', {}, outside(remedy, 500)), ...commands);
}

function linkPart({ name, ok, detail, remedy }: ExplainedLink): HTMLElement {
  return h(
    'li',
    { class: ok ? 'link whole' : 'link broken' },
    h('span', { class: 'mark', 'aria-hidden': 'true' }),
    h(
      'div',
      {},
      h(
        'h3',
        {},
        outside(name, 40),
        ' ',
        h('span', { class: ok ? 'label good' : 'label bad' }, ok ? WAY.ok : WAY.broken),
      ),
      h('p', {}, outside(detail, 500)),
      remedy === null ? null : remedyPart(remedy),
    ),
  );
}

function checkPart({ name, state, detail, repair }: Check): HTMLElement {
  const look = { ok: 'good', warning: 'warning', broken: 'bad' }[state] ?? 'quiet';
  return h(
    'li',
    { class: 'panel' },
    h(
      'h3',
      {},
      outside(name, 60),
      ' ',
      h('span', { class: `label ${look}` }, WAY.states.get(state) ?? state),
    ),
    h('p', {}, outside(detail, 500)),
    repair === null ? null : remedyPart(repair),
  );
}

/** What is wrong first. */
function doctorPart(checks: readonly Check[]): HTMLElement[] {
  const wrong = checks.filter(({ state }) => state !== 'ok');
  const good = checks.filter(({ state }) => state === 'ok');
  return [
    h('p', { class: wrong.length === 0 ? 'good' : '' }, WAY.found(wrong.length, checks.length)),
    h('ul', { class: 'plain' }, ...wrong.map(checkPart)),
    h(
      'details',
      {},
      h('summary', {}, WAY.good(good.length)),
      h('ul', { class: 'plain' }, ...good.map(checkPart)),
    ),
  ];
}

export const wayIn: View = (main) => {
  const user = h('input', {
    type: 'text',
    required: true,
    maxlength: 256,
    value: now().user ?? '',
    readonly: !isAdministrator(),
  });
  const service = h('input', {
    type: 'text',
    required: true,
    maxlength: 256,
    value: 'sudo',
    list: 'services',
  });
  const services = h('datalist', { id: 'services' });
  for (const name of SERVICES) services.append(h('option', { value: name }));
  const go = h('button', { type: 'submit', class: 'main' }, WAY.explain);
  const form = h(
    'form',
    { class: 'tools' },
    field(WAY.user, user),
    field(WAY.service, service),
    services,
    go,
  );
  const chain = h('ol', { class: 'chain', 'aria-label': NAMES['way-in'], 'aria-live': 'polite' });
  const look = h('button', { type: 'button' }, WAY.look);
  const machine = h('div', { 'aria-live': 'polite' });
  main.append(
    h('section', {}, h('h2', {}, WAY.title), h('p', { class: 'quiet' }, WAY.about), form, chain),
    h('section', {}, h('h2', {}, WAY.machine), h('p', { class: 'quiet' }, WAY.aboutMachine), look, machine),
  );

  /** What was asked last is shown, whatever is answered when. */
  let turn = 0;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    turn += 1;
    const mine = turn;
    go.disabled = true;
    const settle = (...elements: readonly HTMLElement[]): void => {
      go.disabled = false;
      if (mine === turn) chain.replaceChildren(...elements);
    };
    explain(user.value.trim(), service.value.trim()).then(
      (links) => {
        settle(...links.map(linkPart));
      },
      (error: unknown) => {
        settle(h('li', {}, failed(error)));
      },
    );
  });
  look.addEventListener('click', () => {
    look.disabled = true;
    machine.replaceChildren(h('p', { class: 'quiet' }, WAY.looking));
    void doctor()
      .then(doctorPart, (error: unknown) => [failed(error)])
      .then((elements) => {
        machine.replaceChildren(...elements);
        look.disabled = false;
      });
  });
  return onChange(() => {
    if (user.value === '') user.value = now().user ?? '';
    user.readOnly = !isAdministrator();
  });
};
