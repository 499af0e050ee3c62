package io.stillpoint.planning.schedule;

import java.time.Duration;
import java.time.Instant;

/// One job of a VM, as its schedule asks for it.
///
/// @param due as the schedule says; the same for all VMs
/// @param start when this VM's job starts: due, and the jitter of the VM later
public record Slot(Instant due, Instant start) {
    private static final Duration UNTIL_DEADLINE = Duration.ofHours(24);

    public Slot {
        if (start.isBefore(due)) {
            throw new IllegalArgumentException("start " + start + " before due " + due);
        }
    }

    /// When the job has to be done: 24 hours after it is due, whatever the jitter.
    public Instant deadline() {
        return due.plus(UNTIL_DEADLINE);
    }
}
