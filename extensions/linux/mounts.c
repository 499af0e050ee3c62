#include "mounts.h"

#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { MOUNTINFO_LENGTH_MAX = 16 << 20, SKIP_LENGTH_MAX = 8192, LOOP_MAJOR = 7 };

// The kernel writes blanks, tabs, line ends and backslashes as three octal digits.
static void decode(char *name) {
    char *to = name;
    for (const char *at = name; *at != 0; to++) {
        if (at[0] == '\\' && strspn(at + 1, "01234567") >= 3) {
            *to = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
            at += 4;
        } else {
            *to = *at++;
        }
    }
    *to = 0;
}

static bool has_option(const char *options, const char *wanted) {
    size_t length = strlen(wanted);
    for (const char *at = options; *at != 0; at += strspn(at, ",")) {
        size_t next = strcspn(at, ",");
        if (next == length && memcmp(at, wanted, length) == 0) {
            return true;
        }
        at += next;
    }
    return false;
}

// A line as proc_pid_mountinfo(5) has it:
// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
// The words of the mount point into the line.
static bool parse_line(char *line, struct mount *mount) {
    char *rest, *separator = strstr(line, " - ");
    if (separator == NULL || sscanf(line, "%d %*d %u:%u", &mount->id, &mount->major, &mount->minor) != 3) {
        return false;
    }
    *separator = 0;
    strtok_r(line, " ", &rest);
    for (int i = 0; i < 3; i++) {
        strtok_r(NULL, " ", &rest);
    }
    mount->path = strtok_r(NULL, " ", &rest);
    mount->type = strtok_r(separator + 3, " ", &rest);
    mount->device = strtok_r(NULL, " ", &rest);
    const char *options = strtok_r(NULL, " ", &rest);
    if (mount->path == NULL || mount->device == NULL) {
        return false;
    }
    decode(mount->path);
    decode(mount->device);
    mount->read_only = options != NULL && has_option(options, "ro");
    mount->file = -1;
    return true;
}

// Sends strings of the text that was read into memory of their own.
static bool keep_words(struct mount *mount) {
    mount->path = strdup(mount->path);
    mount->device = strdup(mount->device);
    mount->type = strdup(mount->type);
    return mount->path != NULL && mount->device != NULL && mount->type != NULL;
}

static struct outcome read_mountinfo(struct mounts *mounts) {
    struct path path;
    char *rest, *text = read_file(rooted(&path, "/proc/self/mountinfo"), MOUNTINFO_LENGTH_MAX, NULL);
    if (text == NULL) {
        return outcome_of_errno("can't be read", path.bytes);
    }
    size_t lines = 1;
    for (const char *at = text; *at != 0; at++) {
        lines += *at == '\n';
    }
    mounts->list = calloc(lines, sizeof *mounts->list);
    bool enough = mounts->list != NULL;
    for (char *line = strtok_r(text, "\n", &rest); enough && line != NULL; line = strtok_r(NULL, "\n", &rest)) {
        struct mount *mount = &mounts->list[mounts->count];
        // The rest is the kernel's own, in memory, or elsewhere in the network.
        if (parse_line(line, mount) && strncmp(mount->device, "/dev/", 5) == 0) {
            enough = keep_words(mount);
            mounts->count++;
        }
    }
    free(text);
    return enough ? SUCCESS : outcome_of(FAILED, "out of memory", NULL);
}

// MountsToSkip, a list with commas; empty if there is none.
static void read_skip_list(char list[SKIP_LENGTH_MAX]) {
    struct path path;
    list[0] = 0;
    if (!configuration_path("vmbackup.conf", &path)) {
        return;
    }
    char *ini = read_file(path.bytes, CONFIGURATION_LENGTH_MAX, NULL);
    if (ini != NULL) {
        ini_value(ini, "SnapshotThread", "MountsToSkip", list, SKIP_LENGTH_MAX);
        free(ini);
    }
}

static size_t length_without_slash(const char *path, size_t length) {
    return length > 1 && path[length - 1] == '/' ? length - 1 : length;
}

static bool is_listed(const char *list, const char *path) {
    for (const char *at = list; *at != 0;) {
        at += strspn(at, ", \t");
        size_t whole = strcspn(at, ",");
        size_t length = whole;
        while (length > 0 && strchr(" \t", at[length - 1]) != NULL) {
            length--;
        }
        length = length_without_slash(at, length);
        if (length > 0 && length == strlen(path) && memcmp(at, path, length) == 0) {
            return true;
        }
        at += whole;
    }
    return false;
}

