/*
 * A display manager's way of calling PAM, as lightdm's session-child.c and gdm's session worker do it: no
 * user at pam_start, no controlling terminal, a conversation that goes to another program; then account,
 * credentials, the session, the user's program in it, and all of it undone at its end. It shows nothing:
 * prompts and messages are lines "ask=STYLE:TEXT" and "told=STYLE:TEXT", answers are lines of standard input.
 *
 * With seat= logind is told of a screen there (pam_systemd(8)); with rhost= it is another host's login, as
 * sshd's.
 *
 * usage: greeter SERVICE [user=NAME] [seat=SEAT] [tty=TTY] [rhost=HOST] PROGRAM [ARGUMENT…]
 */
#define _GNU_SOURCE
#include <grp.h>
#include <pwd.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *data) {
    (void)data;
    *responses = calloc((size_t)count, sizeof **responses);
    if (*responses == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++) {
        int style = messages[i]->msg_style;
        int asks = style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON;
        const char *text = style == PAM_BINARY_PROMPT ? "" : messages[i]->msg;
        printf("%s=%d:%s\n", asks ? "ask" : "told", style, text);
        fflush(stdout);
        char line[600];
        /* gdm's messages in JSON come as this one; what it does not know it refuses. */
        if (style == PAM_BINARY_PROMPT)
            return PAM_CONV_ERR;
        if (!asks)
            continue;
        if (fgets(line, sizeof line, stdin) == NULL)
            return PAM_CONV_ERR;
        line[strcspn(line, "\n")] = '\0';
        (*responses)[i].resp = strdup(line);
    }
    return PAM_SUCCESS;
}

/* The user's program, with the environment that the modules have made. Returns its exit code. */
static int run_session(pam_handle_t *pamh, const struct passwd *account, char **argv) {
    pid_t pid = fork();
    if (pid == 0) {
        char **environment = pam_getenvlist(pamh);
        if (setsid() < 0 || initgroups(account->pw_name, account->pw_gid) != 0 ||
            setgid(account->pw_gid) != 0 || setuid(account->pw_uid) != 0 || chdir(account->pw_dir) != 0)
            _exit(126);
        execvpe(argv[0], argv, environment);
        _exit(127);
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 125;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void put(pam_handle_t *pamh, const char *name, const char *value) {
    char entry[512];
    snprintf(entry, sizeof entry, "%s=%s", name, value);
    if (pam_putenv(pamh, entry) != PAM_SUCCESS)
        abort();
}

/* Takes NAME=VALUE off the front of the arguments. NULL: it is not there. */
static const char *option(char ***argv, const char *name) {
    size_t length = strlen(name);
    const char *found = NULL;
    if (**argv != NULL && strncmp(**argv, name, length) == 0 && (**argv)[length] == '=')
        found = *(*argv)++ + length + 1;
    return found;
}

static int step(const char *name, int code) {
    printf("%s=%d\n", name, code);
    fflush(stdout);
    return code == PAM_SUCCESS;
}

int main(int argc, char **argv) {
    struct pam_conv conv = {converse, NULL};
    pam_handle_t *pamh = NULL;
    const void *item = NULL;
    char **program = argv + (argc > 2 ? 2 : argc);
    const char *user = option(&program, "user");
    const char *seat = option(&program, "seat");
    const char *tty = option(&program, "tty");
    const char *rhost = option(&program, "rhost");
    if (program[0] == NULL || pam_start(argv[1], user, &conv, &pamh) != PAM_SUCCESS)
        return 2;
    pam_set_item(pamh, PAM_TTY, tty == NULL ? ":7" : tty);
    if (tty == NULL)
        pam_set_item(pamh, PAM_XDISPLAY, ":7");
    if (rhost != NULL)
        pam_set_item(pamh, PAM_RHOST, rhost);
    put(pamh, "XDG_SESSION_CLASS", "user");
    put(pamh, "XDG_SESSION_TYPE", seat == NULL ? "tty" : "x11");
    if (seat != NULL)
        put(pamh, "XDG_SEAT", seat);
    if (!step("authenticate", pam_authenticate(pamh, 0)) || !step("account", pam_acct_mgmt(pamh, 0)) ||
        pam_get_item(pamh, PAM_USER, &item) != PAM_SUCCESS || item == NULL) {
        pam_end(pamh, PAM_AUTH_ERR);
        return 1;
    }
    const struct passwd *account = getpwnam(item);
    if (account == NULL)
        return 3;
    printf("user=%s\n", account->pw_name);
    put(pamh, "HOME", account->pw_dir);
    put(pamh, "USER", account->pw_name);
    put(pamh, "LOGNAME", account->pw_name);
    put(pamh, "PATH", getenv("PATH"));
    char runtime[64];
    snprintf(runtime, sizeof runtime, "/run/user/%u", (unsigned)account->pw_uid);
    put(pamh, "XDG_RUNTIME_DIR", runtime);
    int code = 1;
    if (step("setcred", pam_setcred(pamh, (int)PAM_ESTABLISH_CRED)) &&
        step("open-session", pam_open_session(pamh, 0))) {
        code = run_session(pamh, account, program);
        step("close-session", pam_close_session(pamh, 0));
        pam_setcred(pamh, (int)PAM_DELETE_CRED);
    }
    pam_end(pamh, PAM_SUCCESS);
    printf("session=%d\n", code);
    return code;
}
