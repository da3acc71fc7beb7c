/*
 * Fills the begin frame from PAM items. An item that cannot be sent is left out only where that cannot make
 * the request look better than it is. Specification: PROTOCOL.md, section 1.3.
 */
#include "begin.h"

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <syslog.h>

/* An empty item counts as absent: some login screens set an empty user to say "whoever the card names".
 * False if the item cannot be read, or is too long or no text. */
static bool text_item(pam_handle_t *pamh, int type, const char **text) {
    const void *item = NULL;
    *text = NULL;
    if (pam_get_item(pamh, type, &item) != PAM_SUCCESS)
        return false;
    const char *found = item;
    if (found == NULL || found[0] == '\0')
        return true;
    if (!frame_usable_text(found))
        return false;
    *text = found;
    return true;
}

bool begin_from_items(pam_handle_t *pamh, enum phase phase, int flags, struct begin_frame *begin) {
    begin->phase = (uint8_t)phase;
    begin->flags = (uint32_t)flags;
    /* Without rhost a remote request would pass for a local one: like service and user, it is not optional.
     */
    if (!text_item(pamh, PAM_SERVICE, &begin->service) || begin->service == NULL ||
        !text_item(pamh, PAM_USER, &begin->user) || !text_item(pamh, PAM_RHOST, &begin->rhost)) {
        pam_syslog(pamh, LOG_ERR, "service, user or remote host is not text of at most %u bytes; refused",
                   FRAME_FIELD_MAX);
        return false;
    }
    /* These two only describe. */
    (void)text_item(pamh, PAM_TTY, &begin->tty);
    (void)text_item(pamh, PAM_RUSER, &begin->ruser);
    return true;
}
