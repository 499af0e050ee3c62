package io.stillpoint.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class JobShareTest {
    private static final long MIB = 1 << 20;

    /// 160 MiB of it are for buffers.
    private static final long HEAP = MemoryBudget.RESERVE + 200 * MIB;

    private final AtomicLong clock = new AtomicLong();
    private final ProcessResources process =
            new ProcessResources(
                    Threads.ofProcess(),
                    new Processors(4, clock::get),
                    MemoryBudget.ofHeap(HEAP),
                    clock::get);
    private final MemoryBudget memory = process.memory();
    private final Cancellation none = new Cancellation();
    private final List<Thread> threads = new ArrayList<>();
    private final List<String> order = Collections.synchronizedList(new ArrayList<>());
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    @Test
    void jobsAreLetInAsTheyCame() throws Exception {
        try (JobShare first = process.begin(100 * MIB, none)) {
            start(() -> enter("large", 155 * MIB));
            await(() -> memory.queued() == 1);
            // There would be room, but a large one that waits must not wait for ever. The two don't
            // fit in together, so they tell of it in the order in which they are let in.
            start(() -> enter("small", 10 * MIB));
            await(() -> memory.queued() == 2);
            assertThat(order).isEmpty();
            first.close();
        }
        join();
        assertThat(order).containsExactly("large", "small");
        assertThat(memory.taken()).isZero();
    }

    @Test
    void whoIsAloneIsLetInWithWhateverItNeeds() {
        try (JobShare job = process.begin(1000 * MIB, none)) {
            assertThat(memory.free()).isZero();
            try (MemoryBudget.Shares shares = job.take(3, 5, 300 * MIB)) {
                assertThat(shares.count()).isEqualTo(3);
            }
        }
    }

    @Test
    void aWaitingJobCanBeCancelledAndLeavesNothing() throws Exception {
        Cancellation cancellation = new Cancellation();
        try (JobShare _ = process.begin(160 * MIB, none)) {
            start(() ->
                    assertThatThrownBy(() -> process.begin(10 * MIB, cancellation))
                            .isInstanceOf(CancelledException.class));
            await(() -> memory.queued() == 1);
            cancellation.request();
            join();
            assertThat(memory.queued()).isZero();
            assertThat(memory.taken()).isEqualTo(160 * MIB);
        }
    }

    @Test
    void aWaitingJobCanBeInterrupted() throws Exception {
        try (JobShare _ = process.begin(160 * MIB, none)) {
            start(() -> {
                assertThatThrownBy(() -> process.begin(10 * MIB, none))
                        .isInstanceOf(CancelledException.class);
                assertThat(Thread.interrupted()).isTrue();
            });
            await(() -> memory.queued() == 1);
            threads.getFirst().interrupt();
            join();
        }
        assertThat(memory.taken()).isZero();
    }

    @Test
    void insideAJobNothingWaits() throws Exception {
        try (JobShare first = process.begin(80 * MIB, none);
                JobShare second = process.begin(80 * MIB, none)) {
            start(() -> enter("third", 80 * MIB));
            await(() -> memory.queued() == 1);
            try (MemoryBudget.Shares least = first.take(2, 5, 40 * MIB);
                    MemoryBudget.Shares other = second.take(1, 5, 40 * MIB)) {
                assertThat(least.count()).isEqualTo(2);
                assertThat(least.grow()).isFalse();
                assertThat(least.mustShrink()).isFalse();
                assertThat(other.count())
                        .as("what else is set aside is for other parts of the job")
                        .isEqualTo(1);
                assertThat(memory.taken()).isEqualTo(160 * MIB);
            }
            assertThat(memory.taken()).isEqualTo(160 * MIB);
        }
        join();
        assertThat(order).containsExactly("third");
        assertThat(memory.taken()).isZero();
    }

    @Test
    void buffersBeyondTheLeastAreGivenBackWhenAJobWaits() throws Exception {
        try (JobShare first = process.begin(40 * MIB, none)) {
            MemoryBudget.Shares buffers = first.take(1, 4, 40 * MIB);
            assertThat(buffers.count()).isEqualTo(4);
            assertThat(buffers.mustShrink()).isFalse();
            start(() -> enter("other", 80 * MIB));
            await(() -> memory.queued() == 1);
            while (buffers.mustShrink()) {
                buffers.shrink();
            }
            join();
            assertThat(order).containsExactly("other");
            assertThat(buffers.count()).isEqualTo(2);
            buffers.close();
        }
        assertThat(memory.taken()).isZero();
    }

    @Test
    void workersEndForAJobThatWaitsAndStartAgainAfterwards() throws Exception {
        AtomicInteger working = new AtomicInteger();
        CountDownLatch end = new CountDownLatch(1);
        start(() -> {
            try (JobShare large = process.begin(40 * MIB, none)) {
                large.work(new Crew("large", 4, 40 * MIB), worker -> units(working, worker, end));
            }
        });
        await(() -> working.get() == 4);
        try (JobShare _ = process.begin(100 * MIB, none)) {
            // It was let in since all but one had ended.
            await(() -> working.get() == 1);
        }
        await(() -> working.get() == 4);
        end.countDown();
        join();
        assertThat(memory.taken()).isZero();
    }

    @Test
    void aJobWithOneWorkerGetsAsManyAsTheOther() throws Exception {
        AtomicInteger first = new AtomicInteger();
        AtomicInteger second = new AtomicInteger();
        CountDownLatch end = new CountDownLatch(1);
        start(() -> crew(first, end));
        await(() -> first.get() == 8);
        start(() -> crew(second, end));
        await(() -> first.get() == 4 && second.get() == 4);
        end.countDown();
        join();
        assertThat(memory.taken()).isZero();
    }

    private void crew(AtomicInteger working, CountDownLatch end) {
        try (JobShare job = process.begin(20 * MIB, none)) {
            job.work(new Crew("crew", 16, 20 * MIB), worker -> units(working, worker, end));
        }
    }

    /// What a large job has begun with it does not keep to its end.
    @Test
    void whoHasHadItsTimeLetsOthersInAndGoesOnLater() throws Exception {
        AtomicInteger left = new AtomicInteger(1000);
        AtomicInteger rests = new AtomicInteger();
        Set<Integer> done = ConcurrentHashMap.newKeySet();
        start(() -> {
            try (JobShare large = process.begin(160 * MIB, none)) {
                large.work(
                        new Crew("large", 4, 160 * MIB).resting(rests::incrementAndGet),
                        worker -> {
                            int unit;
                            while (worker.goesOn() && (unit = left.decrementAndGet()) >= 0) {
                                assertThat(done.add(unit)).isTrue();
                                if (unit == 900) {
                                    await(() -> memory.queued() == 2);
                                }
                                clock.addAndGet(TimeUnit.MILLISECONDS.toNanos(100));
                            }
                        });
                assertThat(done).hasSize(1000);
                order.add("large");
            }
        });
        await(() -> left.get() < 1000);
        start(() -> enter("small", 10 * MIB));
        start(() -> enter("small", 10 * MIB));
        join();
        assertThat(order).containsExactly("small", "small", "large");
        assertThat(rests.get()).isEqualTo(1);
        assertThat(memory.taken()).isZero();
    }

    @Test
    void fiftyJobsAtOnceEndAndNeverHaveMoreThanThereIs() throws Exception {
        AtomicInteger ended = new AtomicInteger();
        AtomicLong most = new AtomicLong();
        for (int i = 0; i < 50; i++) {
            start(() -> {
                AtomicInteger left = new AtomicInteger(40);
                try (JobShare job = process.begin(70 * MIB, none);
                        MemoryBudget.Shares buffers = job.take(1, 3, 30 * MIB)) {
                    job.work(
                            new Crew("job", 4, 40 * MIB),
                            worker -> {
                                while (worker.goesOn() && left.getAndDecrement() > 0) {
                                    most.accumulateAndGet(memory.taken(), Math::max);
                                    clock.addAndGet(TimeUnit.MILLISECONDS.toNanos(50));
                                    while (buffers.mustShrink()) {
                                        buffers.shrink();
                                    }
                                }
                            });
                    ended.incrementAndGet();
                }
            });
        }
        join();
        assertThat(ended).hasValue(50);
        assertThat(most.get()).isBetween(100 * MIB, 160 * MIB);
        assertThat(memory.taken()).isZero();
    }

    @Test
    void theFirstFailureEndsAllAndIsThrown() {
        try (JobShare job = process.begin(10 * MIB, none)) {
            CountDownLatch never = new CountDownLatch(1);
            assertThatThrownBy(() ->
                            job.work(
                                    new Crew("crew", 4, 10 * MIB).beside(never::await),
                                    worker -> {
                                        if (order.size() < 3) {
                                            order.add("waits");
                                            never.await();
                                        }
                                        throw new IllegalStateException("mine");
                                    }))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("mine");
        }
        assertThat(memory.taken()).isZero();
    }

    @Test
    void aWorkerThatStartsWhileTheOthersAreToldToEndIsTold() {
        CountDownLatch never = new CountDownLatch(1);
        CompletableFuture<Thread> beside = new CompletableFuture<>();
        ProcessResources slow =
                with(name -> {
                    if (!name.endsWith("-plan")) {
                        Undisturbed.join(beside.join());
                    }
                });
        try (JobShare job = slow.begin(10 * MIB, none)) {
            assertThatThrownBy(() ->
                            job.work(
                                    new Crew("crew", 2, 10 * MIB)
                                            .beside(() -> {
                                                beside.complete(Thread.currentThread());
                                                throw new IllegalStateException("mine");
                                            }),
                                    _ -> never.await()))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessage("mine");
        }
        assertThat(memory.taken()).isZero();
    }

    @Test
    void aThreadThatCantBeMadeEndsTheOthersFirst() {
        AtomicInteger ended = new AtomicInteger();
        CountDownLatch working = new CountDownLatch(2);
        ProcessResources poor =
                with(name -> {
                    if (name.endsWith("-3")) {
                        Undisturbed.await(() -> {
                            working.await();
                            return true;
                        });
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                });
        try (JobShare job = poor.begin(10 * MIB, none)) {
            CountDownLatch never = new CountDownLatch(1);
            assertThatThrownBy(() ->
                            job.work(
                                    new Crew("crew", 4, 10 * MIB),
                                    _ -> {
                                        working.countDown();
                                        try {
                                            never.await();
                                        } finally {
                                            ended.incrementAndGet();
                                        }
                                    }))
                    .isInstanceOf(OutOfMemoryError.class);
            assertThat(ended).hasValue(2);
        }
        assertThat(memory.taken()).isZero();
    }

    /// This process, where something is done before each thread is made.
    private ProcessResources with(Consumer<String> before) {
        Threads threads = Threads.ofProcess();
        return new ProcessResources(
                new Threads() {
                    @Override
                    public Thread working(String name, Runnable task) {
                        before.accept(name);
                        return threads.working(name, task);
                    }

                    @Override
                    public Thread waiting(String name, Runnable task) {
                        return threads.waiting(name, task);
                    }
                },
                process.processors(),
                memory,
                process.nanos());
    }

    @Test
    void anInterruptOfTheCallerEndsAll() throws Exception {
        CountDownLatch working = new CountDownLatch(3);
        start(() -> {
            try (JobShare job = process.begin(10 * MIB, none)) {
                CountDownLatch never = new CountDownLatch(1);
                assertThatThrownBy(() ->
                                job.work(
                                        new Crew("crew", 2, 10 * MIB)
                                                .beside(() -> {
                                                    working.countDown();
                                                    never.await();
                                                }),
                                        worker -> {
                                            working.countDown();
                                            never.await();
                                        }))
                        .isInstanceOf(CancelledException.class);
            }
        });
        working.await();
        threads.getFirst().interrupt();
        join();
    }

    private void units(AtomicInteger working, Crew.Worker worker, CountDownLatch end) {
        working.incrementAndGet();
        try {
            while (worker.goesOn() && end.getCount() > 0) {
                Thread.onSpinWait();
            }
        } finally {
            working.decrementAndGet();
        }
    }

    private void enter(String name, long least) {
        try (JobShare _ = process.begin(least, none)) {
            order.add(name);
        }
    }

    private void start(Runnable task) {
        threads.add(
                Thread.ofPlatform()
                        .start(() -> {
                            try {
                                task.run();
                            } catch (Throwable e) {
                                failure.compareAndSet(null, e);
                            }
                        }));
    }

    private void join() throws Exception {
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failure.get()).isNull();
    }

    private void await(BooleanSupplier condition) {
        while (!condition.getAsBoolean() && failure.get() == null) {
            Thread.onSpinWait();
        }
    }
}
