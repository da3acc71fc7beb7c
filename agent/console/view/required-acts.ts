// What an administrator can do about the card being required. Nothing here decides: switching on goes by sc_auth, which looks
// at the PAM files, rehearses and makes the break-glass code, and then asks scauthd, which looks at the accounts
// (DECISIONS.md D287).

import type { WireSetting, WireStanding } from '../../protocol/io-scauth.ts';
import { agentAbsent, code as codeWords, confirmed, started } from '../../words/enforcement.ts';
import { PLAN, REQUIRED as say } from '../../words/console-policy.ts';
import { callAgent, callList } from '../kit/agent.ts';
import { ask, tick } from '../kit/ask.ts';
import { copied } from '../kit/copy.ts';
import { around, h, outside } from '../kit/dom.ts';
import { byName } from '../kit/live.ts';
import { coverOfServices, newCode, switchOn, type ServiceCover } from '../kit/sc-auth.ts';

/** More boxes to tick nobody reads. */
const MOST_TICKS = 10;

function shownOnce(text: string): HTMLElement[] {
  return [
    h(
      'div',
      { class: 'notice good once' },
      h('p', {}, h('strong', {}, codeWords.is(''))),
      copied(text, say.codeName),
      h('p', {}, codeWords.keep),
    ),
  ];
}

interface Told {
  readonly parts: readonly HTMLElement[];
  /** The names that were ticked. */
  readonly chosen: () => string[];
}

interface ToTick {
  readonly name: string;
  /** What is said above the box. */
  readonly about: readonly HTMLElement[];
}

function nothingToTick(...parts: readonly HTMLElement[]): Told {
  return { parts, chosen: () => [] };
}

/** @param text with the name as its … */
function ticked(head: string, rows: readonly ToTick[], text: string): Told {
  const boxes = rows.map((row) => ({ ...row, box: h('input', { type: 'checkbox' }) }));
  return {
    parts: [
      h('p', { class: 'bad' }, head),
      ...boxes.flatMap(({ name, about, box }) => [...about, tick(box, around(text, name))]),
    ],
    chosen: () => boxes.filter(({ box }) => box.checked).map(({ name }) => name),
  };
}

function reason(name: string, why: string): HTMLElement {
  return h('p', { class: 'quiet' }, outside(name, 60), ': ', outside(why, 500));
}

/** Whom it would shut out: said, and where they are few each may be taken knowingly. */
function accountsPart(accounts: readonly WireStanding[]): Told {
  const out = accounts.filter(({ keptInBy }) => keptInBy === null);
  if (out.length === 0) return nothingToTick(h('p', {}, say.nobodyOut(accounts.length)));
  if (out.length > MOST_TICKS)
    return nothingToTick(h('p', { class: 'bad' }, say.outMany(out.length, accounts.length)));
  const rows = out.map(({ user, why }) => ({ name: user, about: [reason(user, why)] }));
  return ticked(say.out(out.length, accounts.length), rows, say.outOne);
}

/** Which services a password would still open. */
function servicesPart(services: readonly ServiceCover[]): Told {
  const open = services.filter(({ state }) => state === 'uncovered');
  if (open.length === 0) return nothingToTick();
  const rows = open.map(({ service, why, repair }) => ({
    name: service,
    about: [reason(service, why), ...(repair === null ? [] : [copied(repair, PLAN.command)])],
  }));
  return ticked(say.open, rows, say.openOne);
}

/** What a scauthd that does not run means: asked for where no file says it, and no answer is set beforehand. */
function absentPart(setting: WireSetting | undefined): { parts: HTMLElement[]; chosen: () => string | null } {
  if (setting !== undefined && setting.file !== null)
    return { parts: [h('p', {}, say.absentSet(setting.value))], chosen: () => null };
  const choices = agentAbsent.choices.map(({ word, meaning }) => ({
    word,
    meaning,
    radio: h('input', { type: 'radio', name: 'absent', value: word, required: true }),
  }));
  const legend = h('legend', {}, say.absent);
  const parts = choices.map(({ word, meaning, radio }) => tick(radio, h('strong', {}, word), `: ${meaning}`));
  return {
    parts: [h('fieldset', {}, legend, ...parts)],
    chosen: () => choices.find(({ radio }) => radio.checked)?.word ?? null,
  };
}

export async function askOn(): Promise<void> {
  const [accounts, services, settings] = await Promise.all([
    callList('PlanEnforcement', {}, (reply) => reply.accounts),
    coverOfServices(),
    callList('GetSettings', {}, (reply) => reply.settings),
  ]);
  const named = (name: string): WireSetting | undefined => settings.find((one) => one.name === name);
  const people = accountsPart(accounts);
  const open = servicesPart(services);
  const absent = absentPart(named('enforcement.agent_absent'));
  await ask({
    title: say.switchOnTitle,
    consequences: [
      say.willBeOn,
      say.trial(named('enforcement.confirm_minutes')?.value ?? '?'),
      ...people.parts,
      ...open.parts,
    ],
    fields: [...absent.parts, h('p', {}, say.codeOnce)],
    yes: say.switchOnYes,
    meanwhile: say.rehearsing,
    run: async () => {
      const { until, by, breakGlassCode } = await switchOn({
        by: await byName(),
        agentAbsent: absent.chosen(),
        shutOut: people.chosen(),
        uncovered: open.chosen(),
      });
      if (breakGlassCode === null || until === null) return [say.wasOn];
      return [
        h(
          'p',
          { class: 'notice' },
          started.trial(until),
          ' ',
          around(say.confirmTrial, by ?? 'root', by ?? 'root'),
        ),
        ...shownOnce(breakGlassCode),
      ];
    },
  });
}

export function askConfirm(): Promise<void> {
  return ask({
    title: say.confirm,
    consequences: [say.willConfirm],
    yes: say.confirm,
    run: async () => {
      const { user, at } = await callAgent('ConfirmEnforcement', {});
      return [h('p', { class: 'notice good' }, outside(confirmed.by(user, at), 500))];
    },
  });
}

export function askOff(): Promise<void> {
  return ask({
    title: say.switchOff,
    consequences: [say.willBeOff],
    yes: say.switchOff,
    run: async () => {
      await callAgent('StopEnforcement', {});
      return [];
    },
  });
}

export function askCode(): Promise<void> {
  return ask({
    title: say.code,
    consequences: [say.willBeCode],
    yes: say.code,
    run: async () => shownOnce(await newCode()),
  });
}
