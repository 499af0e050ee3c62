#include "session.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

bool session_begin(struct session *session) {
    session->shared = mmap(NULL, sizeof *session->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (session->shared == MAP_FAILED) {
        return false;
    }
    session->freeze.shared = &session->shared->freeze;
    return session_make_room(session);
}

bool session_make_room(struct session *session) {
    size_t texts = 2 * SCRIPT_OUTPUT_MAX + 4 * DETAIL_LENGTH + sizeof(struct path) + TASK_LENGTH_MAX;
    session->status.capacity = JSON_LENGTH_MAX(texts) + 4096 + freeze_json_length_max(&session->freeze);
    session->status.bytes = realloc(session->status.bytes, session->status.capacity);
    return session->status.bytes != NULL;
}

bool session_has_scripts(const struct session *session) {
    return session->wishes.scripts && session->scripts.code == SCRIPT_OK;
}

bool session_freezes(const struct session *session) {
    return session->wishes.freeze && (!session_has_scripts(session) || session->scripts.freeze_enabled);
}

static const char *state_word(enum state state) {
    static const char *const words[] = {
        [STATE_PRE] = "pre",       [STATE_REFUSED] = "refused", [STATE_FREEZING] = "freezing",
        [STATE_HELD] = "held",     [STATE_THAWED] = "thawed",   [STATE_POST] = "post",
        [STATE_DONE] = "done",
    };
    return words[state];
}

static const char *cause_word(enum cause cause) {
    static const char *const words[] = {
        [CAUSE_NONE] = "",         [CAUSE_COMMAND] = "command",   [CAUSE_DEADLINE] = "deadline",
        [CAUSE_SIGNAL] = "signal", [CAUSE_GUARDIAN] = "guardian",
    };
    return words[cause];
}

static bool is_held(const struct shared *shared) {
    int cause = shared->freeze.cause;
    return shared->was_held && !shared->freeze.lost && (cause == CAUSE_NONE || cause == CAUSE_COMMAND);
}

int session_scripts_code(const struct session *session) {
    const struct shared *shared = session->shared;
    return session->scripts.code != 0 ? session->scripts.code
           : shared->pre.code != 0    ? shared->pre.code
                                      : shared->post.code;
}

static const char *scripts_detail(const struct session *session) {
    switch (session_scripts_code(session)) {
    case SCRIPT_OK:
        return "";
    case PRE_FAILED:
        return "the pre-script failed";
    case POST_FAILED:
        return "the post-script failed";
    case PRE_TIMEOUT:
        return "the pre-script was killed at its time limit";
    case POST_TIMEOUT:
        return "the post-script was killed at its time limit";
    default:
        return session->scripts.detail;
    }
}

void session_scripts_json(struct text *text, const struct session *session) {
    json_begin(text, "scripts", '{');
    // One that names no script is none, for whoever asks what is known of the applications.
    bool none = session->scripts.code == SCRIPT_OK && !scripts_name_any(&session->scripts);
    json_string(text, "configuration", none ? "" : session->scripts.configuration.bytes);
    json_number(text, "code", session_scripts_code(session));
    json_string(text, "detail", scripts_detail(session));
    json_bool(text, "continueOnFailure", session->scripts.continue_on_failure);
    json_bool(text, "freezeEnabled", session->scripts.freeze_enabled);
    script_result_json(text, "pre", &session->scripts.pre, &session->shared->pre);
    script_result_json(text, "post", &session->scripts.post, &session->shared->post);
    json_end(text, '}');
}

static void status_json(struct text *text, const struct session *session) {
    const struct shared *shared = session->shared;
    json_begin(text, NULL, '{');
    json_string(text, "task", session->wishes.task);
    json_string(text, "state", state_word((enum state)shared->state));
    json_bool(text, "refused", shared->refused);
    json_bool(text, "held", is_held(shared));
    json_string(text, "thawedBy", cause_word((enum cause)shared->freeze.cause));
    json_begin(text, "freeze", '{');
    json_bool(text, "wanted", session_freezes(session));
    json_number(text, "code", shared->freeze_code);
    json_string(text, "detail", shared->freeze_code == FREEZE_OK ? "" : shared->freeze_detail);
    freeze_json(text, &session->freeze);
    json_end(text, '}');
    session_scripts_json(text, session);
    json_end(text, '}');
    text_add(text, "\n");
}

bool session_tell(struct session *session, enum state state) {
    session->shared->state = state;
    session->status.length = 0;
    session->status.full = false;
    status_json(&session->status, session);
    return !session->status.full &&
           run_folder_tell(&session->run, session->role, session->status.bytes, session->status.length);
}

void session_fail(struct session *session, enum freeze_code code, const char *detail) {
    struct text text = TEXT(session->shared->freeze_detail);
    text_add(&text, detail);
    text_words(&text);
    session->shared->freeze_code = code;
}

void session_finish(struct session *session) {
    struct shared *shared = session->shared;
    const struct scripts *scripts = &session->scripts;
    // Refused stays readable until the end. What can't be told here has no bearing on the guest any more.
    session_tell(session, shared->refused ? STATE_REFUSED : STATE_THAWED);
    if (shared->scripts_begun && scripts->post.command != NULL) {
        if (!shared->refused) {
            session_tell(session, STATE_POST);
        }
        script_run(&scripts->post, scripts->seconds, POST_FAILED, POST_TIMEOUT, -1, &shared->post);
    }
    session_tell(session, STATE_DONE);
}
