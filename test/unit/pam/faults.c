/*
 * Decides which call fails. One plan for the process; with no plan nothing fails.
 * The other half is faults_wrap.c.
 */
#include "faults.h"

#include <errno.h>
#include <string.h>

struct fault_plan fault_plan;

static bool is_one_of(const char *call, const char *const *calls, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(call, calls[i]) == 0)
            return true;
    return false;
}

int fault_due(const char *call) {
    static const char *const INTERRUPTIBLE[] = {"connect", "poll", "send", "recv"};
    static const char *const NON_BLOCKING[] = {"connect", "send", "recv"};
    int error = 0;
    switch (fault_plan.mode) {
    case FAULT_NONE:
    case FAULT_SHORT:
        return 0;
    case FAULT_FAIL:
        error = ENOMEM;
        break;
    case FAULT_INTERRUPT:
        error = is_one_of(call, INTERRUPTIBLE, 4) ? EINTR : 0;
        break;
    case FAULT_AGAIN:
        error = is_one_of(call, NON_BLOCKING, 3) ? EAGAIN : 0;
        break;
    }
    if (error == 0 || ++fault_plan.counted != fault_plan.nth)
        return 0;
    fault_plan.fired = call;
    return error;
}

bool fault_is_short(void) {
    return fault_plan.mode == FAULT_SHORT;
}

void fault_freed(const void *memory) {
    if (memory == NULL || memory != fault_plan.secret)
        return;
    fault_plan.secret_freed = true;
    fault_plan.secret_wiped = true;
    for (size_t i = 0; i < fault_plan.secret_size; i++)
        if (fault_plan.secret[i] != '\0')
            fault_plan.secret_wiped = false;
}
