// The second process of a snapshot. It does nothing but look at the clock and at the worker, and needs nothing that
// could be on a frozen disk.
#pragma once

#include "session.h"

// As the worker sees it.
struct guardian {
    pid_t process;
    int alive; // open as long as the worker lives
    int lost;  // can be read once the guardian has ended
};

#define NO_GUARDIAN ((struct guardian){.alive = -1, .lost = -1})

// Starts it and waits until it is in memory. What the session has opened so far it will thaw.
struct outcome guardian_start(struct session *session, struct guardian *guardian, const struct guardian *older);

// Lets it go: it does nothing any more.
void guardian_stop(struct guardian *guardian);
