/*
 * Faults on demand. faults_wrap.c, linked into build/faults/pam_scauth.so, asks before each call of the
 * module that can fail; faults.c, linked into the test program, answers. The module itself knows nothing of
 * it.
 */
#ifndef SCAUTH_TEST_FAULTS_H
#define SCAUTH_TEST_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

enum fault_mode {
    FAULT_NONE,
    FAULT_FAIL,      /* the nth call fails */
    FAULT_INTERRUPT, /* the nth call that can be interrupted says EINTR */
    FAULT_AGAIN,     /* the nth call that can says EAGAIN */
    FAULT_SHORT,     /* every send and recv moves one byte */
};

struct fault_plan {
    enum fault_mode mode;
    unsigned nth;      /* from 1 */
    unsigned counted;  /* the calls so far */
    const char *fired; /* the call that was made to fail, or NULL */
    /* The memory that the conversation gave away, to see it wiped when it is freed. */
    const char *secret;
    size_t secret_size;
    bool secret_freed, secret_wiped;
};

extern struct fault_plan fault_plan;

/* Returns the errno with which `call` is to fail, or 0. */
int fault_due(const char *call);
bool fault_is_short(void);
void fault_freed(const void *memory);

#endif
