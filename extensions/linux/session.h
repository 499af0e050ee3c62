// One snapshot as the two processes see it that make it: the worker, which does it, and the guardian, which ends it
// should the worker not. Either can go on from where the other stopped, as all that changes is in shared memory.
#pragma once

#include "freeze.h"
#include "run_folder.h"
#include "scripts.h"

enum { TASK_LENGTH_MAX = 64 };

// What was asked for.
struct wishes {
    const char *task;
    long long deadline_seconds;
    long long script_seconds_max;
    bool scripts;
    bool freeze;
};

enum state { STATE_PRE, STATE_REFUSED, STATE_FREEZING, STATE_HELD, STATE_THAWED, STATE_POST, STATE_DONE };

struct shared {
    _Atomic int state;
    _Atomic bool refused;
    _Atomic bool was_held;
    _Atomic bool scripts_begun;
    _Atomic int freeze_code;
    char freeze_detail[DETAIL_LENGTH]; // written before the code
    struct freeze_shared freeze;
    struct script_result pre, post;
};

struct session {
    struct wishes wishes;
    struct run_folder run;
    struct scripts scripts; // private, and the same in both: read before the guardian is born
    struct freeze freeze;   // the guardian's is empty if it was born before the file systems were opened
    struct shared *shared;
    struct text status;
    const char *role; // under which name it writes
    int signals;
    int control;
    int leftover; // output of what the pre-script left running, -1 if there is none
};

// Makes the shared memory and room for the status. False with errno set.
bool session_begin(struct session *session);

// Makes room for the status with all file systems.
bool session_make_room(struct session *session);

// Whether there are scripts to run.
bool session_has_scripts(const struct session *session);

// Whether file systems are to be frozen.
bool session_freezes(const struct session *session);

// Enters a state and tells it to the host. False if that can't be written.
bool session_tell(struct session *session, enum state state);

// Notes why nothing is held.
void session_fail(struct session *session, enum freeze_code code, const char *detail);

// What comes after the thaw, or instead of the freeze: the post-script, if the pre-script was begun, and the end.
void session_finish(struct session *session);

void session_scripts_json(struct text *text, const struct session *session);
int session_scripts_code(const struct session *session);
