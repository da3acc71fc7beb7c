// What a pairing is worth as the PAM files stand: it opens nothing where no service asks for a card, as after the package's
// installation.

import { pair as say } from '../../words/commands.ts';
import type { CommandContext } from '../context.ts';
import { hasProfile } from './report.ts';
import { servicesThatAsk } from './services.ts';

export function sayWhetherOn({ root, output }: Pick<CommandContext, 'root' | 'output'>): void {
  const services = servicesThatAsk(root);
  output.note(services.length > 0 ? say.on(services) : say.off(hasProfile(root)));
}
