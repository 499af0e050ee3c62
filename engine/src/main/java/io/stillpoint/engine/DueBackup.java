package io.stillpoint.engine;

import io.stillpoint.vault.point.RecoveryPoint;
import java.time.Instant;
import java.util.Optional;

/// Step one: what is to be backed up, and the newest point that it builds on.
///
/// @param clock what is to be thought of the time
/// @param lockedUntil before this the point can't be forgotten
record DueBackup(
        String vm,
        Instant startedAt,
        Optional<RecoveryPoint> previous,
        ClockCheck clock,
        Optional<Instant> lockedUntil) {}
