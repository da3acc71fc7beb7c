/*
 * The whole module in a real libpam, by libFuzzer: an agent that says anything, an application that answers
 * anything, a terminal on which somebody types, and a libc whose calls fail. No code but a verdict's becomes
 * a success; nothing of a secret, no descriptor and no lost echo is left. The input: a struct plan, then what
 * the agent says, connection by connection, with MARK between two of them.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <security/pam_appl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <termios.h>
#include <unistd.h>

#include "../../unit/pam/faults.h"
#include "frames.h"
#include "rule.h"

#define MARK "NEXT"
#define TURNS 6
#define FOLDERS 3 /* without a file of enforcement, with one that opens, with one that closes */
/* Refused connections are tried again for a second; nobody waits for that here. */
#define REFUSALS_MAX 4

enum entry { ENTRY_AUTH, ENTRY_BOTH, ENTRY_ACCOUNT, ENTRY_PASSWORD, ENTRY_SESSION, ENTRY_END, ENTRIES };
enum answer { SECRET, EMPTY, LONG, NO_TEXT, NO_ARRAY, ERROR, ERROR_WITH_TEXT, OTHER_USER, ANSWERS };

/* One byte each, and each is taken modulo what there is. */
struct plan {
    uint8_t entry, flags, fault, nth, folder, service, user, host, peer, refusals, typed, tty;
    uint8_t answers[TURNS];
};

static struct plan plan;
static const uint8_t *said;
static size_t said_size;
static unsigned turn, refused;
static bool root_granted, root_permitted;
static int agent_end[8];
static unsigned agents;
static int keyboard = -1;
static char folder[64];

/* Called by libpam and the module, which find them here before their own libraries. */
int audit_open(void);

/* ---- what the module calls ---- */

void syslog(int priority, const char *format, ...) {
    (void)priority, (void)format;
}

/* Nor to its Linux audit: as on a kernel without it. */
int audit_open(void) {
    errno = EPROTONOSUPPORT;
    return -1;
}

/* Whether a verdict with this code stands in what an agent says, at any place: more than the module sees. */
static bool says(const uint8_t *bytes, size_t size, uint8_t code) {
    for (size_t at = 0; at + FRAME_HEADER_SIZE < size; at++)
        if (memcmp(bytes + at, "SC", 2) == 0 && bytes[at + 3] == FRAME_VERDICT &&
            bytes[at + FRAME_HEADER_SIZE] == code)
            return true;
    return false;
}

