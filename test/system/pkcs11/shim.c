/*
 * A PKCS#11 module in front of SoftHSM that goes wrong as the file SHIM says, which is read at each call:
 *
 *   C_Sign 30          it answers so (hexadecimal) and does nothing
 *   C_Login 5 after    it does its work, and answers so
 *   C_Sign length 7    it does its work, and gives this as the length or count of what it gives; `asked`:
 * only where it is asked for it (no buffer), `given`: only where there is a buffer wrong 101          what a
 * wrong PIN is called tries 3            so many wrong PINs lock the token; SHIM.count has how many there
 * were flags always       and the token's flags tell of it; `once`: until the module is initialised anew
 *   readers by-label   each token is a card, in a reader that is named as the token
 *
 * SHIM.logins gets a byte for each PIN that reaches this module. Specification: PKCS #11 2.40, the order of
 * the functions as in pkcs11f.h.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long word;
/* As many words as C_GenerateKeyPair takes: what a shorter function does not have is passed on, and not
 * looked at. */
typedef word (*function)(word, word, word, word, word, word, word, word);

enum { FUNCTIONS = 68, WRONG = 0xa0, LOCKED = 0xa4, FLAGS_AT = 96 };
enum { INITIALIZE = 0, SLOT_INFO = 5, TOKEN_INFO = 6, SET_PIN = 11, LOGIN = 18 };
enum { REMOVABLE = 0x2, DESCRIPTION_BYTES = 64, LABEL_BYTES = 32 };

struct list {
    unsigned char version[2];
    function functions[FUNCTIONS];
};

static struct list *real;
static struct list mine;
/* A wrong PIN was seen since the module was initialised. */
static int seen;

/* What the file says after this word; NULL where it does not have it. */
static const char *said(const char *what) {
    static char text[4096];
    const char *path = getenv("SHIM");
    int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return NULL;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    text[length < 0 ? 0 : length] = '\0';
    size_t n = strlen(what);
    for (char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, what, n) == 0 && line[n] == ' ')
            return line + n + 1;
    }
    return NULL;
}

static word number(const char *what, word otherwise, int base) {
    const char *text = said(what);
    return text == NULL ? otherwise : strtoul(text, NULL, base);
}

static int beside(const char *suffix, int flags) {
    char path[512];
    snprintf(path, sizeof path, "%s.%s", getenv("SHIM") == NULL ? "" : getenv("SHIM"), suffix);
    return open(path, flags | O_CLOEXEC, 0600);
}

static word count(void) {
    char text[16] = "";
    int file = beside("count", O_RDONLY);
    if (file < 0)
        return 0;
    if (read(file, text, sizeof text - 1) < 0)
        text[0] = '\0';
    close(file);
    return strtoul(text, NULL, 10);
}

static void set_count(word value) {
    char text[16];
    int file = beside("count", O_WRONLY | O_CREAT | O_TRUNC);
    if (file < 0)
        return;
    if (write(file, text, (size_t)snprintf(text, sizeof text, "%lu", value)) < 0)
        perror("count");
    close(file);
}

static word judged(word answer) {
    if (answer == WRONG) {
        set_count(count() + 1);
        seen = 1;
        return number("wrong", WRONG, 16);
    }
    if (answer == 0)
        set_count(0);
    return answer;
}

static void note_pin(void) {
    int file = beside("logins", O_WRONLY | O_CREAT | O_APPEND);
    if (file < 0)
        return;
    if (write(file, ".", 1) < 0)
        perror("logins");
    close(file);
}

static word with_pin(int which, word a, word b, word c, word d, word e, word f, word g, word h) {
    word tries = number("tries", 0, 10);
    if (tries > 0 && count() >= tries)
        return LOCKED;
    return judged(real->functions[which](a, b, c, d, e, f, g, h));
}

static word slot_info(word slot, word info, word c, word d, word e, word f, word g, word h) {
    word answer = real->functions[SLOT_INFO](slot, info, c, d, e, f, g, h);
    if (answer != 0 || said("readers") == NULL)
        return answer;
    char token[512], *at = (char *)info;
    if (real->functions[TOKEN_INFO](slot, (word)token, 0, 0, 0, 0, 0, 0) != 0)
        return answer;
    memset(at, ' ', DESCRIPTION_BYTES);
    memcpy(at, token, LABEL_BYTES);
    word flags;
    memcpy(&flags, at + FLAGS_AT, sizeof flags);
    flags |= REMOVABLE;
    memcpy(at + FLAGS_AT, &flags, sizeof flags);
    return answer;
}

static word token_info(word slot, word info, word c, word d, word e, word f, word g, word h) {
    word answer = real->functions[TOKEN_INFO](slot, info, c, d, e, f, g, h);
    const char *how = said("flags");
    if (answer != 0 || how == NULL || (strncmp(how, "once", 4) == 0 && !seen))
        return answer;
    word tries = number("tries", 0, 10), wrong = count(), flags;
    char *at = (char *)info + FLAGS_AT;
    memcpy(&flags, at, sizeof flags);
    if (wrong > 0)
        flags |= 0x10000;
    if (wrong + 1 == tries)
        flags |= 0x20000;
    if (tries > 0 && wrong >= tries)
        flags |= 0x40000;
    memcpy(at, &flags, sizeof flags);
    return answer;
}

