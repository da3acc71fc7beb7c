/*
 * An agent that grants everything, as another user: what a local attacker would put in scauthd's place.
 * usage: spoofed_agent SOCKET UID ; prints "listening" and serves until its standard input ends.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const char GRANTED[] = "SC\1\6\0\0\0\7\1\377\377\377\377\377\377";

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (argc != 3)
        return 2;
    snprintf(address.sun_path, sizeof address.sun_path, "%s", argv[1]);
    uid_t uid = (uid_t)strtoul(argv[2], NULL, 10);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0)
        return 3;
    /* The kernel records the credentials at listen(2). */
    if (uid != 0 && (setgroups(0, NULL) != 0 || setgid(uid) != 0 || setuid(uid) != 0))
        return 4;
    if (listen(listener, 4) != 0)
        return 5;
    puts("listening");
    fflush(stdout);
    for (;;) {
        struct pollfd watched[2] = {{.fd = listener, .events = POLLIN},
                                    {.fd = STDIN_FILENO, .events = POLLIN}};
        if (poll(watched, 2, -1) < 0 || watched[1].revents != 0)
            return 0;
        int fd = accept(listener, NULL, NULL);
        char begin[8];
        ssize_t received = recv(fd, begin, sizeof begin, MSG_WAITALL);
        printf("received=%zd\n", received);
        fflush(stdout);
        send(fd, GRANTED, sizeof GRANTED - 1, MSG_NOSIGNAL);
        close(fd);
    }
}
