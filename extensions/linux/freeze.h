// Freezing file systems, and thawing exactly those that were frozen here, by whichever of two processes.
#pragma once

#include "mounts.h"

#include <stdatomic.h>
#include <stdbool.h>

// The codes of Azure's extension.
enum freeze_code { FREEZE_OK = 0, FREEZE_FAILED = 121, FREEZE_LATE = 122, FREEZE_NOT_OPENED = 123 };

// Why it was thawed.
enum cause { CAUSE_NONE, CAUSE_COMMAND, CAUSE_DEADLINE, CAUSE_SIGNAL, CAUSE_GUARDIAN };

enum step { STEP_NONE, STEP_FREEZING, STEP_FROZEN, STEP_THAWING, STEP_THAWED, STEP_FAILED };

// How far one file system is; in memory that both processes share.
struct frozen {
    _Atomic int step;
    _Atomic int error;           // errno of the call that failed
    _Atomic long long frozen_at; // microseconds of now_micros, 0 if never
    _Atomic long long thawed_at;
};

// What both processes share besides.
struct freeze_shared {
    _Atomic int cause;             // the first one counts
    _Atomic long long deadline_at; // 0 before anything is frozen
    _Atomic bool lost;             // something thawed a file system that we held
};

struct freeze {
    struct mounts mounts;
    struct frozen *frozen; // shared, one for each mount
    size_t *order;         // of the wanted ones: in which they are frozen
    size_t count;
    struct freeze_shared *shared;
};

// Opens the root folder of each file system and makes room for what is to be known of it.
struct outcome freeze_open(struct freeze *freeze);

// Writes out what is not on disk yet, so that freezing is quick.
void freeze_flush(const struct freeze *freeze);

// Freezes one after the other; the deadline counts from the first. Stops when one fails, or at the deadline, or when
// there is a cause to thaw, for which `look` is called between them.
enum freeze_code freeze_all(struct freeze *freeze, long long seconds, void (*look)(void *), void *of);

enum thaw {
    THAW_NOTED,    // what is noted as frozen
    THAW_DOUBTFUL, // also what the other process is freezing or thawing, for it may have been stopped there
    THAW_ALL,      // the same, and the other process has ended: nothing is in doubt afterwards
};

// Thaws. Returns whether it thawed something.
bool thaw_all(struct freeze *freeze, enum thaw what);

// Thaws all, and waits until what the other process thaws is thawed, too.
void thaw_all_surely(struct freeze *freeze);

// Sets why, unless it is known already.
void freeze_set_cause(struct freeze_shared *shared, enum cause cause);

// Whether the deadline has passed.
bool freeze_is_late(const struct freeze_shared *shared);

void freeze_json(struct text *text, const struct freeze *freeze);
size_t freeze_json_length_max(const struct freeze *freeze);
