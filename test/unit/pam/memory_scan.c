/*
 * Authenticates once with a PIN and then looks for the PIN in all of its own readable memory. The PIN exists
 * here only XORed with a mask, so the program itself is no false hit.
 * usage: memory_scan FOLDER [plant|clean [SCRIPT]] ; prints "code=N" and "hits=N". "plant" leaves a copy on
 * the heap: the scan must find it, or it would find nothing at all.
 */
#define _GNU_SOURCE
#include <security/pam_appl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scripted_agent.h"

#define MASK 0x5Au
#define PIN_LENGTH 16u

/* "7391 scauth 4628" under the mask; volatile, so that the compiler does not unmask it in advance. */
static volatile const unsigned char MASKED[PIN_LENGTH] = {
    '7' ^ MASK, '3' ^ MASK, '9' ^ MASK, '1' ^ MASK, ' ' ^ MASK, 's' ^ MASK, 'c' ^ MASK, 'a' ^ MASK,
    'u' ^ MASK, 't' ^ MASK, 'h' ^ MASK, ' ' ^ MASK, '4' ^ MASK, '6' ^ MASK, '2' ^ MASK, '8' ^ MASK,
};

static void unmask(char *text) {
    for (size_t i = 0; i < PIN_LENGTH; i++)
        text[i] = (char)(MASKED[i] ^ MASK);
    text[PIN_LENGTH] = '\0';
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses,
                    void *data) {
    (void)count, (void)data;
    *responses = calloc(1, sizeof **responses);
    if (*responses == NULL)
        return PAM_BUF_ERR;
    if (messages[0]->msg_style == PAM_PROMPT_ECHO_OFF) {
        (*responses)->resp = malloc(PIN_LENGTH + 1);
        if ((*responses)->resp == NULL)
            return PAM_BUF_ERR;
        unmask((*responses)->resp);
    }
    return PAM_SUCCESS;
}

/* Six bytes in a row are a hit: freeing overwrites the first bytes of a block. */
static size_t count_hits(const unsigned char *from, const unsigned char *to) {
    const size_t part = 6, start = PIN_LENGTH - part;
    size_t hits = 0;
    for (const unsigned char *at = from; at + part <= to; at++) {
        size_t same = 0;
        while (same < part && (at[same] ^ MASK) == MASKED[start + same])
            same++;
        hits += same == part;
    }
    return hits;
}

static size_t scan(void) {
    char line[512];
    size_t hits = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == NULL)
        abort();
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char rights[5];
        if (sscanf(line, "%lx-%lx %4s", &from, &to, rights) != 3 || rights[0] != 'r')
            continue;
        if (strstr(line, "[vvar") != NULL || strstr(line, "[vsyscall") != NULL)
            continue;
        hits += count_hits((const unsigned char *)from, (const unsigned char *)to);
    }
    fclose(maps);
    return hits;
}

int main(int argc, char **argv) {
    char confdir[256], socket_path[108];
    struct pam_conv conv = {converse, NULL};
    pam_handle_t *pamh = NULL;
    if (argc < 2)
        return 2;
    agent_paths(argv[1], confdir, socket_path);
    agent_secret = unmask;
    pid_t agent = agent_fork(agent_listen(socket_path), argc > 3 ? argv[3] : "BWQAWG");
    char *planted = malloc(64);
    if (planted == NULL || pam_start_confdir("alone", "alice", &conv, confdir, &pamh) != PAM_SUCCESS)
        return 3;
    int code = pam_authenticate(pamh, 0);
    memset(planted, 0, 64);
    if (argc > 2 && strcmp(argv[2], "plant") == 0)
        unmask(planted);
    printf("code=%d\nhits=%zu\n", code, scan());
    free(planted);
    pam_end(pamh, code);
    kill(agent, SIGKILL);
    waitpid(agent, NULL, 0);
    return 0;
}
