// The mounted file systems of this guest, and which of them are to be frozen.
#pragma once

#include "answer.h"

#include <stdbool.h>
#include <stddef.h>

enum mount_verdict {
    MOUNT_WANTED,
    MOUNT_FAILED, // can't be opened
    MOUNT_LISTED,
    MOUNT_TYPE,
    MOUNT_LOOP,
    MOUNT_DUPLICATE,
    MOUNT_READ_ONLY,
    MOUNT_HIDDEN,
};

struct mount {
    char *path;
    char *device; // as the kernel names it
    char *type;
    unsigned major, minor; // of the file system, also where it has no device of its own (btrfs)
    int id;                // of this mount
    bool read_only;        // the file system, not this way to it
    enum mount_verdict verdict;
    int error; // errno, if it failed
    int file;  // its root folder, open, if it is wanted; else -1
};

// In the order in which they were mounted; only those on devices.
struct mounts {
    struct mount *list;
    size_t count;
};

// Reads /proc/self/mountinfo and decides, opening what is wanted. Each file system is wanted once.
struct outcome mounts_open(struct mounts *mounts);

// As mounts_open, but opens nothing for longer than it takes to look.
struct outcome mounts_look(struct mounts *mounts);

void mounts_close(struct mounts *mounts);

size_t mounts_wanted(const struct mounts *mounts);
