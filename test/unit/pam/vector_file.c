/*
 * Reads vector files for the C test programs. It trusts the files' form and stops at the first line that
 * breaks it. Specification: the first lines of test/vectors/frames.
 */
#include "vector_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t hex_decode(const char *hex, uint8_t *bytes, size_t room) {
    size_t digits = strlen(hex);
    if (digits % 2 != 0 || digits / 2 > room)
        return SIZE_MAX;
    for (size_t i = 0; i < digits / 2; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return SIZE_MAX;
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    return digits / 2;
}

/* Where the value of `key` begins, or NULL. */
static const char *value_of(const char *fields, const char *key) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *found = strstr(fields, quoted);
    return found == NULL ? NULL : found + strlen(quoted);
}

bool fields_number(const char *fields, const char *key, uint32_t *number) {
    const char *value = value_of(fields, key);
    if (value == NULL)
        return false;
    char *end;
    *number = (uint32_t)strtoul(value, &end, 10);
    return end != value;
}

bool fields_text(const char *fields, const char *key, char **text) {
    const char *value = value_of(fields, key);
    *text = NULL;
    if (value == NULL)
        return false;
    if (strncmp(value, "null", 4) == 0)
        return true;
    const char *end = value[0] == '"' ? strchr(value + 1, '"') : NULL;
    if (end == NULL)
        return false;
    size_t length = (size_t)(end - value - 1);
    *text = calloc(1, length + 1);
    if (*text == NULL)
        abort();
    memcpy(*text, value + 1, length);
    return true;
}

static void parse_line(const char *path, size_t number, char *line, struct vector *vector) {
    char *columns[5] = {line};
    for (size_t i = 1; i < 5; i++) {
        char *tab = strchr(columns[i - 1], '\t');
        if (tab == NULL) {
            fprintf(stderr, "%s:%zu: five columns are needed\n", path, number);
            exit(2);
        }
        *tab = '\0';
        columns[i] = tab + 1;
    }
    vector->name = columns[0];
    vector->valid = strcmp(columns[1], "valid") == 0;
    vector->from_agent = strcmp(columns[2], "agent") == 0;
    vector->fields = columns[4];
    vector->size = hex_decode(columns[3], vector->bytes, sizeof vector->bytes);
    bool known = (vector->valid || strcmp(columns[1], "invalid") == 0) &&
                 (vector->from_agent || strcmp(columns[2], "relay") == 0);
    if (!known || vector->size == SIZE_MAX) {
        fprintf(stderr, "%s:%zu: cannot read this vector\n", path, number);
        exit(2);
    }
}

size_t vector_file_read(const char *path, void (*each)(struct vector *vector, void *context), void *context) {
    static struct vector vector;
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t room = 0, count = 0;
    ssize_t length;
    if (file == NULL) {
        perror(path);
        exit(2);
    }
    for (size_t number = 1; (length = getline(&line, &room, file)) >= 0; number++) {
        if (line[0] == '#' || line[0] == '\n')
            continue;
        if (line[length - 1] == '\n')
            line[length - 1] = '\0';
        parse_line(path, number, line, &vector);
        each(&vector, context);
        count++;
    }
    free(line);
    fclose(file);
    return count;
}
