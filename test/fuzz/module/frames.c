/*
 * The decoder of frames, by libFuzzer. What it accepts must keep to the rules of PROTOCOL.md 1.1, and must
 * not depend on what lay in memory before. The input is a stream: header, then body.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "rule.h"

unsigned long frames_accepted;

static void check_field(const struct frame_field *field, bool text) {
    require(field->length <= FRAME_FIELD_MAX, "a field above its cap");
    require(field->data[field->length] == '\0', "a field without an end");
    require(field->present || field->length == 0, "an absent field with a length");
    require(!text || strlen(field->data) == field->length, "NUL in a str");
    require(!text || frame_usable_text(field->data), "a str that is no UTF-8");
}

static void check_body(const struct frame_header *header, const uint8_t *bytes) {
    struct agent_frame frame, again;
    /* A copy of exactly that size, so that ASan sees each byte read past it. */
    uint8_t *body = malloc(header->length);
    if (body == NULL && header->length > 0)
        abort();
    if (header->length > 0)
        memcpy(body, bytes, header->length);
    bool valid = frame_decode_body(header, body, &frame);
    memset(&again, 0xA5, sizeof again);
    require(frame_decode_body(header, body, &again) == valid, "decoding depends on old memory");
    require(!valid || memcmp(&frame.text, &again.text, sizeof frame.text) == 0, "text depends on old memory");
    free(body);
    frames_accepted += valid;
    check_field(&frame.text, valid);
    check_field(&frame.plain, valid);
    check_field(&frame.user, valid);
    check_field(&frame.authtok, false);
    check_field(&frame.message, valid);
}

/* What goes out: any begin and any answer, which the decoder refuses, since no agent sends them. */
static void check_encoders(const uint8_t *bytes, size_t size) {
    uint8_t out[FRAME_BEGIN_MAX];
    struct frame_header header;
    char text[2 * FRAME_FIELD_MAX];
    size_t length = size < sizeof text - 1 ? size : sizeof text - 1;
    memcpy(text, bytes, length);
    text[length] = '\0';
    struct begin_frame begin = {.phase = size > 0 ? bytes[0] : 0, .service = text, .user = text};
    size_t written = frame_encode_begin(&begin, out);
    require((written > 0) == (frame_usable_text(text) && begin.phase >= 1 && begin.phase <= 6),
            "begin is written exactly where its fields may be");
    require(written == 0 || !frame_decode_header(out, &header), "a begin that an agent could send");
    struct answer_frame answer = {.status = begin.phase, .length = (uint16_t)length};
    memcpy(answer.secret, bytes, length < FRAME_FIELD_MAX ? length : FRAME_FIELD_MAX);
    written = frame_encode_answer(&answer, FRAME_VERSION_MAX, out);
    require(written == 0 || !frame_decode_header(out, &header), "an answer that an agent could send");
    require(frame_encode_skip(2, out) == FRAME_SKIP_SIZE, "skip");
    require(frame_encode_happened(HAPPENED_VERDICT, 3, out) == FRAME_HAPPENED_SIZE, "happened");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct frame_header header;
    check_encoders(bytes, size);
    if (size < FRAME_HEADER_SIZE || !frame_decode_header(bytes, &header))
        return 0;
    require(header.length <= FRAME_BODY_MAX, "a length above the cap");
    require(header.version >= 2 || header.type < FRAME_HOLD, "a frame of version 2 in version 1");
    require(header.version >= 3 || header.type < FRAME_RECALL, "a frame of version 3 in a lower one");
    if (header.length <= size - FRAME_HEADER_SIZE)
        check_body(&header, bytes + FRAME_HEADER_SIZE);
    return 0;
}
