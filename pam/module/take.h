/*
 * The one item that the agent may take from the application: the new password, while it is being changed.
 * Nothing else is ever read for it, and no PIN is ever in it. Specification: PROTOCOL.md, section 1.3.
 */
#ifndef SCAUTH_TAKE_H
#define SCAUTH_TAKE_H

#include <security/_pam_types.h>

#include "frames.h"

/* Never fails: where there is no new password, `answer` says ANSWER_FAILED. The caller wipes it. */
void take_new_password(pam_handle_t *pamh, struct answer_frame *answer);

#endif
