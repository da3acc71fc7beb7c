/*
 * The conversations of the test client: good ones and all the bad ones that applications have had.
 */
#ifndef SCAUTH_TEST_CONVERSATIONS_H
#define SCAUTH_TEST_CONVERSATIONS_H

#include <security/pam_appl.h>

/* MODE: answer:TEXT, long:BYTES, error, error-with-response, null-array, null-string, other-user:NAME,
 * after:FILE (answers when there is such a file), show-0 (answers, and prints whether descriptor 0 is open)
 */
struct conversation {
    const char *mode;
    pam_handle_t *pamh; /* for other-user */
};

/* A pam_conv function whose appdata is a struct conversation; prints what is asked and told. */
int converse_as_told(int count, const struct pam_message **messages, struct pam_response **responses,
                     void *data);

#endif
