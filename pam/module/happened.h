/*
 * What the authenticate phase came to in this PAM handle, kept in the handle for the account phase: that
 * nobody was asked for a card is said by this alone, never concluded from an agent that does not know.
 * Specification: PROTOCOL.md, section 1.4.
 */
#ifndef SCAUTH_HAPPENED_H
#define SCAUTH_HAPPENED_H

#include <security/_pam_types.h>

#include "frames.h"

/* Never fails: what cannot be noted is known to be lost, and counts as HAPPENED_NO_VERDICT from then on. */
void happened_note(pam_handle_t *pamh, enum happened happened);

enum happened happened_recall(pam_handle_t *pamh);

#endif
