/*
 * Prints what the text on standard input means to the module: "in_force closed remote", each 0 or 1.
 * usage: enforcement_table SERVICE|- NOW-IN-SECONDS < FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "enforcement.h"

int main(int argc, char **argv) {
    static char buffer[ENFORCEMENT_FILE_MAX];
    if (argc != 3)
        return 2;
    size_t size = fread(buffer, 1, sizeof buffer, stdin);
    /* Of exactly this size on the heap, so that ASan sees each byte read past it. */
    char *text = malloc(size == 0 ? 1 : size);
    if (text == NULL)
        return 2;
    memcpy(text, buffer, size);
    const char *service = strcmp(argv[1], "-") == 0 ? NULL : argv[1];
    struct enforcement found = enforcement_parse(text, size, service, strtoll(argv[2], NULL, 10));
    printf("%d %d %d\n", found.in_force, found.closed, found.remote);
    free(text);
    return 0;
}
