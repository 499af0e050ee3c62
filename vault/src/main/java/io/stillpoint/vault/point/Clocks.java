package io.stillpoint.vault.point;

import java.time.Duration;
import java.time.Instant;

/// What two clocks show that know nothing of each other. Neither is trusted alone: either may leap, and whoever has the
/// store can set its clock. As long as they agree the store's counts, which all hosts share.
///
/// @param host this machine's
/// @param store that of the vault's store
public record Clocks(Instant host, Instant store) {
    /// How far apart clocks may be that agree.
    public static final Duration TOLERANCE = Duration.ofMinutes(10);

    /// By how much a lock may be too long; locks can't be taken back.
    static final Duration LOCK_ERROR_MAX = Duration.ofDays(1);

    public Duration apart() {
        return Duration.between(store, host).abs();
    }

    public boolean agree() {
        return apart().compareTo(TOLERANCE) <= 0;
    }

    /// No later than it really is, if one clock is right: what must have passed before something is deleted.
    public Instant earlier() {
        return agree() || store.isBefore(host) ? store : host;
    }

    /// No earlier than it really is, if one clock is right: what a promise to keep something counts from.
    public Instant later() {
        return agree() || store.isAfter(host) ? store : host;
    }
}
