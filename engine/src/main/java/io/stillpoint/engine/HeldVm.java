package io.stillpoint.engine;

import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.vault.Consistency;
import java.time.Instant;
import java.util.OptionalLong;

/// The VM's disks are held, and the guest runs again.
///
/// @param at the instant
/// @param consistencyReason why not better, as a code; empty if nothing is better
/// @param frozenMillis how long the guest's file systems were frozen, if they were
record HeldVm(
        HeldSnapshot snapshot,
        Instant at,
        Consistency consistency,
        String consistencyReason,
        OptionalLong frozenMillis) {}
