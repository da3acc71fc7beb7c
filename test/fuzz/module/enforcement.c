/*
 * The file of enforcement, by libFuzzer: what is not its text to the letter binds. The first byte is the
 * length of the service's name, which follows; then the time, eight bytes; then the file.
 */
#include <string.h>

#include "enforcement.h"
#include "rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const char FIRST[] = "scauth-enforcement 1\n";
    char service[256];
    int64_t now;
    if (size < 1 || size < 1u + bytes[0] + sizeof now)
        return 0;
    size_t length = bytes[0];
    memcpy(service, bytes + 1, length);
    service[length] = '\0';
    memcpy(&now, bytes + 1 + length, sizeof now);
    size_t left = size - 1 - length - sizeof now;
    char *text = malloc(left == 0 ? 1 : left);
    if (text == NULL)
        abort();
    memcpy(text, bytes + size - left, left);
    struct enforcement found = enforcement_parse(text, left, length == 0 ? NULL : service, now);
    bool begins = left > sizeof FIRST && memcmp(text, FIRST, sizeof FIRST - 1) == 0;
    require(found.in_force || (begins && text[left - 1] == '\n'), "a text that is none does not bind");
    require(found.in_force || memchr(text, '\0', left) == NULL, "a NUL byte does not bind");
    require(begins || (found.closed && found.remote), "in doubt, and not as strict as can be");
    free(text);
    return 0;
}
