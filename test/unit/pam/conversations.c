/*
 * Plays the conversation that the test names. Prints "asked=STYLE:TEXT" and "told=STYLE:TEXT".
 */
#include "conversations.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *copy_of(const char *text) {
    char *copy = malloc(strlen(text) + 1);
    if (copy == NULL)
        abort();
    return strcpy(copy, text);
}

static char *answer_for(const struct conversation *conversation) {
    const char *mode = conversation->mode;
    if (strncmp(mode, "answer:", 7) == 0)
        return copy_of(mode + 7);
    if (strncmp(mode, "other-user:", 11) == 0) {
        pam_set_item(conversation->pamh, PAM_USER, mode + 11);
        return copy_of("123456");
    }
    if (strncmp(mode, "after:", 6) == 0) {
        while (access(mode + 6, F_OK) != 0)
            poll(NULL, 0, 5);
        return copy_of("123456");
    }
    if (strcmp(mode, "show-0") == 0) {
        printf("standard-input=%s\n", fcntl(STDIN_FILENO, F_GETFD) < 0 ? "closed" : "open");
        return copy_of("123456");
    }
    if (strncmp(mode, "long:", 5) == 0) {
        size_t length = strtoul(mode + 5, NULL, 10);
        char *text = malloc(length + 1);
        if (text == NULL)
            abort();
        memset(text, '7', length);
        text[length] = '\0';
        return text;
    }
    return strcmp(mode, "error-with-response") == 0 ? copy_of("123456") : NULL;
}

int converse_as_told(int count, const struct pam_message **messages, struct pam_response **responses,
                     void *data) {
    const struct conversation *conversation = data;
    int style = messages[0]->msg_style;
    bool asks = style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON;
    printf("%s=%d:%s\n", asks ? "asked" : "told", style, messages[0]->msg);
    fflush(stdout);
    if (count != 1)
        return PAM_CONV_ERR;
    if (strcmp(conversation->mode, "error") == 0)
        return PAM_CONV_ERR;
    if (strcmp(conversation->mode, "null-array") == 0) {
        *responses = NULL;
        return PAM_SUCCESS;
    }
    *responses = calloc(1, sizeof **responses);
    if (*responses == NULL)
        abort();
    if (asks)
        (*responses)->resp = answer_for(conversation);
    return strcmp(conversation->mode, "error-with-response") == 0 ? PAM_CONV_ERR : PAM_SUCCESS;
}
