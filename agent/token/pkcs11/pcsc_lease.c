/*
 * libpcsclite in front of libpcsclite, for a PKCS#11 module that is to keep what it knows of a card, and not
 * the card. It notes the module's connections to cards; scauth_give_back() ends them, so that other programs
 * have the cards, and the module connects again by itself, as after another program's reset. While
 * scauth_hold() is in force a transaction that the module begins goes on until then: nobody else gets at a
 * card between the module's calls. After scauth_only() the cards of other readers are not there for it: a
 * module that looks at every card would wait for one that does not answer. Loaded before the module, it is
 * what the module finds as libpcsclite.so.1.
 * It sends nothing to a card; all that it does not know is handed through. Specification: winscard.h of
 * pcsc-lite; OpenSC's reader-pcsc.c, pcsc_lock.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef long word;
typedef word (*function)(word, word, word, word, word, word, word);

enum { SUCCESS = 0, LEAVE_CARD = 0, CONNECTIONS = 64 };
static const word NO_MEMORY = 0x80100006, NO_SERVICE = 0x8010001D, NO_CARD = 0x8010000C;

/* card is 0 where there is none. held: a transaction of ours is around those of the module. */
static struct {
    word card;
    int held;
} connections[CONNECTIONS];
static void *library;
static int holding;
/* A reader's name; NULL: all are there. */
static char *only;

static word call(const char *name, word a, word b, word c, word d, word e, word f, word g) {
    function real = NULL;
    if (library != NULL)
        *(void **)&real = dlsym(library, name);
    return real == NULL ? NO_SERVICE : real(a, b, c, d, e, f, g);
}

static size_t find(word card) {
    size_t at = 0;
    while (at < CONNECTIONS && connections[at].card != card)
        at++;
    return at;
}

#define EXPORT __attribute__((visibility("default")))
#define HANDED_THROUGH(NAME)                                                                                 \
    EXPORT word NAME(word, word, word, word, word, word, word);                                              \
    EXPORT word NAME(word a, word b, word c, word d, word e, word f, word g) {                               \
        return call(#NAME, a, b, c, d, e, f, g);                                                             \
    }

HANDED_THROUGH(SCardEstablishContext)
HANDED_THROUGH(SCardReleaseContext)
HANDED_THROUGH(SCardIsValidContext)
HANDED_THROUGH(SCardReconnect)
HANDED_THROUGH(SCardEndTransaction)
HANDED_THROUGH(SCardStatus)
HANDED_THROUGH(SCardGetStatusChange)
HANDED_THROUGH(SCardCancel)
HANDED_THROUGH(SCardTransmit)
HANDED_THROUGH(SCardControl)
HANDED_THROUGH(SCardListReaders)
HANDED_THROUGH(SCardListReaderGroups)
HANDED_THROUGH(SCardFreeMemory)
HANDED_THROUGH(SCardGetAttrib)
HANDED_THROUGH(SCardSetAttrib)

EXPORT word SCardConnect(word, word, word, word, word *, word);
EXPORT word SCardConnect(word context, word reader, word share, word protocols, word *card, word protocol) {
    size_t at = find(0);
    if (only != NULL && strcmp((const char *)reader, only) != 0)
        return NO_CARD;
    if (at == CONNECTIONS)
        return NO_MEMORY;
    word result = call("SCardConnect", context, reader, share, protocols, (word)card, protocol, 0);
    if (result == SUCCESS) {
        connections[at].card = *card;
        connections[at].held = 0;
    }
    return result;
}

EXPORT word SCardBeginTransaction(word);
EXPORT word SCardBeginTransaction(word card) {
    word result = call("SCardBeginTransaction", card, 0, 0, 0, 0, 0, 0);
    size_t at = find(card);
    if (result == SUCCESS && holding && at < CONNECTIONS && !connections[at].held)
        connections[at].held = call("SCardBeginTransaction", card, 0, 0, 0, 0, 0, 0) == SUCCESS;
    return result;
}

EXPORT word SCardDisconnect(word, word);
EXPORT word SCardDisconnect(word card, word disposition) {
    size_t at = find(card);
    if (at < CONNECTIONS)
        connections[at].card = 0;
    return call("SCardDisconnect", card, disposition, 0, 0, 0, 0, 0);
}

/* Where the real one is. Returns whether it is there. */
EXPORT int scauth_stand_before(const char *);
EXPORT int scauth_stand_before(const char *path) {
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    return library != NULL;
}

/* From now on only the cards of this reader are there; of none where it is empty. */
EXPORT void scauth_only(const char *);
EXPORT void scauth_only(const char *reader) {
    char *name = strdup(reader);
    if (name == NULL)
        abort();
    free(only);
    only = name;
}

EXPORT void scauth_hold(void);
EXPORT void scauth_hold(void) {
    holding = 1;
}

/* Whether the module has got at a card since scauth_hold(). */
EXPORT int scauth_holds(void);
EXPORT int scauth_holds(void) {
    for (size_t at = 0; at < CONNECTIONS; at++)
        if (connections[at].card != 0 && connections[at].held)
            return 1;
    return 0;
}

/* With SCARD_RESET_CARD a card that is held is reset before anybody else has it. */
EXPORT void scauth_give_back(word);
EXPORT void scauth_give_back(word disposition) {
    holding = 0;
    for (size_t at = 0; at < CONNECTIONS; at++) {
        word card = connections[at].card;
        if (card == 0)
            continue;
        int ended =
            connections[at].held && call("SCardEndTransaction", card, disposition, 0, 0, 0, 0, 0) == SUCCESS;
        SCardDisconnect(card, ended ? LEAVE_CARD : disposition);
    }
}
