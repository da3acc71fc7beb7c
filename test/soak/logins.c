/*
 * Many logins, one after the other, each by a process of its own: authenticate, then the account phase.
 * Usage: logins SERVICE USER PIN PASSWORD COUNT. A prompt that names a PIN gets PIN, each other PASSWORD.
 * Prints how many were authenticated, and how many of them the account phase let in. A login without an end
 * after a minute counts as neither. Specification: pam_start(3), pam_conv(3).
 */
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOGIN_SECONDS 60

enum { REFUSED, AUTHENTICATED, IN };

static const char *pin, *password;

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *data) {
    (void)data;
    if ((*responses = calloc((size_t)count, sizeof **responses)) == NULL)
        return PAM_BUF_ERR;
    for (int i = 0; i < count; i++) {
        if (messages[i]->msg_style != PAM_PROMPT_ECHO_OFF && messages[i]->msg_style != PAM_PROMPT_ECHO_ON)
            continue;
        (*responses)[i].resp = strdup(strstr(messages[i]->msg, "PIN") != NULL ? pin : password);
    }
    return PAM_SUCCESS;
}

static int login(const char *service, const char *user) {
    const struct pam_conv conversation = {converse, NULL};
    pam_handle_t *pamh = NULL;
    alarm(LOGIN_SECONDS);
    if (pam_start(service, user, &conversation, &pamh) != PAM_SUCCESS ||
        pam_authenticate(pamh, 0) != PAM_SUCCESS)
        return REFUSED;
    return pam_acct_mgmt(pamh, 0) == PAM_SUCCESS ? IN : AUTHENTICATED;
}

int main(int argc, char **argv) {
    int authenticated = 0, in = 0;
    if (argc != 6)
        return 2;
    pin = argv[3];
    password = argv[4];
    for (int left = atoi(argv[5]); left > 0; left--) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(login(argv[1], argv[2]));
        if (child < 0 || waitpid(child, &status, 0) != child)
            return 1;
        if (!WIFEXITED(status))
            continue;
        authenticated += WEXITSTATUS(status) != REFUSED;
        in += WEXITSTATUS(status) == IN;
    }
    printf("%d %d\n", authenticated, in);
    return 0;
}
