/*
 * Who asks, and for what: the PAM items that go into the begin frame. It never prompts and never reads
 * PAM_AUTHTOK: a password that an earlier module collected is not for a card.
 * Specification: PROTOCOL.md, section 1.3.
 */
#ifndef SCAUTH_BEGIN_H
#define SCAUTH_BEGIN_H

#include <security/_pam_types.h>

#include "frames.h"

/* Fills `begin` with pointers into pamh, valid until an item is set. False: it must not be sent (logged). */
bool begin_from_items(pam_handle_t *pamh, enum phase phase, int flags, struct begin_frame *begin);

#endif
