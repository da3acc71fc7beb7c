/*
 * The frames between a relay and scauthd: their shapes, and the two directions of the module.
 * The module encodes begin, answer, skip, happened and measured and decodes the rest; the agent has its own
 * code for the reverse. No I/O here, and no PAM. Specification: PROTOCOL.md, section 1.
 */
#ifndef SCAUTH_FRAMES_H
#define SCAUTH_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PROTOCOL.md 1.1 */
#define FRAME_MAGIC_0 0x53u
#define FRAME_MAGIC_1 0x43u
#define FRAME_HEADER_SIZE 8u
#define FRAME_BODY_MAX 4096u
#define FRAME_FIELD_MAX 512u
#define FRAME_FIELD_ABSENT 0xFFFFu

/* PROTOCOL.md 1.2: the versions that this relay speaks. */
#define FRAME_VERSION_MIN 1u
#define FRAME_VERSION_MAX 4u

/* The longest frames that this relay writes: the header, the fixed fields, then the fields at their caps. */
#define FRAME_BEGIN_MAX (FRAME_HEADER_SIZE + 7u + 5u * (2u + FRAME_FIELD_MAX))
#define FRAME_ANSWER_MAX (FRAME_HEADER_SIZE + 1u + 2u + FRAME_FIELD_MAX)
#define FRAME_SKIP_SIZE FRAME_HEADER_SIZE
#define FRAME_HAPPENED_SIZE (FRAME_HEADER_SIZE + 1u)
#define FRAME_MEASURED_SIZE (FRAME_HEADER_SIZE + 2u)

/* The longest name of a token: the label of PKCS #11's CK_TOKEN_INFO. */
#define FRAME_TOKEN_NAME_MAX 32u

/* PROTOCOL.md 1.3 */
enum frame_type {
    FRAME_BEGIN = 1,
    FRAME_ASK = 2,
    FRAME_TELL = 3,
    FRAME_WAIT = 4,
    FRAME_ANSWER = 5,
    FRAME_VERDICT = 6,
    /* since version 2 */
    FRAME_HOLD = 8,
    FRAME_SKIP = 9,
    FRAME_TAKE = 10,
    /* since version 3 */
    FRAME_RECALL = 11,
    FRAME_HAPPENED = 12,
    /* since version 4 */
    FRAME_MEASURE = 14,
    FRAME_MEASURED = 15,
    FRAME_TOKEN = 16,
};

enum phase {
    PHASE_AUTHENTICATE = 1,
    PHASE_ACCOUNT = 2,
    PHASE_SETCRED = 3,
    PHASE_OPEN_SESSION = 4,
    PHASE_CLOSE_SESSION = 5,
    PHASE_CHAUTHTOK = 6,
};

enum verdict {
    VERDICT_GRANTED = 1,
    VERDICT_DENIED = 2,
    VERDICT_UNAVAILABLE = 3,
    VERDICT_CANCELLED = 4,
    VERDICT_UNKNOWN_USER = 5,
    VERDICT_CARD_REQUIRED = 6,
    VERDICT_PERMITTED = 7,
};

enum tell_kind { TELL_INFORMATION = 0, TELL_ERROR = 1 };
enum take_item { TAKE_NEW_PASSWORD = 1 };
/* What the authenticate phase came to in this PAM handle. */
enum happened { HAPPENED_NOTHING = 0, HAPPENED_VERDICT = 1, HAPPENED_NO_VERDICT = 2 };
enum answer_status { ANSWER_GIVEN = 0, ANSWER_FAILED = 1 };

struct frame_header {
    uint8_t version;
    uint8_t type;
    uint32_t length; /* of the body, in bytes */
};

/* A NULL pointer is an absent field. The strings belong to the caller. */
struct begin_frame {
    uint8_t phase;
    uint32_t flags;
    const char *service; /* never absent */
    const char *user;
    const char *tty;
    const char *rhost;
    const char *ruser;
};

struct answer_frame {
    uint8_t status;
    uint16_t length;
    uint8_t secret[FRAME_FIELD_MAX];
};

/* A received field. A str never holds a NUL byte, so `data` is also a C string; a bytes field may. */
struct frame_field {
    bool present;
    uint16_t length;
    char data[FRAME_FIELD_MAX + 1];
};

/* A frame from the agent; `type` says which of the other members are set. All others are zero. */
struct agent_frame {
    uint8_t type;
    uint8_t version;            /* of all frames: answers are written in it */
    bool echo;                  /* ask */
    uint8_t kind;               /* tell */
    uint8_t item;               /* take */
    struct frame_field text;    /* ask, tell, hold */
    struct frame_field plain;   /* hold: what is said where Enter cannot be read */
    uint8_t code;               /* verdict */
    struct frame_field name;    /* token */
    struct frame_field user;    /* verdict */
    struct frame_field authtok; /* verdict; secret */
    struct frame_field message; /* verdict */
};

/* True if `text` may stand in a str: at most FRAME_FIELD_MAX bytes of UTF-8 (RFC 3629). */
bool frame_usable_text(const char *text);

/* Encodes into `out`. Returns the size of the frame, or 0 if a field is not usable. begin is written in the
 * lowest version, which every agent can read; the others in the version that the agent has chosen. */
size_t frame_encode_begin(const struct begin_frame *begin, uint8_t out[FRAME_BEGIN_MAX]);
size_t frame_encode_answer(const struct answer_frame *answer, uint8_t version, uint8_t out[FRAME_ANSWER_MAX]);
size_t frame_encode_skip(uint8_t version, uint8_t out[FRAME_SKIP_SIZE]);
size_t frame_encode_happened(enum happened happened, uint8_t version, uint8_t out[FRAME_HAPPENED_SIZE]);
size_t frame_encode_measured(uint16_t columns, uint8_t version, uint8_t out[FRAME_MEASURED_SIZE]);

/* Decodes the header of a frame from the agent. False: magic, version, type or length is invalid. */
bool frame_decode_header(const uint8_t bytes[FRAME_HEADER_SIZE], struct frame_header *header);

/* Decodes the body (header->length bytes) of a frame from the agent. False: the frame is invalid. The caller
 * wipes `frame` in both cases: it may hold an authtok. */
bool frame_decode_body(const struct frame_header *header, const uint8_t *body, struct agent_frame *frame);

#endif
