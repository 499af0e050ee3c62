// What a process does with itself.
#pragma once

#include <stdbool.h>
#include <sys/types.h>

// Makes sure that the three standard files are open, so that no other gets their numbers.
void have_standard_files(void);

// Closes every file but the three standard ones: what an agent left open is not ours, and it would wait for us.
void close_inherited_files(void);

// Makes the three standard files /dev/null.
bool let_go_of_standard_files(void);

// Moves this process out of the agent's control groups: when the agent ends, systemd ends all that is in them.
// Tries what it can; a guest may forbid it.
void leave_control_groups(void);

// Whether leave_control_groups will do: this process is in no group, or can leave those it is in.
bool control_groups_can_be_left(void);

// Asks the kernel never to end this process for want of memory.
void survive_memory_shortage(void);

// Blocks SIGTERM, SIGINT, SIGHUP and SIGCHLD and ignores all others that would end or stop us. Returns a file to read
// the first three from, -1 with errno set. A child needs its own.
int catch_signals(void);

// Locks all that this process has and will have in memory, and touches its stack. Should it crash, it ends at once,
// without a core dump. Not inherited by children.
bool lock_in_memory(void);

// In a child before it runs a foreign program: as if the above had not been.
void behave_as_usual(void);

// Microseconds of a clock that also runs while the guest sleeps.
long long now_micros(void);
