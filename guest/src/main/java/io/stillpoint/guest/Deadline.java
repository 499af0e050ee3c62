package io.stillpoint.guest;

import java.time.Duration;

/// A moment of the monotonic clock by which something must have happened.
record Deadline(long nanoTime) {
    static Deadline after(Duration duration) {
        return new Deadline(System.nanoTime() + duration.toNanos());
    }

    /// The earlier of this and `duration` from now.
    Deadline within(Duration duration) {
        Deadline other = after(duration);
        return other.nanoTime - nanoTime < 0 ? other : this;
    }

    /// Never negative.
    long nanosLeft() {
        return Math.max(0, nanoTime - System.nanoTime());
    }

    boolean hasPassed() {
        return nanosLeft() == 0;
    }
}
