package io.stillpoint.platform;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/// What one job has of its process's processors and memory, from its begin to its end. Safe for use by several threads,
/// but for [#work], which is for one at a time.
public final class JobShare implements AutoCloseable {
    /// For so long a job keeps its least while others wait to be let in; then they have their time. Long enough that the pack
    /// which is closed early for it is one of many.
    private static final long SLICE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final ProcessResources process;
    private final Cancellation cancellation;
    private final MemoryBudget.Account account;
    private final Processors.Party party;
    private final long least;

    JobShare(ProcessResources process, long least, Cancellation cancellation) {
        this.process = process;
        this.least = least;
        this.cancellation = cancellation;
        account = process.memory().account();
        party = process.processors().party();
        account.enter(least, cancellation);
    }

    /// Tells when the job is to stop.
    public Cancellation cancellation() {
        return cancellation;
    }

    /// Makes the job's threads.
    public Threads threads() {
        return process.threads();
    }

    /// Takes equal shares of memory: as many as are wanted and left while no other job is short, and at least `least`, which
    /// are part of what the job was let in with. Never waits.
    ///
    /// @param each share's bytes
    public MemoryBudget.Shares take(int least, int wanted, long each) {
        return account.take(least, wanted, each);
    }

    /// Has a crew do a task, and returns when all have ended and nothing is left to do. How many work changes with what
    /// other jobs need.
    ///
    /// The first failure interrupts the others and is thrown here once all have ended. Interrupting the caller interrupts
    /// them and, once they ended, throws [CancelledException], as does a cancellation while the job waits for its turn.
    public void work(Crew crew, Crew.Task task) {
        new Work(crew, task).run();
    }

    @Override
    public void close() {
        account.leave();
    }

    /// One piece of work. `this` guards the set of threads and the failure.
    private final class Work {
        private final Crew crew;
        private final Crew.Task task;
        private final MemoryBudget.Staff staff;
        private final Set<Thread> threads = new HashSet<>();
        private @Nullable Throwable failure;
        private boolean isInterrupted;

        /// Somebody found nothing left to do.
        private boolean isDone;

        private int started;
        private volatile long sliceBegin;

        Work(Crew crew, Crew.Task task) {
            this.crew = crew;
            this.task = task;
            staff = process.memory().staff(account, crew);
        }

        void run() {
            sliceBegin = process.nanos().getAsLong();
            Crew.Beside beside = crew.beside();
            if (beside != null) {
                start(crew.name() + "-plan", () -> besides(beside));
            }
            try {
                while (!isOver()) {
                    long seen = staff.told();
                    hire();
                    if (isResting()) {
                        rest();
                    } else {
                        await(seen);
                    }
                }
            } finally {
                staff.disband();
            }
            throwFailure();
        }

        private synchronized boolean isOver() {
            return threads.isEmpty() && (isDone || isStopped());
        }

        private synchronized boolean isStopped() {
            return failure != null || isInterrupted;
        }

        private synchronized boolean isHiring() {
            return !isDone && !isStopped();
        }

        private void hire() {
            while (isHiring() && !staff.isPausing() && staff.enlist()) {
                started++;
                try {
                    start(crew.name() + "-" + started, this::work);
                } catch (RuntimeException | Error e) {
                    // The system may allow no more threads. Those that there are must end first.
                    staff.discharge(false);
                    stop(e);
                }
            }
        }

        private synchronized boolean isResting() {
            return isHiring() && staff.isPaused();
        }

        /// Lets others in and waits to be let in again.
        private void rest() {
            try {
                crew.rest().run();
                account.enter(least, cancellation);
                sliceBegin = process.nanos().getAsLong();
                staff.resume();
            } catch (RuntimeException | Error e) {
                stop(e);
            }
        }

        private void await(long seen) {
            try {
                if (!isOver()) {
                    staff.await(seen);
                }
            } catch (InterruptedException e) {
                synchronized (this) {
                    isInterrupted = true;
                    threads.forEach(Thread::interrupt);
                }
            }
        }

        private void start(String name, Runnable runnable) {
            Thread thread = process.threads().working(name, runnable);
            synchronized (this) {
                thread.start();
                threads.add(thread);
                if (isStopped()) {
                    // Whoever interrupted the others, just now, did not know of it.
                    thread.interrupt();
                }
            }
        }

        private void besides(Crew.Beside beside) {
            try {
                beside.run();
            } catch (InterruptedException | RuntimeException | Error e) {
                stop(e);
            } finally {
                ended();
            }
        }

        private void work() {
            Member member = new Member();
            try {
                process.processors().new Turn(party).run(() -> work(member));
            } finally {
                synchronized (this) {
                    isDone |= !member.isTold;
                }
                staff.discharge(member.isTold);
                ended();
            }
        }

        private void work(Member member) {
            try {
                task.run(member);
            } catch (InterruptedException | RuntimeException | Error e) {
                stop(e);
            }
        }

        private synchronized void stop(Throwable e) {
            if (failure == null) {
                failure = e;
                threads.stream()
                        .filter(thread -> !thread.equals(Thread.currentThread()))
                        .forEach(Thread::interrupt);
            }
        }

        private void ended() {
            synchronized (this) {
                threads.remove(Thread.currentThread());
            }
            staff.tell();
        }

        private synchronized void throwFailure() {
            switch (failure) {
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case null -> {
                    if (isInterrupted) {
                        throw new CancelledException();
                    }
                }
                default -> throw new CancelledException();
            }
        }

        private boolean isSliceOver() {
            return process.nanos().getAsLong() - sliceBegin >= SLICE_NANOS;
        }

        private final class Member implements Crew.Worker {
            private boolean isTold;

            @Override
            public boolean goesOn() {
                Processors.pass();
                isTold = isTold || !staff.staysOn(Work.this::isSliceOver);
                return !isTold;
            }
        }
    }
}
