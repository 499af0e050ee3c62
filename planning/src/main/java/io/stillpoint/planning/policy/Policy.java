package io.stillpoint.planning.policy;

import io.stillpoint.planning.queue.TransferRules;
import io.stillpoint.planning.retention.RetentionRules;
import io.stillpoint.planning.schedule.Schedule;
import java.time.Duration;

/// What is wanted of the backups of some VMs.
///
/// @param name 1 to 64 of `a-z`, `0-9` and `-`, a letter first
/// @param vault the name of the vault that keeps the points
/// @param localFor for how long a job's snapshot stays in the VM after its point was made; zero: not at all
/// @param transfer when no transfer should begin, and how fast one may be
public record Policy(
        String name,
        String vault,
        Schedule schedule,
        RetentionRules retention,
        Selection selection,
        DiskRules disks,
        Quality quality,
        Duration localFor,
        TransferRules transfer) {}
