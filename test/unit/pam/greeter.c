/*
 * A display manager's way of calling PAM, as lightdm's session-child.c and gdm's session worker do it: no
 * user at pam_start, no controlling terminal, a conversation that goes to another program; then account,
 * credentials, the session, the user's program in it, and all of it undone at its end. It shows nothing:
 * prompts and messages are lines "ask=STYLE:TEXT" and "told=STYLE:TEXT", answers are lines of standard input.
 *
 * usage: greeter SERVICE [user=NAME] PROGRAM [ARGUMENT…]
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
        printf("%s=%d:%s\n", asks ? "ask" : "told", style, messages[i]->msg);
        fflush(stdout);
        char line[600];
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

static int step(const char *name, int code) {
    printf("%s=%d\n", name, code);
    fflush(stdout);
    return code == PAM_SUCCESS;
}

int main(int argc, char **argv) {
    struct pam_conv conv = {converse, NULL};
    pam_handle_t *pamh = NULL;
    const void *item = NULL;
    const char *user = argc > 2 && strncmp(argv[2], "user=", 5) == 0 ? argv[2] + 5 : NULL;
    char **program = argv + (user == NULL ? 2 : 3);
    if (argc < 3 || program[0] == NULL || pam_start(argv[1], user, &conv, &pamh) != PAM_SUCCESS)
        return 2;
    pam_set_item(pamh, PAM_TTY, ":7");
    pam_set_item(pamh, PAM_XDISPLAY, ":7");
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
