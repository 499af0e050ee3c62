package io.stillpoint.vault.session;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Threads;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/// An outage of the store ends no session.
final class RenewalTest {
    private static final Duration SHORT = Duration.ofMillis(1);

    @Test
    void itGoesOnAfterAnyNumberOfFailures() throws InterruptedException {
        CountDownLatch renewed = new CountDownLatch(3);
        AtomicInteger attempts = new AtomicInteger();
        try (Renewal renewal =
                new Renewal(
                        Threads.ofProcess(),
                        SHORT,
                        SHORT,
                        () -> {
                            if (attempts.incrementAndGet() % 4 != 0) {
                                throw new VaultException(Kind.STORE, "vault.missing", null, "down");
                            }
                            renewed.countDown();
                        })) {
            renewal.start();
            assertThat(renewed.await(30, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(attempts.get()).isGreaterThanOrEqualTo(12);
    }

    @Test
    void itEndsWhenClosed() throws InterruptedException {
        AtomicInteger calls = new AtomicInteger();
        CountDownLatch first = new CountDownLatch(1);
        Renewal renewal =
                new Renewal(
                        Threads.ofProcess(),
                        SHORT,
                        SHORT,
                        () -> {
                            calls.incrementAndGet();
                            first.countDown();
                        });
        renewal.start();
        assertThat(first.await(30, TimeUnit.SECONDS)).isTrue();
        renewal.close();
        renewal.join();
        int atEnd = calls.get();
        assertThat(calls.get()).isEqualTo(atEnd);
    }
}
