package io.stillpoint.planning.schedule;

import java.time.Duration;
import java.time.Instant;

/// One time at which a job of a VM is due.
///
/// @param due as the schedule says, the same for all its VMs
/// @param start when the job of this VM begins: later by its jitter
public record Slot(Instant due, Instant start) {
    private static final Duration TO_DEADLINE = Duration.ofHours(24);

    /// When the whole job should have ended.
    public Instant deadline() {
        return due.plus(TO_DEADLINE);
    }
}
