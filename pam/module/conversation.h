/*
 * The application's conversation: one question, or one message, at a time. It knows no frames on the wire and
 * no policy. Secrets that it hands out are the caller's to wipe; PAM's own copy is wiped here.
 * Specification: pam_conv(3).
 */
#ifndef SCAUTH_CONVERSATION_H
#define SCAUTH_CONVERSATION_H

#include <security/_pam_types.h>

#include "frames.h"

/* Asks; never fails: if there is no usable answer, `answer` says ANSWER_FAILED. */
void conversation_ask(pam_handle_t *pamh, bool echo, const char *text, struct answer_frame *answer);

/* Shows a text. A conversation that cannot is ignored: a message decides nothing. */
void conversation_tell(pam_handle_t *pamh, enum tell_kind kind, const char *text);

#endif
