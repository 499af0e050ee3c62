// Files and folders, below a root that tests may move.
#pragma once

#include "answer.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

// For tests: everything is below this folder, and this user stands for root.
void files_move_root(const char *root);
bool files_root_is_moved(void);
void files_be_owned_by(uid_t owner);

// Who must own what we trust: root.
uid_t files_owner(void);

// A path below the root. The array is the caller's, and returned.
struct path {
    char bytes[PATH_MAX];
};
const char *rooted(struct path *path, const char *absolute);

// The words of an errno. Unlike strerror it loads nothing and allocates nothing.
const char *error_words(int number);

bool write_all(int file, const char *bytes, size_t count);

// A whole file of at most `max` bytes with a zero byte behind it, which the caller frees; null with errno set, EFBIG
// if it is longer. `length` may be null.
char *read_file(const char *path, size_t max, size_t *length);
char *read_open_file(int file, size_t max, size_t *length);

// Replaces a file, durably.
struct outcome replace_file(const char *path, const char *bytes, size_t count);

// Removes a file or a folder with all in it, within its file system. Success if there is none.
struct outcome remove_tree(const char *path);

// The value of a key in a section of a text in the manner of Python's configparser; false if there is none. Blanks
// around it are cut off; longer ones are cut.
bool ini_value(const char *ini, const char *section, const char *key, char *value, size_t capacity);

enum { CONFIGURATION_LENGTH_MAX = 64 << 10 };

// Where a configuration file of this name is: below /etc/stillpoint, else /etc/azure. False if in neither.
bool configuration_path(const char *name, struct path *path);
