/*
 * A PAM application for the tests: starts one transaction from a private folder of services by
 * pam_start_confdir(3), runs the phases named, and prints "KEY=VALUE" lines: the code of each phase, what the
 * conversation saw, what was logged, the user at the end, and the descriptors that are open but were not.
 *
 * usage: pam_client CONFDIR SERVICE [KEY=VALUE…] PHASE…
 * keys: user, tty, rhost, ruser, conversation, close (a descriptor to close first), silent=1
 * phases: authenticate account setcred open-session close-session chauthtok
 */
#include <dirent.h>
#include <security/pam_appl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "conversations.h"

/* libpam's log lines, taken here instead of by libc. */
void __syslog_chk(int priority, int flag, const char *format, ...);
void __syslog_chk(int priority, int flag, const char *format, ...) {
    char line[2048];
    va_list arguments;
    (void)flag;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    printf("log=%d:%s\n", priority & LOG_PRIMASK, line);
}

static unsigned long open_descriptors(void) {
    unsigned long open = 0;
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    if (folder == NULL)
        abort();
    while ((entry = readdir(folder)) != NULL) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && fd != dirfd(folder) && fd < 64)
            open |= 1ul << fd;
    }
    closedir(folder);
    return open;
}

static int run_phase(pam_handle_t *pamh, const char *phase, int flags) {
    if (strcmp(phase, "authenticate") == 0)
        return pam_authenticate(pamh, flags);
    if (strcmp(phase, "account") == 0)
        return pam_acct_mgmt(pamh, flags);
    if (strcmp(phase, "setcred") == 0)
        return pam_setcred(pamh, flags | (int)PAM_ESTABLISH_CRED);
    if (strcmp(phase, "open-session") == 0)
        return pam_open_session(pamh, flags);
    if (strcmp(phase, "close-session") == 0)
        return pam_close_session(pamh, flags);
    if (strcmp(phase, "chauthtok") == 0)
        return pam_chauthtok(pamh, flags);
    fprintf(stderr, "no such phase: %s\n", phase);
    exit(2);
}

static const char *option(int argc, char **argv, const char *key) {
    size_t length = strlen(key);
    for (int i = 3; i < argc; i++)
        if (strncmp(argv[i], key, length) == 0 && argv[i][length] == '=')
            return argv[i] + length + 1;
    return NULL;
}

static void set_text(pam_handle_t *pamh, int type, const char *text) {
    if (text != NULL && pam_set_item(pamh, type, text) != PAM_SUCCESS)
        abort();
}

int main(int argc, char **argv) {
    struct conversation conversation = {.mode = "answer:123456"};
    struct pam_conv conv = {converse_as_told, &conversation};
    pam_handle_t *pamh = NULL;
    const void *user = NULL;
    if (argc < 4)
        return 2;
    if (option(argc, argv, "conversation") != NULL)
        conversation.mode = option(argc, argv, "conversation");
    int flags = option(argc, argv, "silent") == NULL ? 0 : (int)PAM_SILENT;
    if (pam_start_confdir(argv[2], option(argc, argv, "user"), &conv, argv[1], &pamh) != PAM_SUCCESS)
        return 3;
    conversation.pamh = pamh;
    set_text(pamh, PAM_TTY, option(argc, argv, "tty"));
    set_text(pamh, PAM_RHOST, option(argc, argv, "rhost"));
    set_text(pamh, PAM_RUSER, option(argc, argv, "ruser"));
    if (option(argc, argv, "close") != NULL)
        close(atoi(option(argc, argv, "close")));
    unsigned long before = open_descriptors();
    int code = PAM_SUCCESS;
    for (int i = 3; i < argc; i++) {
        if (strchr(argv[i], '=') != NULL)
            continue;
        code = run_phase(pamh, argv[i], flags);
        printf("%s=%d\n", argv[i], code);
    }
    unsigned long left_open = open_descriptors() & ~before;
    pam_get_item(pamh, PAM_USER, &user);
    printf("user=%s\nleft-open=%#lx\n", user == NULL ? "(none)" : (const char *)user, left_open);
    char **environment = pam_getenvlist(pamh);
    for (char **entry = environment; entry != NULL && *entry != NULL; entry++) {
        printf("environment=%s\n", *entry);
        free(*entry);
    }
    free(environment);
    pam_end(pamh, code);
    return 0;
}
