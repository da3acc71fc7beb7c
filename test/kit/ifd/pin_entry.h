/*
 * The PIN pad of the test reader: shows the PIN_VERIFY block that arrived to a test, lets the test type, and
 * puts the digits into the command as the block says. Specification: PC/SC part 10 (rev. 2.02.09), 2.5.2.
 */
#ifndef PIN_ENTRY_H
#define PIN_ENTRY_H

#include <stddef.h>
#include <stdint.h>

#include "card_wire.h"

/* Words of the reader's own. */
#define PAD_TIMED_OUT 0x6400
#define PAD_CANCELLED 0x6401
#define PAD_BAD_LENGTH 0x6403
#define PAD_BAD_BLOCK 0x6B80

/* The answer of the card, or one of the words above as its two bytes; its length, or -1 when the card went.
 */
long pin_entry_run(struct card_wire *wire, const uint8_t *block, size_t length, uint8_t *reply, size_t room);

#endif
