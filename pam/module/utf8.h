/*
 * Is this well-formed UTF-8 without NUL? Nothing else is known about characters here: no tables, no case.
 * Specification: RFC 3629, section 4 (no overlong forms, no surrogates, nothing above U+10FFFF).
 */
#ifndef SCAUTH_UTF8_H
#define SCAUTH_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool utf8_without_nul(const uint8_t *bytes, size_t length);

#endif
