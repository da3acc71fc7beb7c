/*
 * One conversation with scauthd: send begin, then ask, tell and wait as the agent says, until the verdict. No
 * policy, no wording, no card. Every wait has an end. Specification: PROTOCOL.md, section 1.4.
 */
#define _GNU_SOURCE /* explicit_bzero */
#include "relay.h"

#include <errno.h>
#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "begin.h"
#include "connection.h"
#include "conversation.h"
#include "happened.h"
#include "outcome.h"
#include "take.h"
#include "terminal.h"
#include "verdict.h"
#include "words.h"

/* PROTOCOL.md 1.4: asks and tells in one conversation. */
#define EXCHANGES_MAX 64u

/* The longest time in which the agent says nothing but `wait`: its heart may beat while its work hangs. */
#ifndef RELAY_WORK_LIMIT_MS
#define RELAY_WORK_LIMIT_MS 120000
#endif

struct relay {
    pam_handle_t *pamh;
    const struct options *options;
    enum phase phase;
    int patience_ms; /* how long an agent that is not there is waited for */
    enum relay_end end;
    bool silent; /* PAM_SILENT: information is left out; questions and errors are not */
    int fd;
    bool named; /* whether `user` is the one that begin named */
    /* The item may be replaced, and its text freed, while the application converses. */
    char user[FRAME_FIELD_MAX + 1];
    bool answer_lost; /* the agent had gone while the person typed: nobody has read the answer */
    bool again;       /* a second agent asks, and the person has not been told why */
    unsigned exchanges;
    bool recalled, measured;
    char token_name[FRAME_TOKEN_NAME_MAX + 1]; /* "" until the agent has said it */
    int64_t work_deadline_ms;
    bool secret_given; /* from now on the terminal is quiet while the agent works */
    uint8_t hold;      /* the version of the hold that Enter may end; 0: there is none */
    struct terminal terminal;
};

/* The next deadline: the agent's silence, and its work if that ends earlier. -1 if there is no clock. */
static int64_t next_deadline(const struct relay *relay) {
    int64_t now = connection_now_ms();
    if (now < 0)
        return -1;
    int64_t silence = now + relay->options->timeout_ms;
    return silence < relay->work_deadline_ms ? silence : relay->work_deadline_ms;
}

static void restart_work(struct relay *relay) {
    relay->work_deadline_ms = connection_now_ms() + RELAY_WORK_LIMIT_MS;
}

static enum io_result send_frame(struct relay *relay, const uint8_t *frame, size_t size) {
    if (size == 0) {
        errno = EINVAL;
        return IO_FAILED;
    }
    return connection_send(relay->fd, frame, size, next_deadline(relay), relay->terminal.signal_fd);
}

/* While the agent holds, Enter is heard too. It is passed on once; the agent says how it goes on. */
static enum io_result hear_enter(struct relay *relay, int64_t deadline) {
    while (relay->hold != 0 && relay->terminal.fd >= 0) {
        uint8_t bytes[FRAME_SKIP_SIZE];
        enum io_result result =
            connection_await(relay->fd, relay->terminal.fd, deadline, relay->terminal.signal_fd);
        if (result != IO_TYPED)
            return result;
        enum terminal_line line = terminal_take_line(&relay->terminal);
        if (line == TERMINAL_NO_LINE)
            continue;
        uint8_t version = relay->hold;
        relay->hold = 0;
        if (line == TERMINAL_ENTER)
            return send_frame(relay, bytes, frame_encode_skip(version, bytes));
    }
    return IO_DONE;
}

/* IO_DONE with *valid false is an invalid frame. */
static enum io_result receive_frame(struct relay *relay, struct agent_frame *frame, bool *valid) {
    uint8_t head[FRAME_HEADER_SIZE], body[FRAME_BODY_MAX];
    struct frame_header header;
    int64_t deadline = next_deadline(relay);
    *valid = false;
    enum io_result result = hear_enter(relay, deadline);
    if (result == IO_DONE)
        result = connection_receive(relay->fd, head, sizeof head, deadline, relay->terminal.signal_fd);
    if (result != IO_DONE || !frame_decode_header(head, &header))
        return result;
    result = connection_receive(relay->fd, body, header.length, deadline, relay->terminal.signal_fd);
    if (result == IO_DONE)
        *valid = frame_decode_body(&header, body, frame);
    explicit_bzero(body, sizeof body); /* a verdict may hold a keyring secret */
    return result;
}

/* Sends an answer, and wipes it on each path. */
static enum io_result send_answer(struct relay *relay, struct answer_frame *answer, uint8_t version) {
    uint8_t bytes[FRAME_ANSWER_MAX];
    size_t size = frame_encode_answer(answer, version, bytes);
    explicit_bzero(answer, sizeof *answer);
    restart_work(relay);
    enum io_result result = send_frame(relay, bytes, size);
    explicit_bzero(bytes, sizeof bytes);
    return result;
}

