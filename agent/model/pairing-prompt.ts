// The pairing prompt: where its state is kept, and what came of it. The rule is policy/pairing-prompt.ts.

import type { Username } from './request.ts';
import type { TokenId } from './card/token.ts';

/** Whose prompt is switched: everybody's on this machine, one user's, or one user's for one card. */
export type PromptScope =
  | { readonly level: 'machine' }
  | { readonly level: 'user'; readonly user: Username }
  | { readonly level: 'card'; readonly user: Username; readonly tokenId: TokenId };

/** Which level decided; `policy` is pairing.users_may_pair, `default` that nobody has said anything. */
export type PromptLevel = 'policy' | PromptScope['level'] | 'default';

export interface PromptState {
  readonly enabled: boolean;
  readonly level: PromptLevel;
}
