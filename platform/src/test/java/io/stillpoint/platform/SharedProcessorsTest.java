package io.stillpoint.platform;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Processors.Party;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/// The clock is the test's: it moves when a unit is done, so that shares are exact on any machine.
@Timeout(60)
class SharedProcessorsTest {
    private static final long UNIT = 1_000_000;

    private final AtomicLong clock = new AtomicLong();
    private final List<String> units = Collections.synchronizedList(new ArrayList<>());
    private final List<Thread> threads = new ArrayList<>();

    @Test
    void jobsGetTheSameTimeHoweverManyThreadsTheyHave() throws InterruptedException {
        Processors processors = new Processors(1, clock::get);
        CountDownLatch gate = new CountDownLatch(1);
        Party large = processors.party();
        for (int i = 0; i < 100; i++) {
            start(processors, large, gate, "large", 10);
        }
        start(processors, processors.party(), gate, "small", 100);
        holdUntil(processors, 101, gate);
        join();
        // Of the first 180 both had work left.
        assertThat(units.subList(0, 180).stream().filter("small"::equals).count())
                .isBetween(88L, 92L);
        assertThat(units).hasSize(1100);
    }

    @Test
    void longUnitsGetNoMoreTimeThanShortOnes() throws InterruptedException {
        Processors processors = new Processors(1, clock::get);
        CountDownLatch gate = new CountDownLatch(1);
        Party slow = processors.party();
        Party quick = processors.party();
        threads.add(
                Thread.ofPlatform()
                        .start(() -> {
                            await(gate);
                            processors.new Turn(slow)
                                    .run(() -> unitsOf(processors, "slow", 20, 10 * UNIT));
                        }));
        threads.add(
                Thread.ofPlatform()
                        .start(() -> {
                            await(gate);
                            processors.new Turn(quick)
                                    .run(() -> unitsOf(processors, "quick", 200, UNIT));
                        }));
        holdUntil(processors, 2, gate);
        join();
        List<String> whileBoth =
                units.subList(0, Math.min(units.lastIndexOf("slow"), units.lastIndexOf("quick")));
        long slows = whileBoth.stream().filter("slow"::equals).count();
        long quicks = whileBoth.stream().filter("quick"::equals).count();
        assertThat(quicks).isBetween(10 * slows - 11, 10 * slows + 11);
    }

    /// Jobs that have run for long wait too; the new one goes before them.
    @Test
    void theFirstUnitOfANewJobIsTheNext() throws InterruptedException {
        Processors processors = new Processors(1, clock::get);
        CountDownLatch gate = new CountDownLatch(1);
        CountDownLatch inUnit = new CountDownLatch(1);
        CountDownLatch unit = new CountDownLatch(1);
        for (String old : List.of("a", "b", "c")) {
            threads.add(
                    Thread.ofPlatform()
                            .start(() -> {
                                await(gate);
                                processors.new Turn(processors.party())
                                        .run(() -> {
                                            unitsOf(processors, old, 50, UNIT);
                                            if (inUnit.getCount() > 0) {
                                                inUnit.countDown();
                                                await(unit);
                                            }
                                            unitsOf(processors, old, 50, UNIT);
                                        });
                            }));
        }
        holdUntil(processors, 3, gate);
        inUnit.await();
        awaitWaiting(processors, 2);
        threads.add(
                Thread.ofPlatform()
                        .start(() ->
                                processors.new Turn(processors.party())
                                        .run(() -> unitsOf(processors, "new", 1, UNIT))));
        awaitWaiting(processors, 3);
        units.clear();
        unit.countDown();
        join();
        assertThat(units.getFirst()).isEqualTo("new");
        assertThat(units.subList(0, 10)).contains("a", "b", "c");
    }

    @Test
    void aWaitLeavesTheProcessorToOthers() throws InterruptedException {
        Processors processors = new Processors(1, clock::get);
        CountDownLatch asked = new CountDownLatch(1);
        CountDownLatch answer = new CountDownLatch(1);
        threads.add(
                Thread.ofPlatform()
                        .start(() ->
                                processors.new Turn(processors.party())
                                        .run(() ->
                                                Processors.aside(() -> {
                                                    asked.countDown();
                                                    // Inside a wait it is no turn that is let go.
                                                    Processors.aside(() -> await(answer));
                                                    Processors.pass();
                                                }))));
        asked.await();
        processors.new Turn(processors.party()).run(() -> unitsOf(processors, "other", 3, UNIT));
        answer.countDown();
        join();
        assertThat(units).containsOnly("other").hasSize(3);
    }

