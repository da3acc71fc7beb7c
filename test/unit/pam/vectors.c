/*
 * Holds the C code of the frames against the vector files named as arguments, under ASan and UBSan. Frames
 * from the agent are decoded; for frames of the relay the encoder must write the same bytes, and the decoder
 * must refuse what it wrote. Prints "FILE COUNT" a file, and each vector that fails; exit code 1 if one did.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "vector_file.h"

static size_t failures;

static void check(bool holds, const struct vector *vector, const char *what) {
    if (holds)
        return;
    printf("FAILED %s: %s\n", vector->name, what);
    failures++;
}

/* A copy of exactly `size` bytes on the heap, so that ASan sees each byte read past it. */
static uint8_t *exact_copy(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (copy == NULL)
        abort();
    memcpy(copy, bytes, size);
    return copy;
}

/* The whole stream must be one valid frame. */
static bool decode(const struct vector *vector, struct agent_frame *frame) {
    struct frame_header header;
    if (vector->size < FRAME_HEADER_SIZE)
        return false;
    uint8_t *head = exact_copy(vector->bytes, FRAME_HEADER_SIZE);
    uint8_t *body = exact_copy(vector->bytes + FRAME_HEADER_SIZE, vector->size - FRAME_HEADER_SIZE);
    bool valid = frame_decode_header(head, &header) && header.length == vector->size - FRAME_HEADER_SIZE &&
                 frame_decode_body(&header, body, frame);
    free(head);
    free(body);
    return valid;
}

static bool same_text(const char *fields, const char *key, const struct frame_field *field) {
    char *expected;
    if (!fields_text(fields, key, &expected))
        return false;
    bool same = expected == NULL ? !field->present
                                 : field->present && field->length == strlen(expected) &&
                                       memcmp(field->data, expected, field->length + 1u) == 0;
    free(expected);
    return same;
}

static bool same_bytes(const char *fields, const char *key, const struct frame_field *field) {
    char *expected;
    uint8_t bytes[FRAME_FIELD_MAX];
    if (!fields_text(fields, key, &expected))
        return false;
    bool same = !field->present;
    if (expected != NULL) {
        size_t size = hex_decode(expected, bytes, sizeof bytes);
        same = field->present && field->length == size && memcmp(field->data, bytes, size) == 0 &&
               field->data[size] == '\0';
    }
    free(expected);
    return same;
}

static bool same_number(const char *fields, const char *key, uint32_t number) {
    uint32_t expected;
    return fields_number(fields, key, &expected) && expected == number;
}

static void check_fields(const struct vector *vector, const struct agent_frame *frame) {
    const char *fields = vector->fields;
    char *type;
    check(fields_text(fields, "type", &type) && type != NULL, vector, "type");
    if (strcmp(type, "ask") == 0) {
        check(frame->type == FRAME_ASK, vector, "type");
        check(same_number(fields, "echo", frame->echo), vector, "echo");
        check(same_text(fields, "text", &frame->text), vector, "text");
    } else if (strcmp(type, "tell") == 0) {
        check(frame->type == FRAME_TELL, vector, "type");
        check(same_number(fields, "kind", frame->kind), vector, "kind");
        check(same_text(fields, "text", &frame->text), vector, "text");
    } else if (strcmp(type, "verdict") == 0) {
        check(frame->type == FRAME_VERDICT, vector, "type");
        check(same_number(fields, "code", frame->code), vector, "code");
        check(same_text(fields, "user", &frame->user), vector, "user");
        check(same_bytes(fields, "authtok", &frame->authtok), vector, "authtok");
        check(same_text(fields, "message", &frame->message), vector, "message");
    } else if (strcmp(type, "hold") == 0) {
        check(frame->type == FRAME_HOLD, vector, "type");
        check(same_text(fields, "text", &frame->text), vector, "text");
        check(same_text(fields, "plain", &frame->plain), vector, "plain");
    } else if (strcmp(type, "take") == 0) {
        check(frame->type == FRAME_TAKE, vector, "type");
        check(same_number(fields, "item", frame->item), vector, "item");
    } else if (strcmp(type, "recall") == 0) {
        check(frame->type == FRAME_RECALL, vector, "type");
    } else if (strcmp(type, "measure") == 0) {
        check(frame->type == FRAME_MEASURE, vector, "type");
    } else if (strcmp(type, "token") == 0) {
        check(frame->type == FRAME_TOKEN, vector, "type");
        check(same_text(fields, "name", &frame->name), vector, "name");
    } else {
        check(strcmp(type, "wait") == 0 && frame->type == FRAME_WAIT, vector, "type");
    }
    free(type);
}