/* The agent has said all that it will, and closed, before the module looks. */
int connect(int fd, const struct sockaddr *address, socklen_t size) {
    static const int REFUSED[] = {ECONNREFUSED, ENOENT, EAGAIN, EACCES};
    int pair[2];
    (void)address, (void)size;
    if (refused < plan.refusals % REFUSALS_MAX || agents == 8) {
        errno = agents == 8 ? EACCES : REFUSED[(plan.refusals / REFUSALS_MAX + refused++) % 4];
        return -1;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        abort();
    const uint8_t *mark = memmem(said, said_size, MARK, 4);
    size_t mine = mark == NULL ? said_size : (size_t)(mark - said);
    if (mine > 0 && send(pair[1], said, mine, MSG_NOSIGNAL) < 0)
        abort();
    shutdown(pair[1], SHUT_WR);
    root_granted = root_granted || (plan.peer % 4 != 0 && says(said, mine, VERDICT_GRANTED));
    root_permitted = root_permitted || (plan.peer % 4 != 0 && says(said, mine, VERDICT_PERMITTED));
    said += mark == NULL ? mine : mine + 4;
    said_size -= mark == NULL ? mine : mine + 4;
    agent_end[agents++] = pair[1];
    if (plan.peer % 8 == 1) /* gone, so that what is sent fails */
        close(agent_end[--agents]);
    dup3(pair[0], fd, O_CLOEXEC);
    close(pair[0]);
    return 0;
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
    struct ucred peer = {.uid = plan.peer % 4 == 0 ? 1000 : 0};
    (void)fd, (void)level, (void)name;
    memcpy(value, &peer, *size < sizeof peer ? *size : sizeof peer);
    return 0;
}

/* A pause between two tries takes no time. */
int poll(struct pollfd *fds, nfds_t count, int timeout) {
    return count == 0 ? 0 : (int)syscall(SYS_poll, fds, count, timeout);
}

/* ---- the application ---- */

static char *text_of(enum answer answer) {
    if (answer == NO_TEXT || answer == ERROR)
        return NULL;
    if (answer == EMPTY)
        return strdup("");
    if (answer != LONG)
        return strdup("123456");
    char *text = malloc(4097);
    memset(text, '7', 4096);
    text[4096] = '\0';
    return text;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *data) {
    enum answer answer = plan.answers[turn++ % TURNS] % ANSWERS;
    bool asks = messages[0]->msg_style == PAM_PROMPT_ECHO_OFF || messages[0]->msg_style == PAM_PROMPT_ECHO_ON;
    require(count == 1 && strlen(messages[0]->msg) <= 1024, "one message, of a length that can be shown");
    require(fault_plan.secret == NULL || (fault_plan.secret_freed && fault_plan.secret_wiped),
            "a secret that is kept while the next question is asked");
    if (answer == NO_ARRAY)
        return *responses = NULL, PAM_SUCCESS;
    *responses = calloc(1, sizeof **responses);
    if (asks) {
        char *text = text_of(answer);
        (*responses)->resp = text;
        fault_plan.secret = text;
        fault_plan.secret_size = text == NULL ? 0 : strlen(text);
        fault_plan.secret_freed = fault_plan.secret_wiped = text == NULL;
    }
    if (answer == OTHER_USER)
        pam_set_item(*(pam_handle_t **)data, PAM_USER, "mallory");
    return answer == ERROR || answer == ERROR_WITH_TEXT ? PAM_CONV_ERR : PAM_SUCCESS;
}

static int enter(pam_handle_t *pamh, enum entry entry, int flags) {
    switch (entry) {
    case ENTRY_AUTH:
        return pam_authenticate(pamh, flags);
    case ENTRY_BOTH:
        pam_authenticate(pamh, flags);
        return pam_acct_mgmt(pamh, flags);
    case ENTRY_ACCOUNT:
        return pam_acct_mgmt(pamh, flags);
    case ENTRY_PASSWORD:
        return pam_chauthtok(pamh, flags);
    case ENTRY_SESSION:
        return pam_open_session(pamh, flags);
    default:
        pam_setcred(pamh, flags);
        return pam_close_session(pamh, flags);
    }
}

static void check(enum entry entry, int code) {
    require(code != PAM_IGNORE, "PAM_IGNORE");
    if (code == PAM_SUCCESS && entry == ENTRY_AUTH)
        require(root_granted, "granted without a verdict");
    if (code == PAM_SUCCESS && (entry == ENTRY_BOTH || entry == ENTRY_ACCOUNT || entry == ENTRY_PASSWORD))
        require(root_permitted, "permitted without a verdict");
    require(fault_plan.secret == NULL || (fault_plan.secret_freed && fault_plan.secret_wiped),
            "a secret that is kept");
}

static void run(enum entry entry) {
    static const char *const SERVICES[] = {"plain", "secret", "enforce", "debug"};
    static const char *const USERS[] = {"alice", NULL, "root"};
    char confdir[128];
    struct pam_conv conversation = {converse, NULL};
    pam_handle_t *pamh = NULL;
    conversation.appdata_ptr = &pamh;
    snprintf(confdir, sizeof confdir, "%s/%u", folder, plan.folder % FOLDERS);
    if (pam_start_confdir(SERVICES[plan.service % 4], USERS[plan.user % 3], &conversation, confdir, &pamh) !=
        PAM_SUCCESS)
        abort();
    if (plan.host % 2 == 1)
        pam_set_item(pamh, PAM_RHOST, plan.host % 4 == 1 ? "192.0.2.7" : "\xff");
    if (plan.tty % 2 == 1)
        pam_set_item(pamh, PAM_TTY, plan.tty % 4 == 1 ? "tty1" : "/dev/console");
    fault_plan = (struct fault_plan){.mode = plan.fault % 5, .nth = plan.nth};
    if (fault_plan.mode == FAULT_FAIL && plan.nth == 0)
        fault_plan.mode = FAULT_NONE;
    int code = enter(pamh, entry, plan.flags % 2 == 1 ? PAM_SILENT : 0);
    fault_plan.mode = FAULT_NONE;
    check(entry, code);
    pam_end(pamh, code);
}

/* ---- libFuzzer's two calls ---- */

static int lowest_free(void) {
    int fd = dup(STDERR_FILENO);
    close(fd);
    return fd;
}

static bool echoes(void) {
    struct termios attributes;
    return keyboard < 0 || tcgetattr(keyboard, &attributes) != 0 || (attributes.c_lflag & ECHO) != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size < sizeof plan || size > 100000)
        return 0;
    memcpy(&plan, bytes, sizeof plan);
    said = bytes + sizeof plan;
    said_size = size - sizeof plan;
    turn = refused = agents = 0;
    root_granted = root_permitted = false;
    if (keyboard >= 0 && plan.typed % 3 > 0 && write(keyboard, plan.typed % 3 == 1 ? "\n" : "no", 1) < 0)
        abort();
    int before = lowest_free();
    run(plan.entry % ENTRIES);
    for (unsigned i = 0; i < agents; i++)
        close(agent_end[i]);
    require(lowest_free() == before, "a descriptor that is left open");
    require(echoes(), "a terminal without echo");
    return 0;
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    if (file == NULL || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

static void write_services(const char *module, unsigned index) {
    static const char *const ARGUMENTS[][2] = {
        {"plain", ""}, {"secret", "only_secret"}, {"enforce", "enforce"}, {"debug", "debug"}};
    char path[192], text[2048];
    snprintf(path, sizeof path, "%s/%u", folder, index);
    mkdir(path, 0755);
    for (size_t i = 0; i < 4; i++) {
        size_t length = 0;
        static const char *const KINDS[] = {"auth", "account", "password", "session"};
        for (size_t kind = 0; kind < 4; kind++)
            length += (size_t)snprintf(text + length, sizeof text - length,
                                       "%s required %s socket=%s/%u/pam.sock timeout=1 %s\n", KINDS[kind],
                                       module, folder, index, ARGUMENTS[i][1]);
        snprintf(path, sizeof path, "%s/%u/%s", folder, index, ARGUMENTS[i][0]);
        write_file(path, text);
    }
    if (index == 0)
        return;
    snprintf(path, sizeof path, "%s/%u/enforcement", folder, index);
    snprintf(text, sizeof text,
             "scauth-enforcement 1\nstate on\nsince 0\nuntil 0\nagent_absent %s\nremote no\nservices *\n",
             index == 1 ? "open" : "closed");
    write_file(path, text);
}

static void remove_folder(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        perror(folder);
}

int LLVMFuzzerInitialize(int *count, char ***arguments) {
    const char *module = getenv("FUZZ_MODULE");
    int terminal;
    (void)count, (void)arguments;
    snprintf(folder, sizeof folder, "/tmp/scauth-fuzz-XXXXXX");
    /* Kept: unloaded, the module would come back as another one, with its counters anew. */
    if (module == NULL || mkdtemp(folder) == NULL || dlopen(module, RTLD_NOW | RTLD_NODELETE) == NULL) {
        fprintf(stderr, "FUZZ_MODULE names no module: %s\n", dlerror());
        exit(2);
    }
    atexit(remove_folder);
    for (unsigned index = 0; index < FOLDERS; index++)
        write_services(module, index);
    /* A terminal of our own, where this process may have one. */
    if (setsid() >= 0 && openpty(&keyboard, &terminal, NULL, NULL, NULL) == 0)
        ioctl(terminal, TIOCSCTTY, 0);
    return 0;
}
