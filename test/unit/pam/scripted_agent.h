/*
 * An agent for the C test programs: frames in and out of a socket, and a whole conversation from a script.
 */
#ifndef SCAUTH_TEST_SCRIPTED_AGENT_H
#define SCAUTH_TEST_SCRIPTED_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The folder of services and the socket that all these programs use, under the folder they are given. */
void agent_paths(const char *folder, char confdir[256], char socket_path[108]);

/* Listens; exits on failure. */
int agent_listen(const char *socket_path);

/* Both return false if the peer has gone. A body has at most 4096 bytes; `body` has room for them. */
bool agent_send(int fd, uint8_t type, const void *body, size_t size);
bool agent_receive(int fd, uint8_t *type, uint8_t *body, size_t *size);
bool agent_ask(int fd, bool echo, const char *text);
bool agent_verdict(int fd, uint8_t code);

/* Plays a script on each connection, in a process of its own that ends with this one. A letter a step:
 * B read begin, Q ask without echo, E ask with echo, A read an answer, T tell, W wait,
 * D denied, G granted, U granted with user "alice", an authtok and a message, K denied with an authtok that
 * agent_secret writes (16 characters), for programs that must not know it. */
extern void (*agent_secret)(char *text);
pid_t agent_fork(int listener, const char *script);

#endif
