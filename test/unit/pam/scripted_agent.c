/*
 * An agent for the C test programs. It plays a script and decides nothing.
 * Specification: PROTOCOL.md, section 1.
 */
#define _GNU_SOURCE
#include "scripted_agent.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void agent_paths(const char *folder, char confdir[256], char socket_path[108]) {
    snprintf(confdir, 256, "%s/pam.d", folder);
    snprintf(socket_path, 108, "%s/pam.sock", folder);
}

int agent_listen(const char *socket_path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", socket_path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unlink(socket_path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 16) != 0) {
        perror(socket_path);
        exit(2);
    }
    return fd;
}

bool agent_send(int fd, uint8_t type, const void *body, size_t size) {
    uint8_t version = type >= 14 ? 4 : 1;
    uint8_t frame[8 + 4096] = {'S', 'C', version, type, 0, 0, (uint8_t)(size >> 8), (uint8_t)size};
    if (size > 0)
        memcpy(frame + 8, body, size);
    return send(fd, frame, 8 + size, MSG_NOSIGNAL) == (ssize_t)(8 + size);
}

bool agent_receive(int fd, uint8_t *type, uint8_t *body, size_t *size) {
    uint8_t head[8];
    if (recv(fd, head, 8, MSG_WAITALL) != 8)
        return false;
    *type = head[3];
    *size = (size_t)head[6] << 8 | head[7];
    if (*size > 4096)
        return false;
    return *size == 0 || recv(fd, body, *size, MSG_WAITALL) == (ssize_t)*size;
}

bool agent_ask(int fd, bool echo, const char *text) {
    uint8_t body[256] = {echo ? 1 : 0, 0, (uint8_t)strlen(text)};
    memcpy(body + 3, text, strlen(text));
    return agent_send(fd, 2, body, 3 + strlen(text));
}

bool agent_verdict(int fd, uint8_t code) {
    uint8_t body[7] = {code, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return agent_send(fd, 6, body, sizeof body);
}

void (*agent_secret)(char *text);

static bool deny_with_secret(int fd) {
    char body[24] = "\2\377\377\0\20";
    agent_secret(body + 5);
    memcpy(body + 21, "\377\377", 2);
    return agent_send(fd, 6, body, 23);
}

static bool play_step(int fd, char step) {
    uint8_t type, body[4096];
    size_t size;
    switch (step) {
    case 'B':
        return agent_receive(fd, &type, body, &size) && type == 1;
    case 'A':
        return agent_receive(fd, &type, body, &size) && type == 5;
    case 'Q':
        return agent_ask(fd, false, "PIN: ");
    case 'E':
        return agent_ask(fd, true, "Name: ");
    case 'T':
        return agent_send(fd, 3, "\0\0\5Hello", 8);
    case 'W':
        return agent_send(fd, 4, NULL, 0);
    case 'M':
        return agent_send(fd, 14, NULL, 0) && agent_receive(fd, &type, body, &size) && type == 15;
    case 'N':
        return agent_send(fd, 16, "\0\3Ada", 5);
    case 'G':
        return agent_verdict(fd, 1);
    case 'D':
        return agent_verdict(fd, 2);
    case 'U':
        return agent_send(fd, 6, "\1\0\5alice\0\6keyfob\0\7Welcome", 25);
    case 'K':
        return deny_with_secret(fd);
    default:
        return false;
    }
}

pid_t agent_fork(int listener, const char *script) {
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(2);
        for (const char *step = script; *step != '\0' && play_step(fd, *step); step++)
            continue;
        close(fd);
    }
}
