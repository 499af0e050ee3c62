// VMSnapshot.log beside state.json: one line for each thing that happened, at most 1 MiB and one older file.
#pragma once
#include "files.h"

namespace logfile {
/// Adds a line with the time (UTC). What can't be written is lost: the log must never stop the work.
void write(const std::string &line);
/// While writes to the disks are held lines stay in memory: a write would wait for the thaw that we are to do.
void hold();
/// Writes what was kept.
void release();
} // namespace logfile