static enum io_result ask(struct relay *relay, const struct agent_frame *frame) {
    struct answer_frame answer;
    conversation_ask(relay->pamh, frame->echo, frame->text.data, &answer);
    /* Before the answer goes out: once the agent has it, nothing typed may show. */
    bool given = answer.status == ANSWER_GIVEN;
    relay->secret_given = relay->secret_given || (!frame->echo && given);
    if (relay->secret_given)
        terminal_quiet(&relay->terminal);
    enum io_result result = send_answer(relay, &answer, frame->version);
    relay->answer_lost = given && result == IO_CLOSED;
    return result;
}

static enum io_result take(struct relay *relay, const struct agent_frame *frame) {
    struct answer_frame answer;
    take_new_password(relay->pamh, &answer);
    return send_answer(relay, &answer, frame->version);
}

static enum io_result tell_happened(struct relay *relay, uint8_t version) {
    uint8_t bytes[FRAME_HAPPENED_SIZE];
    relay->recalled = true;
    restart_work(relay);
    return send_frame(relay, bytes, frame_encode_happened(happened_recall(relay->pamh), version, bytes));
}

/* Said once, and before a secret is typed: how wide a prompt may be. */
static enum io_result tell_measured(struct relay *relay, uint8_t version) {
    uint8_t bytes[FRAME_MEASURED_SIZE];
    relay->measured = true;
    restart_work(relay);
    return send_frame(relay, bytes, frame_encode_measured(terminal_columns(), version, bytes));
}

/* Asked and told between two programs: no person takes part in it. False: it is none of these, or not now. */
static bool serve_aside(struct relay *relay, const struct agent_frame *frame, enum io_result *result) {
    bool authenticates = relay->phase == PHASE_AUTHENTICATE;
    *result = IO_DONE;
    if (frame->type == FRAME_RECALL && relay->phase == PHASE_ACCOUNT && !relay->recalled) {
        *result = tell_happened(relay, frame->version);
        return true;
    }
    if (frame->type == FRAME_MEASURE && authenticates && !relay->measured) {
        *result = tell_measured(relay, frame->version);
        return true;
    }
    if (frame->type == FRAME_TOKEN && authenticates && relay->token_name[0] == '\0') {
        strcpy(relay->token_name, frame->name.data); /* its length was checked when it was decoded */
        return true;
    }
    return false;
}

static bool is_aside(uint8_t type) {
    return type == FRAME_RECALL || type == FRAME_MEASURE || type == FRAME_TOKEN;
}

/* Shown whatever the application wants: nobody could know what is waited for. */
static void hold(struct relay *relay, const struct agent_frame *frame) {
    terminal_hold(&relay->terminal);
    bool can_skip = relay->terminal.fd >= 0;
    conversation_tell(relay->pamh, TELL_INFORMATION, can_skip ? frame->text.data : frame->plain.data);
    relay->hold = frame->version;
    restart_work(relay);
}

static void tell(struct relay *relay, const struct agent_frame *frame) {
    if (!relay->silent || frame->kind != TELL_INFORMATION)
        conversation_tell(relay->pamh, (enum tell_kind)frame->kind, frame->text.data);
    if (relay->secret_given)
        terminal_quiet(&relay->terminal);
    restart_work(relay);
}

/* Carries frames until the verdict, which is then in `frame`. IO_DONE with *valid false: invalid frame. */
static enum io_result carry(struct relay *relay, struct agent_frame *frame, bool *valid) {
    for (;;) {
        enum io_result result = receive_frame(relay, frame, valid);
        if (result != IO_DONE || !*valid || frame->type == FRAME_VERDICT)
            return result;
        if (frame->type == FRAME_WAIT)
            continue;
        if (is_aside(frame->type)) {
            *valid = serve_aside(relay, frame, &result);
            if (!*valid || result != IO_DONE)
                return result;
            continue;
        }
        *valid = ++relay->exchanges <= EXCHANGES_MAX;
        if (!*valid)
            return IO_DONE;
        relay->hold = 0;
        if (!terminal_restore(&relay->terminal))
            return IO_INTERRUPTED;
        if (relay->again)
            conversation_tell(relay->pamh, relay->silent ? TELL_ERROR : TELL_INFORMATION, WORDS_ONCE_MORE);
        relay->again = false;
        if (frame->type == FRAME_ASK)
            result = ask(relay, frame);
        else if (frame->type == FRAME_TELL)
            tell(relay, frame);
        else if (frame->type == FRAME_HOLD)
            hold(relay, frame);
        else if (relay->phase == PHASE_CHAUTHTOK)
            result = take(relay, frame);
        else
            *valid = false; /* the password is taken where it is changed, and nowhere else */
        if (!*valid)
            return IO_DONE;
        if (result != IO_DONE)
            return result;
    }
}