    /// Who comes back from a wait may hold what the one computing waits for.
    @Test
    void nobodyWaitsForATurnWithALockHeld() throws InterruptedException {
        Processors processors = new Processors(1, clock::get);
        Object lock = new Object();
        CountDownLatch locked = new CountDownLatch(1);
        CountDownLatch answer = new CountDownLatch(1);
        threads.add(
                Thread.ofPlatform()
                        .start(() ->
                                processors.new Turn(processors.party())
                                        .run(() -> {
                                            synchronized (lock) {
                                                Processors.aside(() -> {
                                                    locked.countDown();
                                                    await(answer);
                                                });
                                                units.add("first");
                                            }
                                        })));
        locked.await();
        Thread second =
                Thread.ofPlatform()
                        .start(() ->
                                processors.new Turn(processors.party())
                                        .run(() -> {
                                            synchronized (lock) {
                                                units.add("second");
                                            }
                                        }));
        threads.add(second);
        while (second.getState() != Thread.State.BLOCKED) {
            Thread.onSpinWait();
        }
        answer.countDown();
        join();
        assertThat(units).containsExactly("first", "second");
    }

    @Test
    void whoIsToStopDoesNotWaitForATurn() throws InterruptedException {
        Processors processors = new Processors(1, clock::get);
        CountDownLatch held = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        threads.add(
                Thread.ofPlatform()
                        .start(() ->
                                processors.new Turn(processors.party())
                                        .run(() -> {
                                            held.countDown();
                                            await(end);
                                        })));
        held.await();
        AtomicInteger seen = new AtomicInteger();
        Thread waiter =
                Thread.ofPlatform()
                        .start(() ->
                                processors.new Turn(processors.party())
                                        .run(() ->
                                                seen.set(
                                                        Thread.currentThread().isInterrupted()
                                                                ? 1
                                                                : 2)));
        awaitWaiting(processors, 1);
        waiter.interrupt();
        waiter.join();
        assertThat(seen).hasValue(1);
        end.countDown();
        join();
        // And the count is right afterwards: two can't compute at once.
        processors.new Turn(processors.party())
                .run(() -> {
                    Thread other =
                            Thread.ofPlatform()
                                    .start(() ->
                                            processors.new Turn(processors.party())
                                                    .run(() -> units.add("late")));
                    threads.add(other);
                    awaitWaiting(processors, 1);
                    assertThat(units).isEmpty();
                });
        join();
        assertThat(units).containsExactly("late");
    }

    private void start(
            Processors processors, Party party, CountDownLatch gate, String name, int count) {
        threads.add(
                Thread.ofPlatform()
                        .start(() -> {
                            await(gate);
                            processors.new Turn(party)
                                    .run(() -> unitsOf(processors, name, count, UNIT));
                        }));
    }

    private void unitsOf(Processors processors, String name, int count, long nanos) {
        for (int i = 0; i < count; i++) {
            Processors.pass();
            units.add(name);
            clock.addAndGet(nanos);
        }
        assertThat(processors.waiting()).isNotNegative();
    }

    /// Opens the gate and computes until so many are in line behind it.
    private static void holdUntil(Processors processors, int count, CountDownLatch gate) {
        processors.new Turn(processors.party())
                .run(() -> {
                    gate.countDown();
                    awaitWaiting(processors, count);
                });
    }

    private static void awaitWaiting(Processors processors, int count) {
        while (processors.waiting() < count) {
            Thread.onSpinWait();
        }
    }

    private void join() throws InterruptedException {
        for (Thread thread : threads) {
            thread.join(TimeUnit.SECONDS.toMillis(30));
            assertThat(thread.isAlive()).isFalse();
        }
    }

    private static void await(CountDownLatch latch) {
        Undisturbed.await(() -> {
            latch.await();
            return true;
        });
    }
}
