/*
 * What each of these programs promises libFuzzer, and the rules that they hold the module to: a broken one
 * ends the program, as a sanitizer does, and libFuzzer keeps the input.
 */
#ifndef SCAUTH_FUZZ_RULE_H
#define SCAUTH_FUZZ_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerInitialize(int *count, char ***arguments);

/* Of frames.c: how many frames were whole and valid. */
extern unsigned long frames_accepted;

static inline void require(bool holds, const char *what) {
    if (holds)
        return;
    fprintf(stderr, "broken rule: %s\n", what);
    abort();
}

#endif
