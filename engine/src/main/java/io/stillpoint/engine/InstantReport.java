package io.stillpoint.engine;

import io.stillpoint.vault.point.Consistency;
import java.time.Instant;
import java.util.OptionalLong;
import tools.jackson.databind.node.ObjectNode;

/// What is known of an instant at which a VM's disks were held.
///
/// @param consistencyReason why not better, as a code; empty if nothing is better
/// @param frozenMillis how long the guest's file systems were frozen, if they were
/// @param quiescing what the guest told, for the point; empty if nothing was asked of it
record InstantReport(
        Instant at,
        Consistency consistency,
        String consistencyReason,
        OptionalLong frozenMillis,
        ObjectNode quiescing) {}
