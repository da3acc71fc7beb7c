/*
 * What a valid verdict does to the PAM handle: PAM_USER, PAM_AUTHTOK, the environment, the last message. The
 * code itself comes from verdict.c; here it can only get worse. Specification: PROTOCOL.md, section 1.3.
 */
#ifndef SCAUTH_OUTCOME_H
#define SCAUTH_OUTCOME_H

#include <security/_pam_types.h>

#include "frames.h"

/* `named_user` is the user of the begin frame, or NULL; `token_name` what the agent has called the card, or
 * "". Returns the PAM code. The caller wipes `frame`. */
int outcome_apply(pam_handle_t *pamh, enum phase phase, bool silent, const char *named_user,
                  const char *token_name, const struct agent_frame *frame);

#endif
