#include "run_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { STATUS_LENGTH_MAX = 4 << 20, REVOKED_LENGTH_MAX = 256, LOCK_TRIES = 50, LOCK_PAUSE_MICROS = 20000 };

static const char *const bases[] = {"/run", "/dev/shm"};

const char *run_folder_base(void) {
    for (size_t i = 0; i < sizeof bases / sizeof *bases; i++) {
        struct path path;
        struct statfs at;
        if (statfs(rooted(&path, bases[i]), &at) == 0 && (at.f_type == TMPFS_MAGIC || at.f_type == RAMFS_MAGIC)) {
            return bases[i];
        }
    }
    return NULL;
}

// One folder of ours; /dev/shm is everybody's.
static struct outcome open_own_folder(const char *path, bool make, int *folder) {
    if (make && mkdir(path, 0700) != 0 && errno != EEXIST) {
        return outcome_of_errno("can't be made", path);
    }
    *folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat stat;
    if (*folder < 0 || fstat(*folder, &stat) != 0) {
        return outcome_of_errno("can't be opened", path);
    }
    if (stat.st_uid != files_owner() || (stat.st_mode & 022) != 0) {
        return outcome_of(FAILED, path, ": belongs to another user, or others may write it: remove it", NULL);
    }
    return SUCCESS;
}

struct outcome run_folder_open(struct run_folder *run, bool make) {
    *run = (struct run_folder){.folder = -1, .lock = -1};
    const char *base = run_folder_base();
    if (base == NULL) {
        return outcome_of(UNSUPPORTED, "neither /run nor /dev/shm is in memory", NULL);
    }
    const char *const names[] = {"/stillpoint", "/" EXTENSION};
    char absolute[64];
    struct text text = TEXT(absolute);
    text_add(&text, base);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        text_add(&text, names[i]);
        if (run->folder >= 0) {
            close(run->folder);
            run->folder = -1;
        }
        struct outcome outcome = open_own_folder(rooted(&run->path, text_words(&text)), make, &run->folder);
        if (outcome.code != OK) {
            run_folder_close(run);
            return outcome;
        }
    }
    return SUCCESS;
}

static bool lock_soon(int lock) {
    for (int i = 1; flock(lock, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK || i == LOCK_TRIES) {
            return false;
        }
        usleep(LOCK_PAUSE_MICROS);
    }
    return true;
}

struct outcome run_folder_lock(struct run_folder *run) {
    int lock = openat(run->folder, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (lock < 0) {
        return outcome_of_errno("its lock can't be made", run->path.bytes);
    }
    if (!lock_soon(lock)) {
        struct outcome outcome = errno == EWOULDBLOCK ? outcome_of(BUSY, "another one has the lock", NULL)
                                                      : outcome_of_errno("can't be locked", run->path.bytes);
        close(lock);
        return outcome;
    }
    run->lock = lock;
    return SUCCESS;
}

void run_folder_close(struct run_folder *run) {
    if (run->lock >= 0) {
        close(run->lock);
    }
    if (run->folder >= 0) {
        close(run->folder);
    }
    run->lock = run->folder = -1;
}

char *run_folder_status(const struct run_folder *run, size_t *length) {
    int file = openat(run->folder, "status.json", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) {
        return NULL;
    }
    char *bytes = read_open_file(file, STATUS_LENGTH_MAX, length);
    close(file);
    return bytes;
}

struct outcome run_folder_revoke(const struct run_folder *run, const char *task) {
    int file = openat(run->folder, "revoked", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool done = file >= 0 && write_all(file, task, strlen(task));
    struct outcome outcome = done ? SUCCESS : outcome_of_errno("can't be written", "revoked");
    if (file >= 0) {
        close(file);
    }
    return outcome;
}

bool run_folder_is_revoked(const struct run_folder *run, const char *task) {
    int file = openat(run->folder, "revoked", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    char *bytes = read_open_file(file, REVOKED_LENGTH_MAX, NULL);
    close(file);
    bool revoked = bytes != NULL && strcmp(bytes, task) == 0;
    free(bytes);
    return revoked;
}

bool run_folder_tell(const struct run_folder *run, const char *by, const char *bytes, size_t count) {
    int file = openat(run->folder, by, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) {
        return false;
    }
    bool done = write_all(file, bytes, count);
    int number = errno;
    close(file);
    errno = number;
    return done && renameat(run->folder, by, run->folder, "status.json") == 0;
}
