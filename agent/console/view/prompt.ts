// The dialog that offers to pair a card that is nobody's yet: for the machine as an administrator, for oneself and for each
// card that is in as a user.

import { PROMPT as say } from '../../words/console-policy.ts';
import { callAgent } from '../kit/agent.ts';
import { act, ask } from '../kit/ask.ts';
import { around, h, stateName } from '../kit/dom.ts';
import { isAdministrator } from '../kit/live.ts';
import { kept, section, type View } from './view.ts';

interface Prompt {
  /** null: for every card. */
  readonly token: string | null;
  readonly label: string;
  readonly enabled: boolean;
  readonly level: string;
}

async function look(): Promise<Prompt[]> {
  const tokens = isAdministrator() ? [] : (await callAgent('ListTokens', {})).tokens;
  const asked = [{ id: null, label: '' }, ...tokens];
  return Promise.all(
    asked.map(async ({ id: token, label }) => ({
      ...{ token, label },
      ...(await callAgent('GetPairingPrompt', { token })),
    })),
  );
}

function askSwitch({ token, enabled }: Prompt): Promise<void> {
  const yours = !isAdministrator();
  const off = yours ? say.willBeOffYours : say.willBeOff;
  const on = yours ? say.willBeOnYours : say.willBeOn;
  const yes = enabled ? say.switchOff : say.switchOn;
  return ask({
    title: say.title,
    consequences: [enabled ? off : on],
    yes,
    run: async () => {
      await callAgent('SetPairingPrompt', { token, enabled: !enabled });
      return [];
    },
  });
}

/** What was decided above somebody they cannot change. */
function isTheirs({ token, level, enabled }: Prompt): boolean {
  if (level === 'policy') return false;
  if (isAdministrator() || enabled) return true;
  return level === (token === null ? 'user' : 'card');
}

function part(prompt: Prompt, again: () => void): HTMLElement {
  const { token, label, enabled, level } = prompt;
  const whose = token === null ? h('h3', {}, isAdministrator() ? say.machine : say.you) : h('h3', {});
  if (token !== null) whose.append(around(say.card, label));
  const press = act(enabled ? say.switchOff : say.switchOn, () => askSwitch(prompt), again);
  return h(
    'div',
    { class: 'panel', 'data-key': token ?? 'all', 'data-state': stateName(prompt) },
    whose,
    h(
      'p',
      {},
      h('span', { class: enabled ? 'label good' : 'label' }, enabled ? say.on : say.off),
      ' ',
      h('span', { class: 'quiet' }, say.decided.get(level) ?? level),
    ),
    isTheirs(prompt) ? h('div', { class: 'buttons' }, press) : null,
  );
}

export const prompt: View = (main) => {
  const states = h('div', {});
  main.append(section(say.title, h('p', { class: 'quiet' }, say.about), states));
  const { end, again } = kept(states, look, (prompts) =>
    prompts.map((one) =>
      part(one, () => {
        again();
      }),
    ),
  );
  return end;
};
