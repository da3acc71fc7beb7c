/*
 * May somebody get in without a card whom the agent has not judged? Only where no card is required, or nobody
 * was asked for one, or the agent is truly gone and that opens. Whoever can keep it from answering (a flood,
 * a stopped process, limits of their own) gains nothing. Specification: PROTOCOL.md, section 1.5.
 */
#include "account.h"

#include <security/pam_ext.h>
#include <security/pam_modules.h>
#include <string.h>
#include <syslog.h>

#include "console.h"
#include "conversation.h"
#include "enforcement.h"
#include "happened.h"
#include "relay.h"
#include "words.h"

enum origin { ORIGIN_HERE, ORIGIN_ELSEWHERE, ORIGIN_UNKNOWN };

static bool is_one_of(const char *word, const char *const *words, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

/* By PAM_RHOST and the service, as policy/services.ts; sessions are known to the agent alone. */
static enum origin origin_of(pam_handle_t *pamh, const char *service) {
    static const char *const HERE[] = {"", "localhost", "127.0.0.1", "::1"};
    static const char *const FOR_OTHER_HOSTS[] = {"sshd", "cockpit", "xrdp-sesman", "remote"};
    const void *rhost = NULL;
    if (service == NULL || pam_get_item(pamh, PAM_RHOST, &rhost) != PAM_SUCCESS)
        return ORIGIN_UNKNOWN;
    if (is_one_of(service, FOR_OTHER_HOSTS, sizeof FOR_OTHER_HOSTS / sizeof FOR_OTHER_HOSTS[0]))
        return ORIGIN_ELSEWHERE;
    bool here = rhost == NULL || is_one_of(rhost, HERE, sizeof HERE / sizeof HERE[0]);
    return here ? ORIGIN_HERE : ORIGIN_ELSEWHERE;
}

static const char *service_of(pam_handle_t *pamh) {
    const void *service = NULL;
    return pam_get_item(pamh, PAM_SERVICE, &service) == PAM_SUCCESS ? service : NULL;
}

/* Whether enforcement binds this request: the agent's word is needed, or a good reason. */
static bool is_bound(pam_handle_t *pamh, const struct enforcement *enforcement, const char *service) {
    enum origin origin = origin_of(pamh, service);
    if (origin == ORIGIN_ELSEWHERE && !enforcement->remote)
        return false;
    /* Cron, sudo's ticket, root's su. Without an agent nobody can say more of those from other hosts. */
    return origin != ORIGIN_HERE || happened_recall(pamh) != HAPPENED_NOTHING;
}

static int refuse(pam_handle_t *pamh, bool absent) {
    pam_syslog(pamh, LOG_ERR, "a card is required and scauthd %s: refused%s",
               absent ? "does not run" : "gave no answer",
               absent ? " (enforcement.agent_absent is closed)" : "");
    conversation_tell(pamh, TELL_ERROR, WORDS_NO_ANSWER);
    return PAM_PERM_DENIED;
}

int account_run(pam_handle_t *pamh, const struct options *options, int flags) {
    enum relay_end end;
    int code = relay_run(pamh, options, PHASE_ACCOUNT, flags, 0, &end);
    if (code != PAM_AUTHINFO_UNAVAIL)
        return code;
    const char *service = service_of(pamh);
    struct enforcement enforcement = enforcement_read(options, service);
    if (!enforcement.in_force)
        return code;
    bool bound = is_bound(pamh, &enforcement, service);
    /* A connection that was cut is tried once more, and an agent that restarts is back in a moment. */
    if (end == RELAY_CUT || (end == RELAY_ABSENT && bound))
        code = relay_run(pamh, options, PHASE_ACCOUNT, flags, options->timeout_ms, &end);
    bool absent = end == RELAY_ABSENT;
    if (code != PAM_AUTHINFO_UNAVAIL || !bound || (absent && !enforcement.closed))
        return code;
    if (console_root_is_at(pamh)) {
        pam_syslog(pamh, LOG_WARNING, "root gets in on a console without scauthd's word");
        return PAM_SUCCESS;
    }
    return refuse(pamh, absent);
}
