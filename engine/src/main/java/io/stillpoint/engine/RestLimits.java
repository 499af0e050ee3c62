package io.stillpoint.engine;

import java.time.Duration;

/// How long a guest may be disturbed for a snapshot.
///
/// @param freezeMax after which a frozen guest thaws by itself
/// @param scriptMax how long an attempt of one of the guest's scripts may take at most
public record RestLimits(Duration freezeMax, Duration scriptMax) {
    /// Windows lets go of writes after some ten seconds by itself.
    private static final Duration VSS_HOLD_MAX = Duration.ofSeconds(9);

    private static final Duration VSS_PREPARE_MAX = Duration.ofMinutes(3);

    public RestLimits {
        if (!freezeMax.isPositive() || !scriptMax.isPositive()) {
            throw new IllegalArgumentException("limits " + freezeMax + ", " + scriptMax);
        }
    }

    Duration vssHoldMax() {
        return freezeMax.compareTo(VSS_HOLD_MAX) < 0 ? freezeMax : VSS_HOLD_MAX;
    }

    Duration vssPrepareMax() {
        return VSS_PREPARE_MAX;
    }
}
