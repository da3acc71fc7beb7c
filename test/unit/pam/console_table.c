/*
 * Prints, for each "PAM_TTY DEVICE" on the command line (two words each, the device as a number), whether
 * that device is the console that PAM_TTY names: yes or no a line.
 */
#include <stdio.h>
#include <stdlib.h>

#include "console.h"

int main(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2)
        puts(console_is(argv[i], (unsigned)strtoul(argv[i + 1], NULL, 0)) ? "yes" : "no");
    return 0;
}
