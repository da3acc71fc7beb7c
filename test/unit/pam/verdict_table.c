/*
 * Prints the whole verdict table as the module has it: "phase code pam" for each phase 0..7 and each code
 * 0..255, and "phase - pam" for the refusal. The test compares it with PROTOCOL.md, section 1.5.
 */
#include <stdio.h>

#include "verdict.h"

int main(void) {
    for (int phase = 0; phase <= 7; phase++) {
        printf("%d - %d\n", phase, verdict_refusal((enum phase)phase));
        for (int code = 0; code <= 255; code++)
            printf("%d %d %d\n", phase, code, verdict_to_pam((enum phase)phase, (uint8_t)code));
    }
    return 0;
}
