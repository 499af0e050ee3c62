// The folder in memory through which a snapshot is steered and watched, and its files:
//   lock         held by the processes that make a snapshot, by flock(2)
//   control      a pipe with a name: takes the line `thaw`
//   revoked      the task that was called off last
//   status.json  see docs/extensions.md; only ever replaced as a whole
#pragma once

#include "answer.h"
#include "files.h"

#include <stdbool.h>

struct run_folder {
    struct path path;
    int folder; // open, -1 if there is none
    int lock;   // open and locked by us, else -1
};

// Finds or makes the folder. UNSUPPORTED if there is no file system in memory.
struct outcome run_folder_open(struct run_folder *run, bool make);

// Takes the lock: BUSY if another process has it, and does not end within a second: the host is told of a snapshot's
// end a moment before the lock is free.
struct outcome run_folder_lock(struct run_folder *run);

void run_folder_close(struct run_folder *run);

// Where there is a file system in memory; null if nowhere.
const char *run_folder_base(void);

// status.json, which the caller frees; null with errno set.
char *run_folder_status(const struct run_folder *run, size_t *length);

// Calls a task off: from then on it does not begin. What has begun must be told, too.
struct outcome run_folder_revoke(const struct run_folder *run, const char *task);
bool run_folder_is_revoked(const struct run_folder *run, const char *task);

// Replaces status.json by way of a file of this name. Allocates nothing.
bool run_folder_tell(const struct run_folder *run, const char *by, const char *bytes, size_t count);
