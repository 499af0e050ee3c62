package io.stillpoint.vault;

import java.time.Duration;
import java.time.Instant;

/// Two clocks tell the time: the store's, by which its objects were made, and this machine's. Either may be wrong, or in
/// somebody else's hands. What can't be taken back happens when both say that it is time.
///
/// @param store what the store's clock shows
/// @param own what this machine's shows
record Clocks(Instant store, Instant own) {
    /// From here on a difference is told.
    private static final Duration LEAP = Duration.ofDays(1);

    static Instant earlier(Instant one, Instant other) {
        return one.isBefore(other) ? one : other;
    }

    /// The time that both have reached.
    Instant both() {
        return earlier(store, own);
    }

    /// Whether they differ by more than clocks do that are kept right.
    boolean differ() {
        return Duration.between(store, own).abs().compareTo(LEAP) > 0;
    }
}
