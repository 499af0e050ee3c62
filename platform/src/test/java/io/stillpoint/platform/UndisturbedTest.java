package io.stillpoint.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class UndisturbedTest {
    @Test
    void aWaitGoesOnAndTheInterruptIsKept() throws InterruptedException {
        CountDownLatch first = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        AtomicInteger interrupts = new AtomicInteger();
        AtomicInteger seen = new AtomicInteger();
        Thread waiter =
                Thread.ofPlatform()
                        .start(() -> {
                            Undisturbed.await(
                                    () -> {
                                        end.await();
                                        return true;
                                    },
                                    () -> {
                                        interrupts.incrementAndGet();
                                        first.countDown();
                                    });
                            seen.set(Thread.currentThread().isInterrupted() ? 1 : 2);
                        });
        waiter.interrupt();
        first.await();
        assertThat(waiter.isAlive()).isTrue();
        end.countDown();
        waiter.join();
        assertThat(interrupts).hasValue(1);
        assertThat(seen).hasValue(1);
    }

    @Test
    void whatRunsDoesNotSeeAnEarlierInterrupt() {
        Thread.currentThread().interrupt();
        Undisturbed.run(() -> assertThat(Thread.currentThread().isInterrupted()).isFalse());
        assertThat(Thread.interrupted()).isTrue();
    }

    @Test
    void whatAThreadOfItsOwnReturnsOrThrowsComesBack() {
        Thread.currentThread().interrupt();
        assertThat(
                        Undisturbed.onThread(
                                Threads.ofProcess(),
                                "step",
                                () -> Thread.currentThread().getName()))
                .isEqualTo("step");
        assertThat(Thread.interrupted()).isTrue();
        assertThatThrownBy(() ->
                        Undisturbed.onThread(
                                Threads.ofProcess(),
                                "step",
                                () -> {
                                    throw new IllegalStateException("why");
                                }))
                .hasMessage("why");
    }
}
