/*
 * Many logins in one process, for valgrind: start, authenticate, account phase, end, each with a new handle,
 * so that what one of them leaves behind adds up. usage: module-logins FOLDER SCRIPT COUNT, where FOLDER has
 * pam.d/alone and SCRIPT is what the agent plays on each connection (scripted_agent.h). Prints how many got
 * in.
 */
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "../unit/pam/scripted_agent.h"

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *data) {
    (void)data;
    if ((*responses = calloc((size_t)count, sizeof **responses)) == NULL)
        return PAM_BUF_ERR;
    if (messages[0]->msg_style == PAM_PROMPT_ECHO_OFF)
        (*responses)->resp = strdup("123456");
    return PAM_SUCCESS;
}

int main(int argc, char **argv) {
    const struct pam_conv conversation = {converse, NULL};
    char confdir[256], socket_path[108];
    int in = 0;
    if (argc != 4)
        return 2;
    agent_paths(argv[1], confdir, socket_path);
    pid_t agent = agent_fork(agent_listen(socket_path), argv[2]);
    for (int left = atoi(argv[3]); left > 0; left--) {
        pam_handle_t *pamh = NULL;
        if (pam_start_confdir("alone", "alice", &conversation, confdir, &pamh) != PAM_SUCCESS)
            return 1;
        int code = pam_authenticate(pamh, 0);
        (void)pam_acct_mgmt(pamh, 0);
        in += code == PAM_SUCCESS;
        pam_end(pamh, code);
    }
    kill(agent, SIGKILL);
    waitpid(agent, NULL, 0);
    printf("%d\n", in);
    return 0;
}
