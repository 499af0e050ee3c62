package io.stillpoint.service.job;

import io.stillpoint.planning.queue.LimitsByTime;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Undisturbed;
import java.time.InstantSource;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Holds the threads of one transfer to a rate that depends on the time of day. Each pays for what it has read by waiting, so
/// the rate holds over a second or more, not for each read. Safe for many threads.
final class Pace {
    private static final double NANOS = 1e9;

    /// After this long a waiter looks whether the job is to stop, or another rate counts.
    private static final long LOOK_NANOS = 100_000_000;

    /// What was not used for so long may be made up for.
    private static final double SAVED_SECONDS = 0.25;

    private final Supplier<LimitsByTime> limits;
    private final InstantSource clock;
    private final Cancellation cancellation;

    /// Bytes that may be read at once; negative while they are owed.
    private double credit;

    private long settledAt = System.nanoTime();

    /// @param limits bytes a second, as they are now
    Pace(Supplier<LimitsByTime> limits, InstantSource clock, Cancellation cancellation) {
        this.limits = limits;
        this.clock = clock;
        this.cancellation = cancellation;
    }

    /// So many bytes were read. Returns when more may be. Throws a [io.stillpoint.platform.CancelledException] if the job is
    /// asked to stop meanwhile.
    void pass(long bytes) {
        long nanos = owed(bytes);
        while (nanos > 0) {
            cancellation.check();
            long step = Math.min(nanos, LOOK_NANOS);
            boolean _ =
                    Undisturbed.await(() -> {
                        TimeUnit.NANOSECONDS.sleep(step);
                        return true;
                    });
            nanos = owed(0);
        }
    }

    /// For how long to wait now.
    private synchronized long owed(long bytes) {
        long now = System.nanoTime();
        long rate = limits.get().at(clock.instant());
        if (rate == LimitsByTime.UNLIMITED) {
            credit = 0;
            settledAt = now;
            return 0;
        }
        double earned = (now - settledAt) / NANOS * rate;
        settledAt = now;
        credit = Math.min(credit + earned, rate * SAVED_SECONDS) - bytes;
        return credit >= 0 ? 0 : (long) (-credit / rate * NANOS);
    }
}
