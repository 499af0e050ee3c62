package io.stillpoint.platform;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.text.Text;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/// The listener is the process's: no other test may run beside these.
@Isolated
class WaitingTest {
    private static final Text STORE = Text.verbatim("the store");

    private final BlockingQueue<Text> told = new LinkedBlockingQueue<>();

    @AfterEach
    void nobodyListens() {
        Waiting.listen(null, Threads.ofProcess());
    }

    @Test
    void aLongWaitIsToldFromTheSecondSecondOn() throws InterruptedException {
        Waiting.listen(told::add, Threads.ofProcess());
        long begin = System.nanoTime();
        try (Waiting _ = Waiting.until(() -> STORE)) {
            assertThat(told.poll(10, TimeUnit.SECONDS)).isEqualTo(STORE);
        }
        assertThat(Duration.ofNanos(System.nanoTime() - begin))
                .isBetween(Waiting.FIRST, Duration.ofSeconds(5));
    }

    @Test
    void aShortWaitIsNotWorthAWord() throws InterruptedException {
        Waiting.listen(told::add, Threads.ofProcess());
        try (Waiting _ = Waiting.until(() -> STORE)) {
            Thread.sleep(1);
        }
        assertThat(told.poll(Waiting.FIRST.toMillis() + 300, TimeUnit.MILLISECONDS)).isNull();
    }
}
