/*
 * A PKCS#11 module that goes wrong as BAD_MODULE says: `crash` or `hang` in C_Login, `label` (64 KiB with
 * what a terminal acts on). It has one bare P-256 key, and each file of the folder BAD_CERTIFICATES as a
 * certificate. Specification: PKCS #11 2.40, the structures and the order of the functions as in pkcs11t.h
 * and pkcs11f.h.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long word;

enum { OK = 0, NOT_SUPPORTED = 0x54, TYPE_INVALID = 0x12, FUNCTIONS = 68, MOST = 64, LABEL_BYTES = 65536 };
enum { CERTIFICATE = 1, PUBLIC_KEY = 2, PRIVATE_KEY = 3 };

struct attribute {
    word type;
    void *value;
    word length;
};

struct object {
    word class;
    char id;
    unsigned char *value;
    word length;
};

static struct object objects[MOST];
static word count;
static word found, wanted;
static char label[LABEL_BYTES];

/* The curve's own point: a public key like any other. */
static const unsigned char point[] = {
    0x04, 0x41, 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4,
    0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2,
    0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
static const unsigned char p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};

static int is_bad(const char *how) {
    const char *mode = getenv("BAD_MODULE");
    return mode != NULL && strcmp(mode, how) == 0;
}

static void read_certificates(const char *folder) {
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL && count < MOST;) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "rb");
        if (file == NULL)
            continue;
        unsigned char *value = malloc(LABEL_BYTES);
        word length = value == NULL ? 0 : fread(value, 1, LABEL_BYTES, file);
        objects[count] = (struct object){CERTIFICATE, (char)(count + 1), value, length};
        count++;
        fclose(file);
    }
    closedir(dir);
}

static word initialize(void *arguments) {
    (void)arguments;
    count = 0;
    objects[count++] = (struct object){PUBLIC_KEY, 1, NULL, 0};
    objects[count++] = (struct object){PRIVATE_KEY, 1, NULL, 0};
    if (getenv("BAD_CERTIFICATES") != NULL)
        read_certificates(getenv("BAD_CERTIFICATES"));
    static const char acts[] = "\x1b]0;owned\x07\x1b[2J\x9b"
                               "31m\r\n";
    for (word at = 0; at < LABEL_BYTES; at++)
        label[at] = acts[at % (sizeof acts - 1)];
    return OK;
}

static word nothing(void) {
    return OK;
}
static word unsupported(void) {
    return NOT_SUPPORTED;
}

static word get_slot_list(unsigned char present, word *slots, word *number) {
    (void)present;
    if (slots != NULL)
        slots[0] = 7;
    *number = 1;
    return OK;
}

static word get_slot_info(word slot, char *info) {
    (void)slot;
    memset(info, ' ', 96);
    memset(info + 96, 0, 16);
    *(word *)(void *)(info + 96) = 1; /* a token is present, and cannot be taken out */
    return OK;
}

static word get_token_info(word slot, char *info) {
    (void)slot;
    memset(info, ' ', 96);
    memcpy(info, "Bad", 3);
    memcpy(info + 80, "0BAD", 4);
    word *numbers = (word *)(void *)(info + 96);
    memset(numbers, 0, 11 * sizeof(word) + 20);
    numbers[0] = 0x40c; /* initialised, wants a login, has a PIN */
    numbers[5] = 8;
    numbers[6] = 4;
    return OK;
}

static word open_session(word slot, word flags, void *application, void *notify, word *session) {
    (void)slot, (void)flags, (void)application, (void)notify;
    *session = 1;
    return OK;
}

static word login(word session, word user, const unsigned char *pin, word length) {
    (void)session, (void)user, (void)pin, (void)length;
    if (is_bad("crash"))
        abort();
    while (is_bad("hang"))
        pause();
    return 0xa0;
}

static word find_init(word session, struct attribute *template, word number) {
    (void)session;
    found = 0;
    wanted = number > 0 && template[0].type == 0 ? *(word *)template[0].value : 0;
    return OK;
}

static word find(word session, word *handles, word most, word *number) {
    (void)session;
    for (*number = 0; found < count && *number < most; found++)
        if (wanted == 0 || objects[found].class == wanted)
            handles[(*number)++] = found + 1;
    return OK;
}

static word put(struct attribute *to, const void *value, word length) {
    if (to->value != NULL) {
        if (to->length < length)
            return 0x150;
        memcpy(to->value, value, length);
    }
    to->length = length;
    return OK;
}

static word get_attribute(const struct object *object, struct attribute *to) {
    static const word ec = 3, zero = 0;
    static const unsigned char no = 0, yes = 1;
    switch (to->type) {
    case 0x000:
        return put(to, &object->class, sizeof(word));
    case 0x002:
        return put(to, object->class == PRIVATE_KEY ? &yes : &no, 1);
    case 0x003:
        return is_bad("label") ? put(to, label, LABEL_BYTES) : put(to, "Key", 3);
    case 0x011:
        if (object->class == CERTIFICATE)
            return put(to, object->value, object->length);
        break;
    case 0x080:
        if (object->class == CERTIFICATE)
            return put(to, &zero, sizeof(word));
        break;
    case 0x100:
        if (object->class != CERTIFICATE)
            return put(to, &ec, sizeof(word));
        break;
    case 0x102:
        return put(to, &object->id, 1);
    case 0x108:
    case 0x10a:
        return put(to, &yes, 1);
    case 0x180:
        if (object->class != CERTIFICATE)
            return put(to, p256, sizeof p256);
        break;
    case 0x181:
        if (object->class == PUBLIC_KEY)
            return put(to, point, sizeof point - 0);
        break;
    }
    to->length = (word)-1;
    return TYPE_INVALID;
}

static word get_attributes(word session, word handle, struct attribute *template, word number) {
    (void)session;
    word result = OK;
    for (word at = 0; at < number; at++) {
        word one = get_attribute(&objects[handle - 1], &template[at]);
        if (one != OK)
            result = one;
    }
    return result;
}

typedef word (*function)(void);

static struct {
    unsigned char version[2];
    function functions[FUNCTIONS];
} list = {{2, 40}, {0}};

word C_GetFunctionList(void **out);

word C_GetFunctionList(void **out) {
    for (int at = 0; at < FUNCTIONS; at++)
        list.functions[at] = unsupported;
    list.functions[0] = (function)initialize;
    list.functions[1] = nothing;
    list.functions[3] = (function)C_GetFunctionList;
    list.functions[4] = (function)get_slot_list;
    list.functions[5] = (function)get_slot_info;
    list.functions[6] = (function)get_token_info;
    list.functions[12] = (function)open_session;
    list.functions[13] = list.functions[14] = list.functions[19] = nothing;
    list.functions[18] = (function)login;
    list.functions[24] = (function)get_attributes;
    list.functions[26] = (function)find_init;
    list.functions[27] = (function)find;
    list.functions[28] = nothing;
    *out = &list;
    return OK;
}