static word work(int which, word a, word b, word c, word d, word e, word f, word g, word h) {
    switch (which) {
    case INITIALIZE:
        seen = 0;
        break;
    case SLOT_INFO:
        return slot_info(a, b, c, d, e, f, g, h);
    case TOKEN_INFO:
        return token_info(a, b, c, d, e, f, g, h);
    case SET_PIN:
    case LOGIN:
        return with_pin(which, a, b, c, d, e, f, g, h);
    }
    return real->functions[which](a, b, c, d, e, f, g, h);
}

enum { SLOT_LIST = 4, MECHANISM_LIST = 7, ATTRIBUTES = 24, FIND = 27, SIGN = 43 };

struct attribute {
    word type;
    void *value;
    word length;
};

/* The length of an answer as the file says; `buffer`: where the answer itself was to go. */
static void misstate(word *length, const void *buffer, word value, const char *when) {
    if (length == NULL || (strncmp(when, " asked", 6) == 0 && buffer != NULL) ||
        (strncmp(when, " given", 6) == 0 && buffer == NULL))
        return;
    *length = value;
}

static void misstate_all(int which, word b, word c, word d, word e, const char *how) {
    char *when;
    word value = strtoul(how, &when, 16);
    struct attribute *attributes = (struct attribute *)c;
    switch (which) {
    case SLOT_LIST:
    case MECHANISM_LIST:
        misstate((word *)c, (void *)b, value, when);
        break;
    case FIND:
        misstate((word *)d, (void *)b, value, when);
        break;
    case SIGN:
        misstate((word *)e, (void *)d, value, when);
        break;
    case ATTRIBUTES:
        for (word i = 0; i < d; i++)
            misstate(&attributes[i].length, attributes[i].value, value, when);
        break;
    }
}

static word call(int which, const char *name, word a, word b, word c, word d, word e, word f, word g,
                 word h) {
    if (which == LOGIN || which == SET_PIN)
        note_pin();
    const char *how = said(name);
    if (how == NULL)
        return work(which, a, b, c, d, e, f, g, h);
    if (strncmp(how, "length ", 7) == 0) {
        char line[64];
        /* The work reads the file anew. */
        snprintf(line, sizeof line, "%.60s", how + 7);
        word answer = work(which, a, b, c, d, e, f, g, h);
        misstate_all(which, b, c, d, e, line);
        return answer;
    }
    char *rest;
    word code = strtoul(how, &rest, 16);
    if (strncmp(rest, " after", 6) == 0)
        work(which, a, b, c, d, e, f, g, h);
    return code;
}

#define SHIMMED(X)                                                                                           \
    X(0, C_Initialize)                                                                                       \
    X(1, C_Finalize)                                                                                         \
    X(2, C_GetInfo)                                                                                          \
    X(4, C_GetSlotList)                                                                                      \
    X(5, C_GetSlotInfo)                                                                                      \
    X(6, C_GetTokenInfo)                                                                                     \
    X(7, C_GetMechanismList)                                                                                 \
    X(9, C_InitToken)                                                                                        \
    X(10, C_InitPIN)                                                                                         \
    X(11, C_SetPIN)                                                                                          \
    X(12, C_OpenSession)                                                                                     \
    X(14, C_CloseAllSessions)                                                                                \
    X(18, C_Login)                                                                                           \
    X(19, C_Logout)                                                                                          \
    X(20, C_CreateObject)                                                                                    \
    X(22, C_DestroyObject)                                                                                   \
    X(24, C_GetAttributeValue)                                                                               \
    X(26, C_FindObjectsInit)                                                                                 \
    X(27, C_FindObjects)                                                                                     \
    X(28, C_FindObjectsFinal)                                                                                \
    X(42, C_SignInit)                                                                                        \
    X(43, C_Sign)                                                                                            \
    X(59, C_GenerateKeyPair)

#define WRAPPER(INDEX, NAME)                                                                                 \
    static word wrapped_##NAME(word a, word b, word c, word d, word e, word f, word g, word h) {             \
        return call(INDEX, #NAME, a, b, c, d, e, f, g, h);                                                   \
    }
SHIMMED(WRAPPER)

word C_GetFunctionList(struct list **out);

word C_GetFunctionList(struct list **out) {
    if (real == NULL) {
        void *library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
        void *symbol = library == NULL ? NULL : dlsym(library, "C_GetFunctionList");
        word (*list)(struct list **) = NULL;
        memcpy(&list, &symbol, sizeof list);
        if (list == NULL || list(&real) != 0)
            return 5;
        mine = *real;
#define PUT(INDEX, NAME) mine.functions[INDEX] = wrapped_##NAME;
        SHIMMED(PUT)
    }
    *out = &mine;
    return number("C_GetFunctionList", 0, 16);
}
