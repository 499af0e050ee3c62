// The verb `snapshot`, and what else looks at or steers one.
#pragma once

#include "session.h"

// Starts a snapshot in a process of its own and answers; returns the process's exit code.
int snapshot(const struct wishes *wishes);

// Runs pre- and post-script alone and answers.
int test_scripts(long long script_seconds_max);

// Prints status.json.
int status(void);

// Thaws as the host would, and waits until it is done. Also thaws what a snapshot left frozen whose processes were all
// killed. Success if nothing is frozen. With a task, that one alone, which also never begins from then on; null: whichever
// there is.
struct outcome thaw(const char *task);

// Whether a snapshot left file systems frozen and no process of it lives.
bool is_abandoned(void);
