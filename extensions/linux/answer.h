// What a verb says in the end: one JSON object on standard output, and an exit code.
#pragma once

#include "text.h"

#include <sys/types.h>

#define EXTENSION "VMSnapshotLinux"

// The exit codes of docs/extensions.md.
enum code {
    OK = 0,
    DEFECT = 1,
    USAGE = 2,
    NOT_ROOT = 10,
    READ_ONLY = 11,
    NO_SPACE = 12,
    BUSY = 13,
    UNSUPPORTED = 15,
    BROKEN = 17,
    NOT_INSTALLED = 18,
    FAILED = 19,
    // Exit as NOT_INSTALLED, with a name of its own.
    DISABLED = 118,
};

enum { DETAIL_LENGTH = 512 };

// How something ended that can fail. `number` is an errno or 0; `detail` has what, where and why.
struct outcome {
    enum code code;
    int number;
    char detail[DETAIL_LENGTH];
};

// An outcome of several words, up to a null.
struct outcome outcome_of(enum code code, const char *words, ...) __attribute__((sentinel));

// The failed call of the system on this path, by errno: no room, read-only, or simply failed.
struct outcome outcome_of_errno(const char *what, const char *path);

#define SUCCESS ((struct outcome){.code = OK})

// Begins the answer's object, with all that every answer has.
void answer_begin(struct text *text, const char *verb, const struct outcome *outcome);

// Ends the object and writes it; returns the process's exit code.
int answer_end(struct text *text, const struct outcome *outcome);
