// A PAM client that says each thing that happens and does what it is told, a line each way, so that the suite
// can do something while a question stands. Usage: client SERVICE USER [TTY]
//
//   it says    ask hidden|shown TEXT | message info|error TEXT | result authenticate|account CODE | files
//   BEFORE AFTER it reads   =TEXT an answer | null no text with PAM_SUCCESS | error PAM_CONV_ERR | missing no
//   answers at all
//
// After the last line it stays until its input ends, so that its memory can be looked at; it keeps no answer
// itself. Line ends in texts are written as \n. Specification: pam_conv(3), pam_start(3).
#include <dirent.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void say(const char *what, const char *kind, const char *text) {
    printf("%s %s ", what, kind);
    for (const char *at = text == NULL ? "" : text; *at != '\0'; at += 1) {
        if (*at == '\n')
            fputs("\\n", stdout);
        else
            putchar(*at);
    }
    putchar('\n');
    fflush(stdout);
}

/** A line without its end, by read(2): stdio would keep a copy. 0 where the input has ended. */
static int read_line(char *line, size_t size) {
    size_t length = 0;
    ssize_t got = 0;
    while (length < size - 1 && (got = read(STDIN_FILENO, line + length, 1)) == 1 && line[length] != '\n')
        length += 1;
    line[length] = '\0';
    return length > 0 || got == 1;
}

static int answer(const char *line, struct pam_response *reply) {
    if (line[0] != '=')
        return strcmp(line, "null") == 0 ? PAM_SUCCESS : PAM_CONV_ERR;
    reply->resp = strdup(line + 1);
    return reply->resp == NULL ? PAM_BUF_ERR : PAM_SUCCESS;
}

static int converse(int count, const struct pam_message **messages, struct pam_response **replies,
                    void *data) {
    static char line[65536];
    (void)data;
    if (count <= 0 || count > PAM_MAX_NUM_MSG)
        return PAM_CONV_ERR;
    struct pam_response *all = calloc((size_t)count, sizeof *all);
    if (all == NULL)
        return PAM_BUF_ERR;
    int result = PAM_SUCCESS;
    int missing = 0;
    for (int at = 0; at < count && result == PAM_SUCCESS && !missing; at += 1) {
        const int style = messages[at]->msg_style;
        if (style == PAM_TEXT_INFO || style == PAM_ERROR_MSG) {
            say("message", style == PAM_TEXT_INFO ? "info" : "error", messages[at]->msg);
            continue;
        }
        say("ask", style == PAM_PROMPT_ECHO_ON ? "shown" : "hidden", messages[at]->msg);
        if (!read_line(line, sizeof line)) {
            result = PAM_CONV_ERR;
            break;
        }
        missing = strcmp(line, "missing") == 0;
        if (!missing)
            result = answer(line, &all[at]);
        explicit_bzero(line, sizeof line);
    }
    if (result != PAM_SUCCESS || missing) {
        for (int at = 0; at < count; at += 1)
            free(all[at].resp);
        free(all);
        *replies = NULL;
        return result;
    }
    *replies = all;
    return PAM_SUCCESS;
}

/** Descriptors that the next program would get: those that stay open over an exec count, and all others do as
 * well. */
static int open_files(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    if (folder == NULL)
        return -1;
    while (readdir(folder) != NULL)
        count += 1;
    closedir(folder);
    return count;
}

static void result(const char *phase, int code) {
    char text[16];
    snprintf(text, sizeof text, "%d", code);
    say("result", phase, text);
}

int main(int argc, char **argv) {
    if (argc < 3)
        return 64;
    const struct pam_conv conversation = {.conv = converse, .appdata_ptr = NULL};
    pam_handle_t *handle = NULL;
    const int before = open_files();
    int code = pam_start(argv[1], argv[2], &conversation, &handle);
    if (code != PAM_SUCCESS)
        return 65;
    if (argc > 3)
        pam_set_item(handle, PAM_TTY, argv[3]);
    code = pam_authenticate(handle, 0);
    result("authenticate", code);
    if (code == PAM_SUCCESS) {
        code = pam_acct_mgmt(handle, 0);
        result("account", code);
    }
    pam_end(handle, code);
    char files[32];
    snprintf(files, sizeof files, "%d", open_files());
    char first[16];
    snprintf(first, sizeof first, "%d", before);
    say("files", first, files);
    char rest;
    while (read(STDIN_FILENO, &rest, 1) == 1)
        continue;
    return 0;
}