static size_t encode_begin(const char *fields, uint8_t *out) {
    static const char *const KEYS[] = {"service", "user", "tty", "rhost", "ruser"};
    char *texts[5];
    uint32_t phase = 0;
    struct begin_frame begin = {0};
    fields_number(fields, "phase", &phase);
    fields_number(fields, "flags", &begin.flags);
    for (size_t i = 0; i < 5; i++)
        fields_text(fields, KEYS[i], &texts[i]);
    begin.phase = (uint8_t)phase;
    begin.service = texts[0];
    begin.user = texts[1];
    begin.tty = texts[2];
    begin.rhost = texts[3];
    begin.ruser = texts[4];
    size_t size = frame_encode_begin(&begin, out);
    for (size_t i = 0; i < 5; i++)
        free(texts[i]);
    return size;
}

static size_t encode_answer(const char *fields, uint8_t version, uint8_t *out) {
    char *secret;
    uint32_t status = 0;
    struct answer_frame answer = {0};
    fields_number(fields, "status", &status);
    fields_text(fields, "secret", &secret);
    answer.status = (uint8_t)status;
    answer.length = (uint16_t)hex_decode(secret, answer.secret, sizeof answer.secret);
    free(secret);
    return frame_encode_answer(&answer, version, out);
}

static size_t encode_happened(const char *fields, uint8_t version, uint8_t *out) {
    uint32_t happened = 0xFF;
    fields_number(fields, "happened", &happened);
    return frame_encode_happened((enum happened)happened, version, out);
}

static size_t encode_measured(const char *fields, uint8_t version, uint8_t *out) {
    uint32_t columns = 0;
    fields_number(fields, "columns", &columns);
    return frame_encode_measured((uint16_t)columns, version, out);
}

static void check_encoder(const struct vector *vector) {
    uint8_t out[FRAME_BEGIN_MAX];
    bool is_begin = strstr(vector->fields, "\"type\":\"begin\"") != NULL;
    if (is_begin && !(same_number(vector->fields, "minVersion", FRAME_VERSION_MIN) &&
                      same_number(vector->fields, "maxVersion", FRAME_VERSION_MAX)))
        return; /* a begin of another relay than this one */
    bool is_skip = strstr(vector->fields, "\"type\":\"skip\"") != NULL;
    bool is_happened = strstr(vector->fields, "\"type\":\"happened\"") != NULL;
    bool is_measured = strstr(vector->fields, "\"type\":\"measured\"") != NULL;
    uint8_t version = vector->bytes[2];
    size_t size = is_begin      ? encode_begin(vector->fields, out)
                  : is_skip     ? frame_encode_skip(version, out)
                  : is_happened ? encode_happened(vector->fields, version, out)
                  : is_measured ? encode_measured(vector->fields, version, out)
                                : encode_answer(vector->fields, version, out);
    check(size == vector->size && memcmp(out, vector->bytes, size) == 0, vector, "encoded bytes differ");
}

static void check_vector(struct vector *vector, void *context) {
    (void)context;
    struct agent_frame frame;
    bool decoded = decode(vector, &frame);
    if (!vector->from_agent) {
        check(!decoded || !vector->valid, vector, "a relay's frame was taken for the agent's");
        if (vector->valid)
            check_encoder(vector);
        return;
    }
    check(decoded == vector->valid, vector,
          decoded ? "is invalid, but was decoded" : "is valid, but was refused");
    if (decoded && vector->valid)
        check_fields(vector, &frame);
}

/* What the encoders must refuse, which no vector can say. */
static void check_encoder_limits(void) {
    struct vector none = {.name = "(encoder)"};
    uint8_t out[FRAME_BEGIN_MAX];
    char long_text[FRAME_FIELD_MAX + 2];
    memset(long_text, 'a', sizeof long_text);
    long_text[sizeof long_text - 1] = '\0';
    struct begin_frame begin = {.phase = 1};
    check(frame_encode_begin(&begin, out) == 0, &none, "begin without a service");
    begin.service = long_text;
    check(frame_encode_begin(&begin, out) == 0, &none, "service of 513 bytes");
    begin.service = "\xff";
    check(frame_encode_begin(&begin, out) == 0, &none, "service that is no UTF-8");
    begin.service = "sudo";
    begin.ruser = long_text;
    check(frame_encode_begin(&begin, out) == 0, &none, "ruser of 513 bytes");
    begin.ruser = NULL;
    begin.phase = 7;
    check(frame_encode_begin(&begin, out) == 0, &none, "phase 7");
    begin.phase = 0;
    check(frame_encode_begin(&begin, out) == 0, &none, "phase 0");
    struct answer_frame answer = {.length = FRAME_FIELD_MAX + 1};
    check(frame_encode_answer(&answer, 1, out) == 0, &none, "secret of 513 bytes");
    answer = (struct answer_frame){.status = ANSWER_FAILED, .length = 1};
    check(frame_encode_answer(&answer, 1, out) == 0, &none, "failed, with a secret");
    answer = (struct answer_frame){.status = 2};
    check(frame_encode_answer(&answer, 1, out) == 0, &none, "status 2");
}

int main(int argc, char **argv) {
    check_encoder_limits();
    for (int i = 1; i < argc; i++)
        printf("%s %zu\n", argv[i], vector_file_read(argv[i], check_vector, NULL));
    return failures == 0 ? 0 : 1;
}
