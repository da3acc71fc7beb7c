// The policy: whether a card is required and who would get in, the dialog that offers to pair, and the settings. A user sees
// how it is, and what is theirs; an administrator also who is bound, and what can be done about it.

import { isAdministrator } from '../kit/live.ts';
import { plan } from './plan.ts';
import { prompt } from './prompt.ts';
import { required } from './required.ts';
import { settings } from './settings.ts';
import { onceKnown, type View } from './view.ts';

export const policy: View = (main) =>
  onceKnown(() => {
    const parts = isAdministrator() ? [required, plan, prompt, settings] : [required, prompt, settings];
    const ends = parts.map((part) => part(main, []));
    return () => {
      for (const end of ends) end();
    };
  });