// What the list of mounts alone tells.
static enum mount_verdict verdict_by_name(const struct mount *mount, const char *skip_list) {
    static const char *const types[] = {"ext3", "ext4", "xfs", "btrfs"};
    bool known = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        known |= strcmp(mount->type, types[i]) == 0;
    }
    if (is_listed(skip_list, mount->path)) {
        return MOUNT_LISTED;
    }
    if (!known) {
        return MOUNT_TYPE;
    }
    // A partition of a loop device has another major number.
    if (mount->major == LOOP_MAJOR || strncmp(mount->device, "/dev/loop", 9) == 0) {
        return MOUNT_LOOP;
    }
    return mount->read_only ? MOUNT_READ_ONLY : MOUNT_WANTED;
}

// Whether what was opened is this mount, not another one on top of it or of a folder on its way.
static bool is_this_mount(int file, const struct stat *stat, const struct mount *mount) {
    struct {
        struct file_handle handle;
        unsigned char bytes[MAX_HANDLE_SZ];
    } handle = {.handle = {.handle_bytes = MAX_HANDLE_SZ}};
    int id;
    if (name_to_handle_at(file, "", &handle.handle, &id, AT_EMPTY_PATH) == 0 || errno == EOVERFLOW) {
        return id == mount->id;
    }
    // A guest that forbids this call. A file of btrfs has the device number of its subvolume, which no list tells.
    struct statfs at;
    if (strcmp(mount->type, "btrfs") == 0) {
        return fstatfs(file, &at) == 0 && at.f_type == BTRFS_SUPER_MAGIC;
    }
    return stat->st_dev == makedev(mount->major, mount->minor);
}

static enum mount_verdict open_mount(struct mount *mount) {
    struct path path;
    struct stat stat;
    rooted(&path, mount->path);
    int file = open(path.bytes, O_PATH | O_CLOEXEC);
    if (file < 0) {
        mount->error = errno;
        return errno == ENOENT || errno == ENOTDIR ? MOUNT_HIDDEN : MOUNT_FAILED;
    }
    bool there = fstat(file, &stat) == 0 && is_this_mount(file, &stat, mount);
    close(file);
    // Single files may be mounted, too. Opening a device would wake that, not its file system.
    if (!there || !(S_ISDIR(stat.st_mode) || S_ISREG(stat.st_mode))) {
        return MOUNT_HIDDEN;
    }
    mount->file = open(path.bytes, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (mount->file < 0) {
        mount->error = errno;
        return MOUNT_FAILED;
    }
    return MOUNT_WANTED;
}

static bool is_wanted_before(const struct mounts *mounts, size_t index) {
    const struct mount *mount = &mounts->list[index];
    for (size_t i = 0; i < index; i++) {
        const struct mount *other = &mounts->list[i];
        if (other->verdict == MOUNT_WANTED && other->major == mount->major && other->minor == mount->minor) {
            return true;
        }
    }
    return false;
}

struct outcome mounts_open(struct mounts *mounts) {
    char skip_list[SKIP_LENGTH_MAX];
    *mounts = (struct mounts){0};
    struct outcome outcome = read_mountinfo(mounts);
    read_skip_list(skip_list);
    for (size_t i = 0; outcome.code == OK && i < mounts->count; i++) {
        struct mount *mount = &mounts->list[i];
        mount->verdict = verdict_by_name(mount, skip_list);
        if (mount->verdict == MOUNT_WANTED) {
            mount->verdict = is_wanted_before(mounts, i) ? MOUNT_DUPLICATE : open_mount(mount);
        }
    }
    return outcome;
}

struct outcome mounts_look(struct mounts *mounts) {
    struct outcome outcome = mounts_open(mounts);
    for (size_t i = 0; i < mounts->count; i++) {
        if (mounts->list[i].file >= 0) {
            close(mounts->list[i].file);
            mounts->list[i].file = -1;
        }
    }
    return outcome;
}

void mounts_close(struct mounts *mounts) {
    for (size_t i = 0; i < mounts->count; i++) {
        struct mount *mount = &mounts->list[i];
        if (mount->file >= 0) {
            close(mount->file);
        }
        free(mount->path);
        free(mount->device);
        free(mount->type);
    }
    free(mounts->list);
    *mounts = (struct mounts){0};
}

size_t mounts_wanted(const struct mounts *mounts) {
    size_t count = 0;
    for (size_t i = 0; i < mounts->count; i++) {
        count += mounts->list[i].verdict == MOUNT_WANTED;
    }
    return count;
}
