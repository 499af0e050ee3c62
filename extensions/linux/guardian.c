#include "guardian.h"

#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

// It looks at the clock this often, as it is not told when the deadline is set.
enum { TICK_MILLIS = 200, START_MILLIS_MAX = 60000, WORKER_MICROS_MAX = 2000000 };

// The worker has ended without a word: does what it would have done from here on.
static void take_over(struct session *session) {
    struct shared *shared = session->shared;
    freeze_set_cause(&shared->freeze, CAUSE_GUARDIAN);
    thaw_all(&session->freeze, THAW_ALL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    unlinkat(session->run.folder, "control", 0);
    pid_t pre = shared->pre.process, post = shared->post.process;
    if (pre != 0) {
        kill(-pre, SIGKILL);
        shared->pre.code = PRE_FAILED;
    }
    if (post != 0) {
        kill(-post, SIGKILL);
    }
    if (!shared->was_held) {
        session_fail(session, FREEZE_FAILED, "this program was killed");
    }
    if (shared->state != STATE_DONE) {
        session_finish(session);
    }
}

static void look_at_signals(struct session *session) {
    struct signalfd_siginfo info;
    if (read(session->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        freeze_set_cause(&session->shared->freeze, CAUSE_SIGNAL);
    }
}

// The worker tells it, too, unless somebody has stopped it.
static void tell_for_worker(struct session *session) {
    usleep(TICK_MILLIS * 1000);
    int state = session->shared->state;
    if (state == STATE_FREEZING || state == STATE_HELD) {
        session_tell(session, STATE_THAWED);
    }
}

static void guard(struct session *session, int alive) {
    struct freeze_shared *shared = &session->shared->freeze;
    long long since = 0;
    while (true) {
        struct pollfd files[] = {{.fd = alive, .events = POLLIN}, {.fd = session->signals, .events = POLLIN}};
        long long deadline = shared->deadline_at;
        long long left = deadline == 0 ? TICK_MILLIS : (deadline - now_micros()) / 1000 + 1;
        poll(files, 2, left < 0 ? 0 : left < TICK_MILLIS ? (int)left : TICK_MILLIS);
        look_at_signals(session);
        if (freeze_is_late(shared)) {
            freeze_set_cause(shared, CAUSE_DEADLINE);
        }
        // What the worker is freezing now it thaws itself, unless it was stopped before it could note that.
        if (shared->cause != CAUSE_NONE) {
            since = since == 0 ? now_micros() : since;
            bool stuck = now_micros() - since > WORKER_MICROS_MAX;
            if (thaw_all(&session->freeze, stuck ? THAW_DOUBTFUL : THAW_NOTED)) {
                tell_for_worker(session);
            }
        }
        if (left <= 0) {
            usleep(TICK_MILLIS * 1000);
        }
        if (files[0].revents != 0) {
            char word;
            if (read(alive, &word, 1) == 0) {
                take_over(session);
            }
            _exit(0);
        }
    }
}

static void become_guardian(struct session *session, int alive, int ready) {
    // Not to be ended together with the worker: neither with its session, nor by its name.
    setsid();
    prctl(PR_SET_NAME, "stillpoint-thaw");
    session->role = "status.guardian";
    session->signals = catch_signals();
    char error = session->signals < 0 || !lock_in_memory() ? (char)errno : 0;
    if (write(ready, &error, 1) != 1 || error != 0) {
        _exit(1);
    }
    guard(session, alive);
}

static struct outcome await_ready(int lost) {
    struct pollfd file = {.fd = lost, .events = POLLIN};
    char error = ETIMEDOUT;
    if (poll(&file, 1, START_MILLIS_MAX) > 0 && read(lost, &error, 1) != 1) {
        error = EIO;
    }
    errno = error;
    return error == 0 ? SUCCESS : outcome_of_errno("can't be started", "the guardian");
}

struct outcome guardian_start(struct session *session, struct guardian *guardian, const struct guardian *older) {
    int alive[2], lost[2];
    *guardian = NO_GUARDIAN;
    if (pipe2(alive, O_CLOEXEC) != 0) {
        return outcome_of_errno("can't be made", "a pipe");
    }
    if (pipe2(lost, O_CLOEXEC) != 0) {
        struct outcome outcome = outcome_of_errno("can't be made", "a pipe");
        close(alive[0]);
        close(alive[1]);
        return outcome;
    }
    pid_t process = fork();
    if (process == 0) {
        close(alive[1]);
        close(lost[0]);
        // Else it would keep the older one from seeing the worker's end.
        if (older->alive >= 0) {
            close(older->alive);
            close(older->lost);
        }
        become_guardian(session, alive[0], lost[1]);
    }
    close(alive[0]);
    close(lost[1]);
    *guardian = (struct guardian){.process = process, .alive = alive[1], .lost = lost[0]};
    if (process < 0) {
        return outcome_of_errno("can't be started", "the guardian");
    }
    struct outcome outcome = await_ready(guardian->lost);
    if (outcome.code != OK) {
        kill(process, SIGKILL);
    }
    return outcome;
}

void guardian_stop(struct guardian *guardian) {
    if (guardian->alive < 0) {
        return;
    }
    // It may have ended already; then nobody reads this.
    (void)!write(guardian->alive, "", 1);
    close(guardian->alive);
    close(guardian->lost);
    if (guardian->process > 0) {
        waitpid(guardian->process, NULL, 0);
    }
    *guardian = NO_GUARDIAN;
}
