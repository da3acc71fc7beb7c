/* Every sentence that the module itself says to people; all others come from scauthd (agent/words). Lines for
 * the system log are not among them. */

#ifndef PAM_SCAUTH_WORDS_H
#define PAM_SCAUTH_WORDS_H

#define WORDS_NO_ANSWER                                                                                      \
    "This account needs its card, and the card service does not answer. Try again in a moment; if that "     \
    "does "                                                                                                  \
    "not help, ask your administrator."

/* The agent went while somebody typed, and another one is there (an upgrade, or their place was needed). */
#define WORDS_ONCE_MORE "The card service was interrupted while you typed, so it asks once more."

#endif
