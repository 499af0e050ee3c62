package io.stillpoint.stores.request;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Waiting;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Text;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Tries requests again when they fail for a passing reason: after exponentially growing waits of random length
/// ("full jitter"), no sooner than the server asks for, and slower for all threads while the server throttles. Safe for
/// use by many threads; one for each store.
public final class Retries {
    private static final Duration GAP_FIRST = Duration.ofMillis(20);
    private static final Duration GAP_MAX = Duration.ofSeconds(2);

    /// Below this the server is as fast as it ever was.
    private static final Duration GAP_MIN = Duration.ofMillis(1);

    private static final Duration TOLD_AGAIN_AFTER = Duration.ofSeconds(5);

    private final RetryPolicy policy;
    private final Randomness randomness;
    private long gapNanos;
    private long nextStart;
    private long lastTold;

    /// What a failure means.
    public sealed interface Verdict {
        /// To be thrown as it is.
        record Final() implements Verdict {}

        /// May pass.
        ///
        /// @param isThrottled the server asked to be spared
        /// @param after how long it wants us to wait, or null
        record Passing(boolean isThrottled, @Nullable Duration after) implements Verdict {}
    }

    /// One try of a request.
    @FunctionalInterface
    public interface Attempt<T> {
        /// @param number from 1 on; above 1, an earlier try may have had its effect without our knowing
        T run(int number);
    }

    public Retries(RetryPolicy policy, Randomness randomness) {
        this.policy = policy;
        this.randomness = randomness;
    }

    public int attempts() {
        return policy.attempts();
    }

    /// Runs an attempt until it succeeds, fails finally or was tried often enough; then throws what it failed with.
    public <T> T call(Function<RuntimeException, Verdict> judge, Attempt<T> attempt) {
        AtomicReference<@Nullable RuntimeException> latest = new AtomicReference<>();
        try (Waiting _ = Waiting.until(() -> waitedFor(latest.get()))) {
            return call(judge, attempt, latest);
        }
    }

    private <T> T call(
            Function<RuntimeException, Verdict> judge,
            Attempt<T> attempt,
            AtomicReference<@Nullable RuntimeException> latest) {
        for (int number = 1; ; number++) {
            awaitTurn();
            try {
                T result = attempt.run(number);
                succeeded();
                return result;
            } catch (RuntimeException e) {
                if (!(judge.apply(e) instanceof Verdict.Passing passing)
                        || number >= policy.attempts()) {
                    throw e;
                }
                if (passing.isThrottled()) {
                    throttled();
                }
                latest.set(e);
                sleep(delay(number, passing.after()));
            }
        }
    }

    /// What a person is told. Many threads may wait for one store at once; one of them speaks for all.
    private Text waitedFor(@Nullable RuntimeException latest) {
        synchronized (this) {
            long now = System.nanoTime();
            if (lastTold != 0 && now - lastTold < TOLD_AGAIN_AFTER.toNanos()) {
                return Text.EMPTY;
            }
            lastTold = now;
        }
        return latest == null
                ? Text.of(Retries.class, "store.awaiting-answer")
                : Text.of(Retries.class, "store.awaiting-again", Reason.of(latest));
    }

    private Duration delay(int number, @Nullable Duration asked) {
        long ceiling = policy.ceiling(number).toNanos();
        long random = ByteBuffer.wrap(randomness.bytes(Long.BYTES)).getLong();
        Duration own = Duration.ofNanos(Math.floorMod(random, ceiling + 1));
        if (asked == null || asked.compareTo(own) <= 0) {
            return own;
        }
        return asked.compareTo(policy.longest()) < 0 ? asked : policy.longest();
    }

    /// While the server throttles, requests of all threads start with a gap between them.
    private void awaitTurn() {
        long wait;
        synchronized (this) {
            if (gapNanos == 0) {
                return;
            }
            long now = System.nanoTime();
            long start = Math.max(now, nextStart);
            nextStart = start + gapNanos;
            wait = start - now;
        }
        sleep(Duration.ofNanos(wait));
    }

    private synchronized void throttled() {
        gapNanos = Math.clamp(gapNanos * 2, GAP_FIRST.toNanos(), GAP_MAX.toNanos());
        nextStart = Math.max(nextStart, System.nanoTime());
    }

    private synchronized void succeeded() {
        gapNanos -= gapNanos / 10;
        if (gapNanos < GAP_MIN.toNanos()) {
            gapNanos = 0;
        }
    }

    private static void sleep(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
    }
}
