/*
 * Bytes to frames and back. Every length is checked against what is left before it is used, and a body must
 * end where its last field ends. No I/O and no PAM here. Specification: PROTOCOL.md, section 1.
 */
#include "frames.h"

#include <string.h>

#include "utf8.h"

/* ---- writing ---- */

struct writer {
    uint8_t *at;
};

static void put_u8(struct writer *writer, uint8_t value) {
    *writer->at++ = value;
}

static void put_u16(struct writer *writer, uint16_t value) {
    put_u8(writer, (uint8_t)(value >> 8));
    put_u8(writer, (uint8_t)(value & 0xFF));
}

static void put_u32(struct writer *writer, uint32_t value) {
    put_u16(writer, (uint16_t)(value >> 16));
    put_u16(writer, (uint16_t)(value & 0xFFFF));
}

static void put_bytes(struct writer *writer, const void *bytes, uint16_t length) {
    put_u16(writer, length);
    memcpy(writer->at, bytes, length);
    writer->at += length;
}

static void put_text(struct writer *writer, const char *text) {
    if (text == NULL)
        put_u16(writer, FRAME_FIELD_ABSENT);
    else
        put_bytes(writer, text, (uint16_t)strlen(text));
}

/* Writes the header in front of a body that ends at writer->at; returns the size of the whole frame. */
static size_t finish_frame(const struct writer *writer, uint8_t *out, enum frame_type type, uint8_t version) {
    size_t size = (size_t)(writer->at - out);
    struct writer header = {.at = out};
    put_u8(&header, FRAME_MAGIC_0);
    put_u8(&header, FRAME_MAGIC_1);
    put_u8(&header, version);
    put_u8(&header, (uint8_t)type);
    put_u32(&header, (uint32_t)(size - FRAME_HEADER_SIZE));
    return size;
}

bool frame_usable_text(const char *text) {
    size_t length = strnlen(text, FRAME_FIELD_MAX + 1);
    return length <= FRAME_FIELD_MAX && utf8_without_nul((const uint8_t *)text, length);
}

size_t frame_encode_begin(const struct begin_frame *begin, uint8_t out[FRAME_BEGIN_MAX]) {
    const char *texts[] = {begin->service, begin->user, begin->tty, begin->rhost, begin->ruser};
    const size_t count = sizeof texts / sizeof texts[0];
    if (begin->service == NULL || begin->phase < PHASE_AUTHENTICATE || begin->phase > PHASE_CHAUTHTOK)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (texts[i] != NULL && !frame_usable_text(texts[i]))
            return 0;
    struct writer writer = {.at = out + FRAME_HEADER_SIZE};
    put_u8(&writer, FRAME_VERSION_MIN);
    put_u8(&writer, FRAME_VERSION_MAX);
    put_u8(&writer, begin->phase);
    put_u32(&writer, begin->flags);
    for (size_t i = 0; i < count; i++)
        put_text(&writer, texts[i]);
    return finish_frame(&writer, out, FRAME_BEGIN, FRAME_VERSION_MIN);
}

size_t frame_encode_answer(const struct answer_frame *answer, uint8_t version,
                           uint8_t out[FRAME_ANSWER_MAX]) {
    if (answer->length > FRAME_FIELD_MAX || answer->status > ANSWER_FAILED)
        return 0;
    if (answer->status == ANSWER_FAILED && answer->length != 0)
        return 0;
    struct writer writer = {.at = out + FRAME_HEADER_SIZE};
    put_u8(&writer, answer->status);
    put_bytes(&writer, answer->secret, answer->length);
    return finish_frame(&writer, out, FRAME_ANSWER, version);
}

size_t frame_encode_skip(uint8_t version, uint8_t out[FRAME_SKIP_SIZE]) {
    struct writer writer = {.at = out + FRAME_HEADER_SIZE};
    return finish_frame(&writer, out, FRAME_SKIP, version);
}

size_t frame_encode_happened(enum happened happened, uint8_t version, uint8_t out[FRAME_HAPPENED_SIZE]) {
    struct writer writer = {.at = out + FRAME_HEADER_SIZE};
    put_u8(&writer, (uint8_t)happened);
    return finish_frame(&writer, out, FRAME_HAPPENED, version);
}

size_t frame_encode_measured(uint16_t columns, uint8_t version, uint8_t out[FRAME_MEASURED_SIZE]) {
    struct writer writer = {.at = out + FRAME_HEADER_SIZE};
    put_u16(&writer, columns);
    return finish_frame(&writer, out, FRAME_MEASURED, version);
}

/* ---- reading ---- */

/* Once `ok` is false it stays so, and every further field reads as zero. */
struct reader {
    const uint8_t *at;
    size_t left;
    bool ok;
};

