#include "freeze.h"

#include "files.h"
#include "process.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THAW_TRIES = 3, OTHERS_MICROS_MAX = 1000000 };

void freeze_set_cause(struct freeze_shared *shared, enum cause cause) {
    int none = CAUSE_NONE;
    atomic_compare_exchange_strong(&shared->cause, &none, cause);
}

bool freeze_is_late(const struct freeze_shared *shared) {
    long long deadline = shared->deadline_at;
    return deadline != 0 && now_micros() >= deadline;
}

// The last mounted first, as it may lie on a file or volume of one that was mounted before; `/` last of all.
static void put_in_order(struct freeze *freeze) {
    for (int round = 0; round < 2; round++) {
        for (size_t i = freeze->mounts.count; i-- > 0;) {
            const struct mount *mount = &freeze->mounts.list[i];
            bool root = strcmp(mount->path, "/") == 0;
            if (mount->verdict == MOUNT_WANTED && root == (round == 1)) {
                freeze->order[freeze->count++] = i;
            }
        }
    }
}

struct outcome freeze_open(struct freeze *freeze) {
    struct outcome outcome = mounts_open(&freeze->mounts);
    size_t count = freeze->mounts.count;
    freeze->order = calloc(count + 1, sizeof *freeze->order);
    freeze->frozen = mmap(NULL, (count + 1) * sizeof *freeze->frozen, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (freeze->order == NULL || freeze->frozen == MAP_FAILED) {
        freeze->mounts.count = 0;
        return outcome_of(FAILED, "out of memory", NULL);
    }
    put_in_order(freeze);
    return outcome;
}

void freeze_flush(const struct freeze *freeze) {
    for (size_t i = 0; i < freeze->count; i++) {
        // What can't be written is told by the freeze, which tries again.
        (void)!syncfs(freeze->mounts.list[freeze->order[i]].file);
    }
}

static enum freeze_code freeze_one(struct freeze *freeze, size_t index) {
    struct frozen *frozen = &freeze->frozen[index];
    frozen->step = STEP_FREEZING;
    if (ioctl(freeze->mounts.list[index].file, FIFREEZE, 0) != 0) {
        frozen->error = errno;
        frozen->step = STEP_FAILED;
        return FREEZE_FAILED;
    }
    frozen->frozen_at = now_micros();
    frozen->step = STEP_FROZEN;
    return FREEZE_OK;
}

enum freeze_code freeze_all(struct freeze *freeze, long long seconds, void (*look)(void *), void *of) {
    for (size_t i = 0; i < freeze->count; i++) {
        look(of);
        if (freeze->shared->cause != CAUSE_NONE) {
            return FREEZE_LATE;
        }
        if (i == 0) {
            freeze->shared->deadline_at = now_micros() + seconds * 1000000;
        }
        if (freeze_one(freeze, freeze->order[i]) != FREEZE_OK) {
            return FREEZE_FAILED;
        }
        // The guardian may have thawed the others meanwhile: it can't know of this one.
        if (freeze_is_late(freeze->shared)) {
            freeze_set_cause(freeze->shared, CAUSE_DEADLINE);
        }
    }
    return freeze->shared->cause == CAUSE_NONE ? FREEZE_OK : FREEZE_LATE;
}

static bool thaw_one(struct freeze *freeze, size_t index, enum thaw what) {
    struct frozen *frozen = &freeze->frozen[index];
    int step = STEP_FROZEN;
    bool ours = atomic_compare_exchange_strong(&frozen->step, &step, STEP_THAWING);
    // One that ended between the call and its note may have frozen it or not. Thawing what is not frozen is refused;
    // leaving what is frozen would stop the guest.
    bool perhaps = what != THAW_NOTED && (step == STEP_FREEZING || step == STEP_THAWING);
    if (!ours && !perhaps) {
        return false;
    }
    int error = 0;
    for (int i = 0; i < THAW_TRIES; i++) {
        error = ioctl(freeze->mounts.list[index].file, FITHAW, 0) == 0 ? 0 : errno;
        if (error == 0 || error == EINVAL) {
            break;
        }
    }
    if (error == EINVAL && what == THAW_DOUBTFUL && !ours) {
        // Not frozen, or not yet.
        return false;
    }
    if (ours && error != 0) {
        frozen->error = error;
        freeze->shared->lost = true;
    }
    frozen->thawed_at = now_micros();
    frozen->step = STEP_THAWED;
    return true;
}

bool thaw_all(struct freeze *freeze, enum thaw what) {
    bool thawed = false;
    for (size_t i = freeze->count; i-- > 0;) {
        thawed |= thaw_one(freeze, freeze->order[i], what);
    }
    return thawed;
}

static bool is_thawing(const struct freeze *freeze) {
    bool thawing = false;
    for (size_t i = 0; i < freeze->count; i++) {
        thawing |= freeze->frozen[freeze->order[i]].step == STEP_THAWING;
    }
    return thawing;
}

void thaw_all_surely(struct freeze *freeze) {
    thaw_all(freeze, THAW_NOTED);
    long long end = now_micros() + OTHERS_MICROS_MAX;
    while (is_thawing(freeze) && now_micros() < end) {
        usleep(1000);
    }
    thaw_all(freeze, THAW_ALL);
}

static const char *outcome_word(const struct mount *mount, const struct frozen *frozen) {
    switch (mount->verdict) {
    case MOUNT_FAILED:
        return "failed";
    case MOUNT_LISTED:
        return "skipped-listed";
    case MOUNT_TYPE:
        return "skipped-type";
    case MOUNT_LOOP:
        return "skipped-loop";
    case MOUNT_DUPLICATE:
        return "skipped-duplicate";
    case MOUNT_READ_ONLY:
        return "skipped-read-only";
    case MOUNT_HIDDEN:
        return "skipped-hidden";
    case MOUNT_WANTED:
        break;
    }
    int step = frozen->step, error = frozen->error;
    if (step == STEP_NONE || step == STEP_FREEZING) {
        return "";
    }
    return step == STEP_FAILED || (step == STEP_THAWED && error != 0 && error != EINVAL) ? "failed" : "frozen";
}

static const char *detail_words(const struct mount *mount, const struct frozen *frozen) {
    if (mount->verdict == MOUNT_FAILED) {
        return error_words(mount->error);
    }
    int error = frozen->error;
    if (error == 0) {
        return "";
    }
    if (frozen->step == STEP_FAILED) {
        return error == EBUSY        ? "somebody else has frozen it"
               : error == EOPNOTSUPP ? "this file system can't be frozen"
               : error == EPERM      ? "this process may not freeze: its capabilities or a security module forbid it"
                                     : error_words(error);
    }
    return error == EINVAL ? "somebody else thawed it" : error_words(error);
}

void freeze_json(struct text *text, const struct freeze *freeze) {
    json_begin(text, "mounts", '[');
    for (size_t i = 0; i < freeze->mounts.count; i++) {
        const struct mount *mount = &freeze->mounts.list[i];
        const struct frozen *frozen = &freeze->frozen[i];
        long long begin = frozen->frozen_at, end = frozen->thawed_at;
        json_begin(text, NULL, '{');
        json_string(text, "path", mount->path);
        json_string(text, "device", mount->device);
        json_string(text, "type", mount->type);
        json_string(text, "outcome", outcome_word(mount, frozen));
        json_string(text, "detail", detail_words(mount, frozen));
        json_number(text, "micros", begin != 0 && end != 0 ? end - begin : 0);
        json_end(text, '}');
    }
    json_end(text, ']');
}

size_t freeze_json_length_max(const struct freeze *freeze) {
    enum { REST = 256 };
    size_t length = REST;
    for (size_t i = 0; i < freeze->mounts.count; i++) {
        const struct mount *mount = &freeze->mounts.list[i];
        length += JSON_LENGTH_MAX(strlen(mount->path) + strlen(mount->device) + strlen(mount->type)) + REST;
    }
    return length;
}
