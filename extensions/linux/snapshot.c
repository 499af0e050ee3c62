#include "snapshot.h"

#include "guardian.h"
#include "package.h"
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum { START_MILLIS_MAX = 30000 };

// The worker's side of it.
struct worker {
    struct session *session;
    struct guardian guardian;
    char word[16]; // what has come of a line of the control pipe
    size_t length;
};

static void read_control(struct worker *worker) {
    struct session *session = worker->session;
    char next;
    while (read(session->control, &next, 1) == 1) {
        if (next != '\n') {
            // A line that is too long is no command, and stays so.
            worker->word[worker->length] = next;
            worker->length += worker->length < sizeof worker->word - 1;
            continue;
        }
        if (worker->length == 4 && memcmp(worker->word, "thaw", 4) == 0) {
            freeze_set_cause(&session->shared->freeze, CAUSE_COMMAND);
        }
        worker->length = 0;
    }
}

// Reads what processes say that the pre-script left, so that they go on.
static void read_leftover(struct session *session) {
    char bytes[4096];
    ssize_t count = read(session->leftover, bytes, sizeof bytes);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        close(session->leftover);
        session->leftover = -1;
    }
}

// Waits for whatever concerns the snapshot, and notes if it means its end.
static void look(struct worker *worker, int millis) {
    struct session *session = worker->session;
    struct freeze_shared *shared = &session->shared->freeze;
    struct pollfd files[] = {{.fd = session->control, .events = POLLIN},
                             {.fd = session->signals, .events = POLLIN},
                             {.fd = session->leftover, .events = POLLIN},
                             {.fd = worker->guardian.lost, .events = POLLIN}};
    poll(files, 4, millis);
    struct signalfd_siginfo info;
    if (read(session->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        freeze_set_cause(shared, CAUSE_SIGNAL);
    }
    if (freeze_is_late(shared)) {
        freeze_set_cause(shared, CAUSE_DEADLINE);
    }
    if (files[3].revents != 0) {
        // Whoever killed it may kill us next, and then nobody would thaw.
        freeze_set_cause(shared, CAUSE_GUARDIAN);
    }
    read_control(worker);
    if (files[2].revents != 0) {
        read_leftover(session);
    }
}

static void look_now(void *of) { look(of, 0); }

// Until the command, the deadline, or whatever else ends it.
static void hold(struct worker *worker) {
    struct freeze_shared *shared = &worker->session->shared->freeze;
    while (shared->cause == CAUSE_NONE) {
        long long left = shared->deadline_at - now_micros();
        // In slices, since poll's clock stands while the guest sleeps.
        look(worker, left <= 0 ? 0 : left < 250000 ? (int)(left / 1000 + 1) : 250);
    }
}

static const char *late_words(enum cause cause) {
    switch (cause) {
    case CAUSE_COMMAND:
        return "told to thaw before everything was frozen";
    case CAUSE_SIGNAL:
        return "ended by a signal before everything was frozen";
    case CAUSE_GUARDIAN:
        return "the guardian was killed before everything was frozen";
    case CAUSE_DEADLINE:
    case CAUSE_NONE:
        break;
    }
    return "the deadline passed before everything was frozen";
}

static bool open_file_systems(struct session *session) {
    struct outcome outcome = freeze_open(&session->freeze);
    if (!session_make_room(session)) {
        outcome = outcome_of(FAILED, "out of memory", NULL);
    }
    if (outcome.code != OK) {
        session_fail(session, FREEZE_FAILED, outcome.detail);
        return false;
    }
    for (size_t i = 0; i < session->freeze.mounts.count; i++) {
        const struct mount *mount = &session->freeze.mounts.list[i];
        if (mount->verdict == MOUNT_FAILED) {
            struct outcome why = outcome_of(FAILED, mount->path, ": can't be opened", NULL);
            session_fail(session, FREEZE_NOT_OPENED, why.detail);
            return false;
        }
    }
    return true;
}

// Replaces the guardian by one that knows the file systems, and brings everything into memory.
static bool prepare_freeze(struct worker *worker) {
    struct session *session = worker->session;
    freeze_flush(&session->freeze);
    struct guardian older = worker->guardian;
    struct outcome outcome = guardian_start(session, &worker->guardian, &older);
    guardian_stop(&older);
    if (outcome.code == OK && !lock_in_memory()) {
        outcome = outcome_of_errno("can't be locked in memory", "this program");
    }
    if (outcome.code != OK) {
        session_fail(session, FREEZE_FAILED, outcome.detail);
    }
    return outcome.code == OK;
}

static void freeze(struct worker *worker) {
    struct session *session = worker->session;
    enum freeze_code code =
        freeze_all(&session->freeze, session->wishes.deadline_seconds, look_now, worker);
    if (code == FREEZE_FAILED) {
        session_fail(session, code, "a file system could not be frozen");
    } else if (code == FREEZE_LATE) {
        session_fail(session, code, late_words((enum cause)session->shared->freeze.cause));
    }
}

// From here on file systems may be frozen, until the end of this function: no allocation, no file but in memory.
static void freeze_hold_thaw(struct worker *worker) {
    struct session *session = worker->session;
    struct shared *shared = session->shared;
    look_now(worker);
    freeze(worker);
    if (shared->freeze_code == FREEZE_OK) {
        long long none = 0;
        atomic_compare_exchange_strong(&shared->freeze.deadline_at, &none,
                                       now_micros() + session->wishes.deadline_seconds * 1000000);
        shared->was_held = true;
        if (session_tell(session, STATE_HELD)) {
            hold(worker);
        } else {
            shared->was_held = false;
            session_fail(session, FREEZE_FAILED, "the state could not be told: no room in memory");
        }
    }
    thaw_all_surely(&session->freeze);
}

static bool run_pre_script(struct session *session) {
    struct shared *shared = session->shared;
    const struct scripts *scripts = &session->scripts;
    // Without a freeze the scripts are all there is to make the snapshot consistent.
    bool must = !scripts->continue_on_failure || !scripts->freeze_enabled;
    if (!session->wishes.scripts) {
        return true;
    }
    if (scripts->code != SCRIPT_OK) {
        return !(must && scripts_are_wrong(scripts));
    }
    shared->scripts_begun = true;
    if (scripts->pre.command != NULL) {
        session->leftover = script_run(&scripts->pre, scripts->seconds, PRE_FAILED, PRE_TIMEOUT, session->signals,
                                       &shared->pre);
    }
    return shared->pre.code == SCRIPT_OK || !must;
}

static void work(struct session *session) {
    struct worker worker = {.session = session, .guardian = NO_GUARDIAN};
    const struct guardian none = NO_GUARDIAN;
    if (session->wishes.scripts) {
        scripts_read(&session->scripts, session->wishes.script_seconds_max);
    }
    struct outcome outcome = guardian_start(session, &worker.guardian, &none);
    if (outcome.code != OK) {
        session_fail(session, FREEZE_FAILED, outcome.detail);
    } else if (!run_pre_script(session)) {
        session->shared->refused = true;
    } else {
        session_tell(session, STATE_FREEZING);
        bool ready = !session_freezes(session) || open_file_systems(session);
        if (ready && prepare_freeze(&worker)) {
            freeze_hold_thaw(&worker);
        }
    }
    // Whoever opened it now would wait for a reader, or command the next snapshot.
    unlinkat(session->run.folder, "control", 0);
    session_finish(session);
    guardian_stop(&worker.guardian);
    // Once more, as the guardian may have told an earlier state last.
    session_tell(session, STATE_DONE);
}

// Between the answer and the work stands only what must be done before the agent sees us end.
static void become_worker(struct session *session, int ready) {
    setsid();
    leave_control_groups();
    survive_memory_shortage();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    session->signals = catch_signals();
    bool done = session->signals >= 0 && chdir("/") == 0 && let_go_of_standard_files() && write(ready, "", 1) == 1;
    close(ready);
    if (done) {
        work(session);
    }
    _exit(done ? 0 : 1);
}

static struct outcome start_worker(struct session *session) {
    int ready[2];
    char word;
    if (pipe2(ready, O_CLOEXEC) != 0) {
        return outcome_of_errno("can't be made", "a pipe");
    }
    pid_t process = fork();
    if (process == 0) {
        close(ready[0]);
        become_worker(session, ready[1]);
    }
    close(ready[1]);
    struct pollfd file = {.fd = ready[0], .events = POLLIN};
    bool done = process > 0 && poll(&file, 1, START_MILLIS_MAX) == 1 && read(ready[0], &word, 1) == 1;
    close(ready[0]);
    if (!done && process > 0) {
        kill(process, SIGKILL);
    }
    return done ? SUCCESS : outcome_of(FAILED, "the process that makes the snapshot did not start", NULL);
}

// The pipe is a new one each time: who still has the old one open commands nothing.
static struct outcome make_control(struct session *session) {
    int folder = session->run.folder;
    if (unlinkat(folder, "control", 0) != 0 && errno != ENOENT) {
        return outcome_of_errno("the old control pipe can't be removed", session->run.path.bytes);
    }
    if (mkfifoat(folder, "control", 0600) != 0) {
        return outcome_of_errno("the control pipe can't be made", session->run.path.bytes);
    }
    // Both ends, so that it neither waits for a writer nor ends with one.
    session->control = openat(folder, "control", O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    return session->control >= 0 ? SUCCESS : outcome_of_errno("can't be opened", session->run.path.bytes);
}

static struct outcome prepare(struct session *session) {
    struct outcome outcome = package_allows_snapshots();
    if (outcome.code == OK) {
        outcome = run_folder_open(&session->run, true);
    }
    if (outcome.code == OK && is_abandoned()) {
        outcome = thaw(NULL);
    }
    if (outcome.code == OK) {
        outcome = run_folder_lock(&session->run);
    }
    if (outcome.code == OK) {
        outcome = make_control(session);
    }
    if (outcome.code == OK && (!session_begin(session) || !session_tell(session, STATE_PRE))) {
        outcome = outcome_of_errno("the state can't be told", session->run.path.bytes);
        unlinkat(session->run.folder, "control", 0);
    }
    // After the state was told: whoever calls the task off looks at that after it has left its word.
    if (outcome.code == OK && run_folder_is_revoked(&session->run, session->wishes.task)) {
        outcome = outcome_of(FAILED, "it was called off before it began", NULL);
        unlinkat(session->run.folder, "status.json", 0);
        unlinkat(session->run.folder, "control", 0);
    }
    return outcome;
}

int snapshot(const struct wishes *wishes) {
    static struct session session;
    session = (struct session){.wishes = *wishes, .role = "status.worker", .control = -1, .leftover = -1,
                               .run = {.folder = -1, .lock = -1}};
    session.scripts.continue_on_failure = session.scripts.freeze_enabled = true;
    close_inherited_files();
    struct outcome outcome = prepare(&session);
    if (outcome.code == OK) {
        outcome = start_worker(&session);
    }
    char bytes[4 * PATH_MAX];
    struct text text = TEXT(bytes);
    answer_begin(&text, "snapshot", &outcome);
    if (outcome.code == OK) {
        struct path path = session.run.path;
        struct text name = {.bytes = path.bytes, .length = strlen(path.bytes), .capacity = sizeof path.bytes};
        size_t length = name.length;
        text_add(&name, "/status.json");
        json_string(&text, "status", text_words(&name));
        name.length = length;
        text_add(&name, "/control");
        json_string(&text, "control", text_words(&name));
    }
    return answer_end(&text, &outcome);
}

int test_scripts(long long script_seconds_max) {
    static struct session session;
    session = (struct session){.wishes = {.task = "", .scripts = true}, .leftover = -1};
    struct outcome outcome = run_folder_open(&session.run, true);
    if (outcome.code == OK) {
        outcome = run_folder_lock(&session.run);
    }
    session.signals = catch_signals();
    if (outcome.code == OK && (session.signals < 0 || !session_begin(&session))) {
        outcome = outcome_of_errno("can't be started", "the test");
    }
    if (outcome.code == OK) {
        const struct scripts *scripts = &session.scripts;
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        scripts_read(&session.scripts, script_seconds_max);
        run_pre_script(&session);
        if (session.shared->scripts_begun && scripts->post.command != NULL) {
            script_run(&scripts->post, scripts->seconds, POST_FAILED, POST_TIMEOUT, -1, &session.shared->post);
        }
        int code = session_scripts_code(&session);
        if (code != SCRIPT_OK && code != CONFIGURATION_MISSING) {
            outcome = outcome_of(FAILED, "the scripts would not do, see there", NULL);
        }
    }
    // Room for both outputs, however they must be written.
    static char bytes[JSON_LENGTH_MAX(2 * SCRIPT_OUTPUT_MAX + 2 * PATH_MAX) + 4096];
    struct text text = TEXT(bytes);
    answer_begin(&text, "test-scripts", &outcome);
    if (session.shared != NULL) {
        session_scripts_json(&text, &session);
    }
    return answer_end(&text, &outcome);
}
