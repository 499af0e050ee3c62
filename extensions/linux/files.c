#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *root = "";
static uid_t owner = 0;

void files_move_root(const char *folder) { root = folder; }

bool files_root_is_moved(void) { return *root != 0; }

void files_be_owned_by(uid_t user) { owner = user; }

uid_t files_owner(void) { return owner; }

const char *rooted(struct path *path, const char *absolute) {
    struct text text = TEXT(path->bytes);
    text_add(&text, root);
    text_add(&text, absolute);
    if (text.full) {
        // No such path can be; opening "" fails.
        text.length = 0;
    }
    return text_words(&text);
}

const char *error_words(int number) {
    const char *words = strerrordesc_np(number);
    return words == NULL ? "unknown error" : words;
}

bool write_all(int file, const char *bytes, size_t count) {
    while (count > 0) {
        ssize_t written = write(file, bytes, count);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        bytes += written;
        count -= (size_t)written;
    }
    return true;
}

char *read_open_file(int file, size_t max, size_t *length) {
    char *bytes = malloc(max + 2);
    size_t count = 0;
    while (bytes != NULL && count <= max) {
        ssize_t more = read(file, bytes + count, max + 1 - count);
        if (more < 0 && errno == EINTR) {
            continue;
        }
        if (more < 0) {
            free(bytes);
            return NULL;
        }
        if (more == 0) {
            break;
        }
        count += (size_t)more;
    }
    if (bytes == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    if (count > max) {
        free(bytes);
        errno = EFBIG;
        return NULL;
    }
    bytes[count] = 0;
    if (length != NULL) {
        *length = count;
    }
    return bytes;
}

char *read_file(const char *path, size_t max, size_t *length) {
    // Not to wait for a writer if somebody put a pipe there.
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file < 0) {
        return NULL;
    }
    char *bytes = read_open_file(file, max, length);
    int number = errno;
    close(file);
    errno = number;
    return bytes;
}

static bool sync_folder_of(const char *path) {
    struct path folder;
    struct text text = TEXT(folder.bytes);
    text_add_bytes(&text, path, (size_t)(strrchr(path, '/') - path));
    int file = open(text_words(&text), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = file >= 0 && fsync(file) == 0;
    if (file >= 0) {
        close(file);
    }
    return done;
}

struct outcome replace_file(const char *path, const char *bytes, size_t count) {
    struct path next;
    struct text text = TEXT(next.bytes);
    text_add(&text, path);
    text_add(&text, ".new");
    text_words(&text);
    int file = open(next.bytes, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (file < 0) {
        return outcome_of_errno("can't be made", next.bytes);
    }
    bool done = write_all(file, bytes, count) && fsync(file) == 0;
    struct outcome outcome = done ? SUCCESS : outcome_of_errno("can't be written", next.bytes);
    close(file);
    if (done && (rename(next.bytes, path) != 0 || !sync_folder_of(path))) {
        outcome = outcome_of_errno("can't be put in its place", path);
    }
    if (outcome.code != OK) {
        unlink(next.bytes);
    }
    return outcome;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk) {
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path) == 0 || errno == ENOENT ? 0 : -1;
}

struct outcome remove_tree(const char *path) {
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT) {
        return outcome_of_errno("can't be removed", path);
    }
    return SUCCESS;
}

static const char *skip_blanks(const char *at) { return at + strspn(at, " \t\r"); }

static size_t length_without_blanks(const char *begin, size_t length) {
    while (length > 0 && strchr(" \t\r", begin[length - 1]) != NULL) {
        length--;
    }
    return length;
}

static bool is_section(const char *line, size_t length, const char *section) {
    size_t wanted = strlen(section);
    return length == wanted + 2 && line[0] == '[' && line[length - 1] == ']' &&
           memcmp(line + 1, section, wanted) == 0;
}

bool ini_value(const char *ini, const char *section, const char *key, char *value, size_t capacity) {
    bool here = false, found = false;
    for (const char *line = ini; *line != 0;) {
        size_t whole = strcspn(line, "\n");
        const char *begin = skip_blanks(line);
        const char *end = line + whole;
        size_t length = begin < end ? length_without_blanks(begin, (size_t)(end - begin)) : 0;
        size_t name = strcspn(begin, "=:\n");
        if (length > 0 && *begin == '[') {
            here = is_section(begin, length, section);
        } else if (here && length > 0 && strchr("#;", *begin) == NULL && name < length) {
            // Keys are the same in capital letters there, sections are not.
            size_t key_length = length_without_blanks(begin, name);
            if (key_length == strlen(key) && strncasecmp(begin, key, key_length) == 0) {
                const char *from = skip_blanks(begin + name + 1);
                size_t count = from < begin + length ? (size_t)(begin + length - from) : 0;
                count = count < capacity ? count : capacity - 1;
                memcpy(value, from, count);
                value[count] = 0;
                found = true;
            }
        }
        line = *end == 0 ? end : end + 1;
    }
    return found;
}

bool configuration_path(const char *name, struct path *path) {
    static const char *const folders[] = {"/etc/stillpoint/", "/etc/azure/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char absolute[128];
        struct text text = TEXT(absolute);
        text_add(&text, folders[i]);
        text_add(&text, name);
        struct stat stat;
        // Whatever is there counts; only if nothing is, the next folder is looked at.
        if (lstat(rooted(path, text_words(&text)), &stat) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
            return true;
        }
    }
    return false;
}