static void log_failure(const struct relay *relay, enum io_result result) {
    const char *path = relay->options->address.sun_path;
    switch (result) {
    case IO_DONE:
        pam_syslog(relay->pamh, LOG_ERR, "scauthd at %s does not keep to the protocol; same version?", path);
        break;
    case IO_CLOSED:
        pam_syslog(relay->pamh, LOG_ERR, "scauthd at %s closed without a verdict; see its log", path);
        break;
    case IO_TIMED_OUT:
        pam_syslog(relay->pamh, LOG_ERR, "scauthd at %s takes too long (%d ms of silence); see its log", path,
                   relay->options->timeout_ms);
        break;
    case IO_INTERRUPTED:
        pam_syslog(relay->pamh, LOG_NOTICE, "ended by a signal");
        break;
    case IO_TYPED: /* ends in hear_enter */
    case IO_FAILED:
        pam_syslog(relay->pamh, LOG_ERR, "cannot talk to scauthd at %s: %m", path);
        break;
    }
}

/* One connection: begin, then all that follows. False if there is none (logged), and `result` stays. */
static bool converse(struct relay *relay, enum phase phase, int flags, enum io_result *result,
                     struct agent_frame *frame, bool *valid) {
    struct begin_frame begin;
    uint8_t bytes[FRAME_BEGIN_MAX];
    *valid = false;
    bool absent;
    if (!begin_from_items(relay->pamh, phase, flags, &begin))
        return false;
    relay->fd = connection_open(relay->pamh, relay->options, relay->patience_ms, &absent);
    if (relay->fd < 0) {
        relay->end = absent ? RELAY_ABSENT : RELAY_UNANSWERED;
        return false;
    }
    restart_work(relay);
    relay->answer_lost = false;
    relay->hold = 0;
    relay->measured = false;
    relay->token_name[0] = '\0';
    relay->named = begin.user != NULL;
    if (relay->named)
        strcpy(relay->user, begin.user);
    *result = send_frame(relay, bytes, frame_encode_begin(&begin, bytes));
    if (*result == IO_DONE)
        *result = carry(relay, frame, valid);
    /* The descriptor is closed before libpam or the application runs again. */
    int error = errno;
    close(relay->fd);
    errno = error;
    return true;
}

/* False if the person wants out. */
static bool restore_keeping_errno(struct relay *relay) {
    int error = errno;
    bool stays = terminal_restore(&relay->terminal);
    errno = error;
    return stays;
}

static int run(struct relay *relay, int flags) {
    enum phase phase = relay->phase;
    int code = verdict_refusal(phase);
    struct agent_frame frame = {0};
    bool valid = false;
    enum io_result result = IO_FAILED;

    terminal_init(&relay->terminal);
    if (!converse(relay, phase, flags, &result, &frame, &valid))
        return code;
    bool stays = restore_keeping_errno(relay);
    /* An upgrade restarts the agent while somebody types. That answer is gone; the new agent asks anew. */
    if (relay->answer_lost && stays && phase != PHASE_ACCOUNT) {
        relay->again = true;
        (void)converse(relay, phase, flags, &result, &frame, &valid);
        stays = restore_keeping_errno(relay);
    }

    if (result == IO_INTERRUPTED || (result != IO_DONE && !stays)) {
        code = verdict_to_pam(phase, VERDICT_CANCELLED);
    } else if (result == IO_DONE && valid) {
        relay->end = RELAY_ANSWERED;
        code = outcome_apply(relay->pamh, phase, relay->silent, relay->named ? relay->user : NULL,
                             relay->token_name, &frame);
    } else if ((result == IO_CLOSED || result == IO_TIMED_OUT) && relay->exchanges == 0) {
        relay->end = RELAY_CUT;
    }
    if (result != IO_DONE || !valid)
        log_failure(relay, result);
    /* In the account phase the agent speaks only to whom it does not let in. From then on nothing that ends
     * the conversation may look like an agent that is not there: account stacks pass over that. */
    if (phase == PHASE_ACCOUNT && relay->exchanges > 0 && code != PAM_SUCCESS)
        code = verdict_to_pam(phase, VERDICT_DENIED);
    explicit_bzero(&frame, sizeof frame);
    return code;
}

int relay_run(pam_handle_t *pamh, const struct options *options, enum phase phase, int flags, int patience_ms,
              enum relay_end *end) {
    struct relay relay = {.pamh = pamh,
                          .options = options,
                          .phase = phase,
                          .patience_ms = patience_ms,
                          .end = RELAY_UNANSWERED,
                          .silent = ((unsigned)flags & PAM_SILENT) != 0};
    int code = run(&relay, flags);
    *end = relay.end;
    return code;
}