static uint8_t take_u8(struct reader *reader) {
    if (!reader->ok || reader->left < 1) {
        reader->ok = false;
        return 0;
    }
    reader->left -= 1;
    return *reader->at++;
}

static uint16_t take_u16(struct reader *reader) {
    uint8_t high = take_u8(reader);
    uint8_t low = take_u8(reader);
    return (uint16_t)((uint16_t)(high << 8) | low);
}

/* A field that may be absent. `field` was zeroed by the caller, so data ends in a NUL byte. */
static void take_field(struct reader *reader, struct frame_field *field, bool may_be_absent) {
    uint16_t length = take_u16(reader);
    if (length == FRAME_FIELD_ABSENT) {
        reader->ok = reader->ok && may_be_absent;
        return;
    }
    if (!reader->ok || length > FRAME_FIELD_MAX || length > reader->left) {
        reader->ok = false;
        return;
    }
    memcpy(field->data, reader->at, length);
    field->length = length;
    field->present = true;
    reader->at += length;
    reader->left -= length;
}

static void take_text(struct reader *reader, struct frame_field *field, bool may_be_absent) {
    take_field(reader, field, may_be_absent);
    if (!utf8_without_nul((const uint8_t *)field->data, field->length))
        reader->ok = false;
}

/* No control characters, of ASCII or behind it (U+0080 to U+009F): it goes into the session's environment. */
static bool is_token_name(const struct frame_field *field) {
    const unsigned char *at = (const unsigned char *)field->data;
    for (size_t i = 0; i < field->length; i++)
        if (at[i] < 0x20 || at[i] == 0x7F || (at[i] == 0xC2 && at[i + 1] < 0xA0))
            return false;
    return field->length > 0 && field->length <= FRAME_TOKEN_NAME_MAX;
}

bool frame_decode_header(const uint8_t bytes[FRAME_HEADER_SIZE], struct frame_header *header) {
    struct reader reader = {.at = bytes + 2, .left = FRAME_HEADER_SIZE - 2, .ok = true};
    header->version = take_u8(&reader);
    header->type = take_u8(&reader);
    uint32_t high = take_u16(&reader);
    header->length = high << 16 | take_u16(&reader);
    if (bytes[0] != FRAME_MAGIC_0 || bytes[1] != FRAME_MAGIC_1)
        return false;
    if (header->version < FRAME_VERSION_MIN || header->version > FRAME_VERSION_MAX)
        return false;
    if (header->length > FRAME_BODY_MAX)
        return false;
    /* begin, answer, skip, happened and measured come from a relay: the agent never sends them. */
    if (header->type == FRAME_HOLD || header->type == FRAME_TAKE)
        return header->version >= 2;
    if (header->type == FRAME_RECALL)
        return header->version >= 3;
    if (header->type == FRAME_MEASURE || header->type == FRAME_TOKEN)
        return header->version >= 4;
    return header->type == FRAME_ASK || header->type == FRAME_TELL || header->type == FRAME_WAIT ||
           header->type == FRAME_VERDICT;
}

bool frame_decode_body(const struct frame_header *header, const uint8_t *body, struct agent_frame *frame) {
    struct reader reader = {.at = body, .left = header->length, .ok = true};
    memset(frame, 0, sizeof *frame);
    frame->type = header->type;
    frame->version = header->version;
    switch (header->type) {
    case FRAME_ASK: {
        uint8_t echo = take_u8(&reader);
        frame->echo = echo == 1;
        reader.ok = reader.ok && echo <= 1;
        take_text(&reader, &frame->text, false);
        break;
    }
    case FRAME_TELL:
        frame->kind = take_u8(&reader);
        reader.ok = reader.ok && frame->kind <= TELL_ERROR;
        take_text(&reader, &frame->text, false);
        break;
    case FRAME_WAIT:
    case FRAME_RECALL:
    case FRAME_MEASURE:
        break;
    case FRAME_TOKEN:
        take_text(&reader, &frame->name, false);
        reader.ok = reader.ok && is_token_name(&frame->name);
        break;
    case FRAME_VERDICT:
        frame->code = take_u8(&reader);
        reader.ok = reader.ok && frame->code >= VERDICT_GRANTED && frame->code <= VERDICT_PERMITTED;
        take_text(&reader, &frame->user, true);
        take_field(&reader, &frame->authtok, true);
        take_text(&reader, &frame->message, true);
        break;
    case FRAME_HOLD:
        take_text(&reader, &frame->text, false);
        take_text(&reader, &frame->plain, false);
        break;
    case FRAME_TAKE:
        frame->item = take_u8(&reader);
        reader.ok = reader.ok && frame->item == TAKE_NEW_PASSWORD;
        break;
    default:
        return false;
    }
    return reader.ok && reader.left == 0;
}
