package io.stillpoint.engine;

import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.vault.point.Consistency;
import java.time.Instant;
import java.util.OptionalLong;
import tools.jackson.databind.node.ObjectNode;

/// The VM's disks are held, and the guest runs again. Closing releases them.
///
/// @param at the instant
/// @param consistencyReason why not better, as a code; empty if nothing is better
/// @param frozenMillis how long the guest's file systems were frozen, if they were
/// @param quiescing what the guest told, for the point; empty if nothing was asked of it
record HeldVm(
        PreparedSnapshot prepared,
        HeldSnapshot snapshot,
        Instant at,
        Consistency consistency,
        String consistencyReason,
        OptionalLong frozenMillis,
        ObjectNode quiescing)
        implements AutoCloseable {
    @Override
    public void close() {
        try (prepared) {
            snapshot.close();
        }
    }
}
