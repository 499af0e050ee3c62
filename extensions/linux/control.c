#include "json.h"
#include "process.h"
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { THAW_MICROS_MAX = 30000000 };

// What the status file says, as far as others than the host need it.
struct seen {
    char *bytes;
    size_t length;
    struct json_document document;
    const char *state;
};

static bool see(struct seen *seen, const struct run_folder *run) {
    *seen = (struct seen){0};
    seen->bytes = run_folder_status(run, &seen->length);
    if (seen->bytes == NULL) {
        return false;
    }
    bool read = json_parse(&seen->document, seen->bytes, seen->length);
    seen->state = read ? json_words(json_member(seen->document.root, "state")) : NULL;
    return seen->state != NULL;
}

static void forget(struct seen *seen) {
    json_free(&seen->document);
    free(seen->bytes);
}

static bool is_frozen(const char *state) {
    return strcmp(state, "freezing") == 0 || strcmp(state, "held") == 0;
}

// Whether a process makes a snapshot. Does not make a lock file.
static bool is_worked_on(const struct run_folder *run) {
    int lock = openat(run->folder, "lock", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (lock < 0) {
        return false;
    }
    bool locked = flock(lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    close(lock);
    return locked;
}

bool is_abandoned(void) {
    struct run_folder run;
    if (run_folder_open(&run, false).code != OK) {
        return false;
    }
    struct seen seen;
    bool abandoned = see(&seen, &run) && is_frozen(seen.state) && !is_worked_on(&run);
    forget(&seen);
    run_folder_close(&run);
    return abandoned;
}

// Thaws what the status file says was to be frozen: nobody lives who knows more.
static struct outcome thaw_abandoned(const struct seen *seen) {
    const struct json *mounts = json_member(json_member(seen->document.root, "freeze"), "mounts");
    struct outcome outcome = SUCCESS;
    for (const struct json *mount = mounts == NULL ? NULL : mounts->first; mount != NULL; mount = mount->next) {
        const char *name = json_words(json_member(mount, "path"));
        const char *what = json_words(json_member(mount, "outcome"));
        if (name == NULL || what == NULL || !(strcmp(what, "frozen") == 0 || strcmp(what, "") == 0)) {
            continue;
        }
        struct path path;
        int file = open(rooted(&path, name), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (file < 0 || (ioctl(file, FITHAW, 0) != 0 && errno != EINVAL)) {
            outcome = outcome_of_errno("can't be thawed", name);
        }
        if (file >= 0) {
            close(file);
        }
    }
    return outcome;
}

// Takes what an abandoned snapshot left to its end.
static struct outcome end_abandoned(struct run_folder *run, const struct seen *seen) {
    struct outcome outcome = run_folder_lock(run);
    if (outcome.code == OK) {
        outcome = thaw_abandoned(seen);
    }
    if (outcome.code == OK && unlinkat(run->folder, "status.json", 0) != 0) {
        outcome = outcome_of_errno("status.json can't be removed", run->path.bytes);
    }
    return outcome;
}

static struct outcome command_thaw(const struct run_folder *run) {
    int control = openat(run->folder, "control", O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    if (control < 0) {
        return outcome_of_errno("the control pipe can't be opened", run->path.bytes);
    }
    bool done = write_all(control, "thaw\n", 5);
    struct outcome outcome = done ? SUCCESS : outcome_of_errno("the control pipe", run->path.bytes);
    close(control);
    return outcome;
}

// Whether the state is of another task than the one that is meant.
static bool is_of_another(const struct seen *seen, const char *task) {
    const char *its = json_words(json_member(seen->document.root, "task"));
    return task != NULL && (its == NULL || strcmp(its, task) != 0);
}

static struct outcome thaw_in(struct run_folder *run, const char *task) {
    long long end = now_micros() + THAW_MICROS_MAX;
    bool told = false;
    while (now_micros() < end) {
        struct seen seen;
        bool known = see(&seen, run) && !is_of_another(&seen, task);
        bool working = is_worked_on(run);
        bool frozen = known && is_frozen(seen.state);
        // Before the freeze, too: it is told not to begin.
        bool over = !known || !(frozen || (working && strcmp(seen.state, "pre") == 0 && !told));
        struct outcome outcome = SUCCESS;
        if (!over && !working) {
            outcome = end_abandoned(run, &seen);
            over = outcome.code != BUSY;
        } else if (!over && !told) {
            outcome = command_thaw(run);
            told = outcome.code == OK;
            // Gone since the state was read, or nobody reads it any more: the next look tells.
            over = !told && outcome.number != ENOENT && outcome.number != ENXIO;
        }
        forget(&seen);
        if (over) {
            return outcome;
        }
        usleep(20000);
    }
    return outcome_of(FAILED, "it was told to thaw, and is still frozen", NULL);
}

struct outcome thaw(const char *task) {
    struct run_folder run;
    struct outcome outcome = run_folder_open(&run, task != NULL);
    if (outcome.code == FAILED && outcome.number == ENOENT) {
        return SUCCESS;
    }
    if (outcome.code == OK && task != NULL) {
        outcome = run_folder_revoke(&run, task);
    }
    if (outcome.code == OK) {
        outcome = thaw_in(&run, task);
    }
    run_folder_close(&run);
    return outcome;
}

int status(void) {
    static const char none[] = "{\"task\":\"\",\"state\":\"none\",\"held\":false,\"thawedBy\":\"\"}\n";
    struct run_folder run;
    size_t length = 0;
    char *bytes = run_folder_open(&run, false).code == OK ? run_folder_status(&run, &length) : NULL;
    run_folder_close(&run);
    bool written = bytes == NULL ? write_all(STDOUT_FILENO, none, sizeof none - 1)
                                 : write_all(STDOUT_FILENO, bytes, length);
    free(bytes);
    return !written ? DEFECT : is_abandoned() ? FAILED : OK;
}
