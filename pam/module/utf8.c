/*
 * The check of UTF-8 that every str of a frame passes. It looks at bytes only and keeps nothing.
 * Specification: RFC 3629, section 4.
 */
#include "utf8.h"

/* The size of the sequence that `lead` opens, and the range of its second byte; 0 if it opens none. */
static size_t sequence_size(uint8_t lead, uint8_t *low, uint8_t *high) {
    *low = 0x80;
    *high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF)
        return 2;
    if (lead >= 0xE0 && lead <= 0xEF) {
        if (lead == 0xE0)
            *low = 0xA0; /* below: overlong */
        if (lead == 0xED)
            *high = 0x9F; /* above: surrogates */
        return 3;
    }
    if (lead >= 0xF0 && lead <= 0xF4) {
        if (lead == 0xF0)
            *low = 0x90; /* below: overlong */
        if (lead == 0xF4)
            *high = 0x8F; /* above: beyond U+10FFFF */
        return 4;
    }
    return 0;
}

bool utf8_without_nul(const uint8_t *bytes, size_t length) {
    size_t at = 0;
    while (at < length) {
        uint8_t lead = bytes[at];
        if (lead == 0)
            return false;
        if (lead < 0x80) {
            at += 1;
            continue;
        }
        uint8_t low, high;
        size_t size = sequence_size(lead, &low, &high);
        if (size == 0 || size > length - at)
            return false;
        if (bytes[at + 1] < low || bytes[at + 1] > high)
            return false;
        for (size_t i = 2; i < size; i++)
            if ((bytes[at + i] & 0xC0) != 0x80)
                return false;
        at += size;
    }
    return true;
}
