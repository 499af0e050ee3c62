package io.stillpoint.planning.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;

/// A limit over the time that one answer of the queue looks at, in milliseconds since the question. Its changes are asked
/// for as far as somebody looks, once: thousands of transfers share the courses of a few policies.
final class Course {
    static final long NEVER = Long.MAX_VALUE;

    /// Later than any forecast that means something, and still an instant.
    static final long FAR = Duration.ofDays(1_000_000).toMillis();

    private final LimitsByTime limits;
    private final Instant now;
    private final long horizon;

    private long[] starts = new long[8];
    private long[] values = new long[8];
    private int count = 1;
    private Instant last;
    private boolean whole;

    /// @param horizon after which the limit stays as it is
    Course(LimitsByTime limits, Instant now, long horizon) {
        this.limits = limits;
        this.now = now;
        this.horizon = horizon;
        this.last = now;
        values[0] = limits.at(now);
    }

    long at(long time) {
        int index = index(time);
        return values[index];
    }

    /// The first time after this one with another limit.
    long nextChange(long time) {
        int next = index(time) + 1;
        return next < count ? starts[next] : NEVER;
    }

    /// When a transfer ends for which this is the bandwidth.
    ///
    /// @param rate bytes a second that it reaches without a limit
    long end(long begin, long bytes, long rate) {
        long time = begin;
        // Thousandths of bytes, so that nothing is rounded but the end. No VM comes near to the
        // largest long of them.
        long left = bytes > Long.MAX_VALUE / 1000 ? Long.MAX_VALUE : bytes * 1000;
        while (true) {
            long speed = Math.min(rate, at(time));
            long next = nextChange(time);
            long needed = Math.ceilDiv(left, speed);
            if (needed >= FAR - time) {
                return FAR;
            }
            if (next == NEVER || time + needed <= next) {
                return time + needed;
            }
            left -= speed * (next - time);
            time = next;
        }
    }

    Instant instant(long time) {
        return time == NEVER ? Instant.MAX : now.plusMillis(time);
    }

    /// Rounded up: at that time the instant has come.
    static long millis(Instant now, Instant instant) {
        Duration far = Duration.ofMillis(FAR);
        Duration distance = Duration.between(now, instant);
        if (distance.compareTo(far) > 0) {
            return FAR;
        }
        if (distance.compareTo(far.negated()) < 0) {
            return -FAR;
        }
        return distance.getSeconds() * 1000 + Math.ceilDiv(distance.getNano(), 1_000_000);
    }

    /// The last start not after the time. Known one beyond it, if there is one.
    private int index(long time) {
        while (!whole && starts[count - 1] <= time) {
            extend();
        }
        int at = Arrays.binarySearch(starts, 0, count, time);
        return at >= 0 ? at : -at - 2;
    }

    private void extend() {
        Instant next = limits.nextChange(last);
        long start = next.equals(Instant.MAX) ? NEVER : millis(now, next);
        if (start > horizon) {
            whole = true;
            return;
        }
        last = next;
        // Two changes in one millisecond are one.
        if (start > starts[count - 1]) {
            if (count == starts.length) {
                starts = Arrays.copyOf(starts, 2 * count);
                values = Arrays.copyOf(values, 2 * count);
            }
            starts[count++] = start;
        }
        values[count - 1] = limits.at(next);
    }
}
