/*
 * Notes in the PAM handle, by pam_set_data(3), which other modules and the application do not change.
 * Specification: happened.h.
 */
#include "happened.h"

#include <security/pam_modules.h>
#include <signal.h>

static const char NAME[] = "scauth_authenticate";

/* What the handle points to: nothing is allocated, and nothing is to be freed. */
static uint8_t marks[] = {HAPPENED_NOTHING, HAPPENED_VERDICT, HAPPENED_NO_VERDICT};

/* A note could not be kept (no memory). This needs none, and holds for all handles of the process. */
static volatile sig_atomic_t lost = 0;

void happened_note(pam_handle_t *pamh, enum happened happened) {
    if (pam_set_data(pamh, NAME, &marks[happened], NULL) != PAM_SUCCESS)
        lost = 1;
}

enum happened happened_recall(pam_handle_t *pamh) {
    const void *mark = NULL;
    int code = pam_get_data(pamh, NAME, &mark);
    if (lost != 0)
        return HAPPENED_NO_VERDICT;
    if (code == PAM_NO_MODULE_DATA)
        return HAPPENED_NOTHING;
    return code == PAM_SUCCESS && mark == &marks[HAPPENED_VERDICT] ? HAPPENED_VERDICT : HAPPENED_NO_VERDICT;
}
