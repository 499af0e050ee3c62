package io.stillpoint.planning.queue;

import io.stillpoint.platform.ByteSize;
import java.time.Duration;
import java.util.List;

/// How much is left of a transfer, and how fast it goes.
///
/// @param bytesPerSecond what it reaches where no limit of its policy is lower; at least 1
public record Estimate(ByteSize left, long bytesPerSecond) {
    /// How many earlier transfers count: enough to even out one odd night, few enough to follow a VM that moved.
    static final int EARLIER_MAX = 5;

    /// For how long the estimate of before counts as if it had been measured: a transfer's first seconds tell little.
    static final Duration PRIOR = Duration.ofSeconds(30);

    /// A transfer of the same VM that has ended.
    ///
    /// @param took without the wait
    public record Earlier(ByteSize moved, Duration took) {}

    public Estimate {
        if (bytesPerSecond < 1) {
            throw new IllegalArgumentException("a rate of " + bytesPerSecond + " bytes a second");
        }
    }

    /// A transfer that waits: as fast as the latest ones of its VM were together.
    ///
    /// @param earlier newest first
    /// @param firstRate bytes a second, for a VM that has none
    public static Estimate waiting(ByteSize left, List<Earlier> earlier, long firstRate) {
        double bytes = 0;
        double seconds = 0;
        for (Earlier each : latest(earlier)) {
            bytes += each.moved().bytes();
            seconds += seconds(each.took());
        }
        return new Estimate(left, bytes > 0 && seconds > 0 ? rate(bytes, seconds) : firstRate);
    }

    /// What a transfer will move whose snapshot is not taken yet, so that nobody knows what changed: the most of the latest
    /// ones, or all that the disks hold for a first one.
    ///
    /// @param earlier newest first
    public static ByteSize expected(ByteSize disks, List<Earlier> earlier) {
        return latest(earlier).stream()
                .map(Earlier::moved)
                .max((a, b) -> Long.compare(a.bytes(), b.bytes()))
                .orElse(disks);
    }

    /// The same transfer after it has run for a while: what was measured outweighs this estimate more and more. A transfer
    /// that stalls becomes slower with each answer.
    ///
    /// @param moved since it began
    /// @param ran since then
    public Estimate running(ByteSize nowLeft, ByteSize moved, Duration ran) {
        double prior = seconds(PRIOR);
        return new Estimate(
                nowLeft, rate(moved.bytes() + bytesPerSecond * prior, seconds(ran) + prior));
    }

    private static List<Earlier> latest(List<Earlier> earlier) {
        return earlier.subList(0, Math.min(EARLIER_MAX, earlier.size()));
    }

    private static double seconds(Duration time) {
        return time.toNanos() / 1e9;
    }

    private static long rate(double bytes, double seconds) {
        return Math.max(1, (long) (bytes / seconds));
    }
}
