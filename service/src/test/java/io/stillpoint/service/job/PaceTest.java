package io.stillpoint.service.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.planning.queue.LimitsByTime;
import io.stillpoint.planning.queue.TimeWindow;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// Least times alone: a machine may be slow, but no pace may be passed over.
@Timeout(60)
class PaceTest {
    private static final long RATE = 1 << 20;
    private static final LimitsByTime BY_DAY =
            new LimitsByTime(
                    ZoneOffset.UTC,
                    LimitsByTime.UNLIMITED,
                    List.of(
                            new LimitsByTime.Limit(
                                    new TimeWindow(LocalTime.of(8, 0), LocalTime.of(18, 0)),
                                    RATE)));

    private final Cancellation cancellation = new Cancellation();
    private volatile Instant now = Instant.parse("2026-11-27T12:00:00Z");

    private Pace pace() {
        InstantSource clock = () -> now;
        return new Pace(() -> BY_DAY, clock, cancellation);
    }

    private static Duration time(Runnable work) {
        long began = System.nanoTime();
        work.run();
        return Duration.ofNanos(System.nanoTime() - began);
    }

    @Test
    void threadsTogetherKeepTheRate() {
        Pace pace = pace();
        Duration took =
                time(() -> {
                    List<Thread> threads =
                            List.of(1, 2, 3, 4).stream()
                                    .map(_ ->
                                            Thread.ofVirtual()
                                                    .start(() -> {
                                                        for (int i = 0; i < 8; i++) {
                                                            pace.pass(RATE / 32);
                                                        }
                                                    }))
                                    .toList();
                    for (Thread each : threads) {
                        try {
                            each.join();
                        } catch (InterruptedException e) {
                            throw new AssertionError(e);
                        }
                    }
                });
        // A second's bytes, less what may be made up for.
        assertThat(took).isGreaterThan(Duration.ofMillis(700));
    }

    @Test
    void whoWaitsLooksWhetherTheLimitHasEnded() {
        Pace pace = pace();
        Thread.ofVirtual()
                .start(() -> {
                    try {
                        Thread.sleep(200);
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    now = Instant.parse("2026-11-27T18:00:00Z");
                });
        // An hour's bytes.
        pace.pass(3600 * RATE);
        pace.pass(3600 * RATE);
    }

    @Test
    void jobThatIsToStopWaitsNoLonger() {
        Pace pace = pace();
        cancellation.request();
        assertThatThrownBy(() -> pace.pass(3600 * RATE)).isInstanceOf(CancelledException.class);
    }
}
