/*
 * OpenSC's module, whose C_Initialize fails from the fourth time on in one process, as that of a TPM did
 * once its children had used up the processes. Specification: PKCS #11 2.40, 5.4.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

typedef unsigned long word;
typedef word (*function)(void *);

enum { OK = 0, GENERAL_ERROR = 5, FUNCTIONS = 68, TIMES = 3 };

struct list {
    word version;
    function functions[FUNCTIONS];
};

static struct list *theirs, ours;
static int times;

static word initialize(void *arguments) {
    return ++times > TIMES ? GENERAL_ERROR : theirs->functions[0](arguments);
}

word C_GetFunctionList(struct list **out) {
    if (theirs == NULL) {
        void *library = dlopen("opensc-pkcs11.so", RTLD_NOW | RTLD_LOCAL);
        word (*get)(struct list **) = NULL;
        if (library != NULL)
            *(void **)&get = dlsym(library, "C_GetFunctionList");
        if (get == NULL || get(&theirs) != OK)
            return GENERAL_ERROR;
        memcpy(&ours, theirs, sizeof ours);
        ours.functions[0] = initialize;
    }
    *out = &ours;
    return OK;
}
