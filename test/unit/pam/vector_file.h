/*
 * Reads test/vectors/frames for the C test programs; the format stands in the first lines of each file.
 * Only what those files need: flat JSON without escapes.
 */
#ifndef SCAUTH_TEST_VECTOR_FILE_H
#define SCAUTH_TEST_VECTOR_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VECTOR_BYTES_MAX 9000

struct vector {
    char *name;
    bool valid;
    bool from_agent;
    char *fields;
    size_t size;
    uint8_t bytes[VECTOR_BYTES_MAX];
};

/* Calls `each` for every vector; returns how many there were. Exits with a message if a line cannot be read.
 */
size_t vector_file_read(const char *path, void (*each)(struct vector *vector, void *context), void *context);

/* The value of `key` in a flat JSON object. */
bool fields_number(const char *fields, const char *key, uint32_t *number);
/* *text is NULL for null. The text is malloc'ed. */
bool fields_text(const char *fields, const char *key, char **text);

/* Decodes lower-case hex into `bytes` (room for `room`); returns the size, or SIZE_MAX. */
size_t hex_decode(const char *hex, uint8_t *bytes, size_t room);

#endif
