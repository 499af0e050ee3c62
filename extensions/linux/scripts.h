// The scripts of the guest's administrator that run before the freeze and after the thaw.
#pragma once

#include "answer.h"
#include "files.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

// The codes of Azure's extension.
enum script_code {
    SCRIPT_OK = 0,
    PRE_FAILED = 300,
    POST_FAILED = 301,
    PRE_MISSING = 302,
    POST_MISSING = 303,
    HOST_FILE_WRONG = 304,
    CONFIGURATION_WRONG = 305,
    PRE_NOT_SAFE = 306,
    POST_NOT_SAFE = 307,
    PRE_TIMEOUT = 308,
    POST_TIMEOUT = 309,
    HOST_FILE_UNREADABLE = 313,
    HOST_FILE_NOT_SAFE = 314,
    CONFIGURATION_MISSING = 316,
    CONFIGURATION_NOT_SAFE = 317,
};

enum { SCRIPT_SECONDS_MAX = 1800, SCRIPT_OUTPUT_MAX = 16 << 10 };

struct script {
    char **command; // /bin/sh, the script, its arguments, null; null if there is no such script
    long long retries;
};

// What the configuration says. Only with code 0 there is anything to run.
struct scripts {
    struct path configuration; // empty if there is none
    int code;
    char detail[DETAIL_LENGTH];
    bool continue_on_failure;
    bool freeze_enabled;
    long long seconds; // for each attempt
    struct script pre, post;
};

// Whether a script is named at all.
bool scripts_name_any(const struct scripts *scripts);

// Whether the code is a mistake in the scripts themselves. With any other it is not known what their owner wants.
bool scripts_are_wrong(const struct scripts *scripts);

// Reads and checks all there is. `seconds_max` is a further limit for each attempt.
void scripts_read(struct scripts *scripts, long long seconds_max);

// What became of a script; in memory that several processes share.
struct script_result {
    _Atomic pid_t process; // of the attempt that runs, 0 between
    bool ran;
    int attempts;
    int exit; // of the last attempt; 128 and the signal's number if a signal ended it
    int code;
    long long millis; // all attempts
    char output[SCRIPT_OUTPUT_MAX];
    size_t length;
    bool cut;
};

// Runs a script until it succeeds, or no retry is left, or `stop` can be read (-1: never), and kills what does not end
// in its time, with all it started. SIGCHLD must be blocked, and this process the reaper of orphans.
//
// Returns a file from which what processes that the script left behind say must still be read, so that they are not
// ended by a broken pipe; -1 if there are none.
int script_run(const struct script *script, long long seconds, int code_failed, int code_timeout, int stop,
               struct script_result *result);

void script_result_json(struct text *text, const char *key, const struct script *script,
                        const struct script_result *result);
