package io.stillpoint.platform;

import static java.lang.Math.clamp;
import static java.lang.Math.max;

import io.stillpoint.platform.text.Text;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/// The part of the heap that buffers of megabytes may take, shared by the jobs of a process
/// (`docs/decisions/0012-memory-budget.md`, `0015-shared-by-jobs.md`). Safe for use by many threads.
///
/// Who is let in has its least for itself until it leaves; only there is anything waited for. What is taken beyond that
/// is taken if it is there, and given back when others ask for it.
///
/// One lock covers the accounts and who waits; it is held for a few instructions.
public final class MemoryBudget {
    private static final long MIB = 1 << 20;

    /// What everything else takes in bytes: classes, the index, nodes, lists, parts on their way to a distant store.
    public static final long RESERVE = 128 * MIB;

    /// The smallest heap in bytes that every job gets by with.
    public static final long HEAP_MIN = 256 * MIB;

    /// The heap in bytes for few processors, and what each more of them adds.
    private static final long HEAP = 512 * MIB;

    private static final int FEW = 4;
    private static final long HEAP_OF_ONE = 48 * MIB;

    /// More threads than these are not worth their memory: they do gigabytes a second.
    private static final int MANY = 16;

    /// A collector keeps some of the heap free for itself.
    private static final long LOST_TO_THE_COLLECTOR = 32 * MIB;

    private final long heap;
    private final long total;
    private final ReentrantLock lock = new ReentrantLock();
    private final List<Account> accounts = new ArrayList<>();
    private final Deque<Entry> queue = new ArrayDeque<>();
    private final List<Staff> hungry = new ArrayList<>();
    private long taken;

    /// What workers that were told to end will give back.
    private long promised;

    /// Whether somebody waits to be let in, or has fewer workers than wanted: asked without the lock after each unit.
    private volatile boolean isShort;

    private MemoryBudget(long heap) {
        this.heap = heap;
        // A fifth stays free: arrays of megabytes need room in one piece.
        total = max(0, (heap - RESERVE) / 5 * 4);
    }

    /// That of a heap of so many bytes.
    public static MemoryBudget ofHeap(long bytes) {
        return new MemoryBudget(bytes);
    }

    /// How large the heap should be on a machine with so many processors, in bytes.
    public static long heapFor(int processors) {
        return HEAP + HEAP_OF_ONE * (clamp(processors, FEW, MANY) - FEW);
    }

    /// Throws a [MachineException] if the heap is too small for jobs.
    public void requireEnough() {
        if (heap < HEAP_MIN - LOST_TO_THE_COLLECTOR) {
            throw MachineException.heapTooSmall(heap, HEAP_MIN);
        }
    }

    /// Bytes that nobody has taken.
    public long free() {
        return ask(() -> max(0, total - taken));
    }

    /// Bytes that are taken. More than there are only by what [#keep] counts, by what a job takes beyond its least all the
    /// same, and by the one job that is let in whatever it needs.
    long taken() {
        return ask(() -> taken);
    }

    /// How many jobs wait to be let in.
    int queued() {
        return ask(queue::size);
    }

    /// Counts what is there whether it fits or not, such as an open index, until the scope is closed.
    public Cancellation.Scope keep(long bytes) {
        Account account = new Account();
        change(() -> account.use(bytes));
        return () ->
                change(() -> {
                    account.use(-account.used);
                    changed();
                });
    }

    private <T> T ask(Supplier<T> action) {
        lock.lock();
        try {
            return action.get();
        } finally {
            lock.unlock();
        }
    }

    private void change(Runnable action) {
        lock.lock();
        try {
            action.run();
        } finally {
            lock.unlock();
        }
    }

    /// With the lock held, after anything that may let others in or have them grow.
    private void changed() {
        while (!queue.isEmpty() && hasRoom(queue.element())) {
            Entry first = queue.remove();
            first.admit();
            first.news.signal();
        }
        isShort = !queue.isEmpty() || !hungry.isEmpty();
        hungry.forEach(Staff::tell);
    }

    private boolean hasRoom(Entry entry) {
        return accounts.isEmpty() || taken + entry.growth() <= total;
    }

    /// Whether anybody but this job is short of memory.
    private boolean isShortBeside(Account account) {
        return !queue.isEmpty() || hungry.stream().anyMatch(staff -> staff.account != account);
    }

    /// What one job has: what it was let in with, and what it took beyond that.
    final class Account {
        private long least;

        /// Of the least, as far as it is in use.
        private long used;

        /// Lets the job in with so many bytes: at once if nobody waits and there is room, else in its turn. Whoever finds nobody
        /// else in is let in with whatever it needs. Throws [CancelledException] if the job is to stop meanwhile.
        void enter(long bytes, Cancellation cancellation) {
            if (bytes == 0) {
                // It takes nothing from anybody.
                return;
            }
            Entry entry = new Entry(this, bytes);
            boolean isIn =
                    ask(() -> {
                        // What it had until now is free from here on, for those that came before.
                        setLeast(0);
                        accounts.remove(this);
                        queue.add(entry);
                        changed();
                        return !queue.contains(entry);
                    });
            if (!isIn) {
                try (Waiting _ = Waiting.until(MemoryBudget::waitText);
                        Cancellation.Scope _ = cancellation.atRequest(entry::cancel)) {
                    entry.await();
                } catch (CancelledException e) {
                    // It may have been let in just before.
                    leave();
                    throw e;
                }
            }
        }

        /// The job has ended.
        void leave() {
            change(() -> {
                setLeast(0);
                accounts.remove(this);
                changed();
            });
        }

        /// As many shares as are wanted and left, and at least `least`, whether they are left or not.
        Shares take(int least, int wanted, long each) {
            return ask(() -> {
                use(least * each);
                int count = least;
                while (count < wanted && takeExtra(each)) {
                    count++;
                }
                return new Shares(this, least, count, each);
            });
        }

        private void setLeast(long bytes) {
            taken += max(bytes, used) - max(least, used);
            least = bytes;
        }

        private void use(long bytes) {
            taken += max(least, used + bytes) - max(least, used);
            used += bytes;
        }

        private boolean takeExtra(long bytes) {
            boolean isLeft = !isShortBeside(this) && taken + bytes <= total;
            if (isLeft) {
                useExtra(bytes);
            }
            return isLeft;
        }

        private void useExtra(long bytes) {
            taken += bytes;
        }
    }

    /// A job that is to be let in.
    private final class Entry {
        private final Account account;
        private final long bytes;
        private final Condition news = lock.newCondition();
        private boolean isCancelled;

        Entry(Account account, long bytes) {
            this.account = account;
            this.bytes = bytes;
        }

        /// What it takes to let it in.
        long growth() {
            return max(bytes, account.used) - account.used;
        }

        void admit() {
            account.setLeast(bytes);
            accounts.add(account);
        }

        void await() {
            lock.lock();
            try {
                while (queue.contains(this)) {
                    if (isCancelled) {
                        throw new CancelledException();
                    }
                    news.await();
                }
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CancelledException();
            } finally {
                // Only if it was not let in.
                if (queue.remove(this)) {
                    changed();
                }
                lock.unlock();
            }
        }

        void cancel() {
            change(() -> {
                isCancelled = true;
                news.signal();
            });
        }
    }

    /// Equal parts that one user has, until it closes them. Those beyond the user's least are to be given back when others are
    /// short: see [#mustShrink].
    public final class Shares implements AutoCloseable {
        private final Account account;
        private final int least;
        private final long each;
        private int count;

        private Shares(Account account, int least, int count, long each) {
            this.account = account;
            this.least = least;
            this.count = count;
            this.each = each;
        }

        public int count() {
            return ask(() -> count);
        }

        /// Takes one more if it is left and nobody else is short. Never waits.
        public boolean grow() {
            return ask(() -> {
                boolean isTaken = account.takeExtra(each);
                count += isTaken ? 1 : 0;
                return isTaken;
            });
        }

        /// Whether others are short and there is something to give back.
        public boolean mustShrink() {
            return isShort && ask(() -> count > least && isShortBeside(account));
        }

        /// Gives one back that is no longer used, of those beyond the least.
        public void shrink() {
            change(() -> {
                if (count <= least) {
                    throw new IllegalStateException("the least is given back at the end");
                }
                giveBack();
                changed();
            });
        }

        private void giveBack() {
            if (count > least) {
                account.useExtra(-each);
            } else {
                account.use(-each);
            }
            count--;
        }

        @Override
        public void close() {
            change(() -> {
                while (count > 0) {
                    giveBack();
                }
                changed();
            });
        }
    }

    /// The workers of one job, whose number follows what is free. All with the budget's lock.
    final class Staff {
        private final Account account;
        private final Crew crew;
        private final Condition news = lock.newCondition();
        private int running;

        /// Of those running: who was not told to end.
        private int staying;

        /// Of those told to end: whose memory others count on.
        private int leaving;

        private boolean isPaused;
        private long told;

        Staff(Account account, Crew crew) {
            this.account = account;
            this.crew = crew;
        }

        /// Whether one more worker may start, which has its memory then. The first always may.
        boolean enlist() {
            return ask(() -> {
                boolean isFirst = running == 0;
                boolean may = isFirst || (running < crew.wanted() && mayGrow());
                if (may) {
                    if (isFirst) {
                        account.use(crew.each());
                    } else {
                        account.useExtra(crew.each());
                    }
                    running++;
                    staying++;
                }
                setHungry(running < crew.wanted());
                return may;
            });
        }

        private boolean mayGrow() {
            return queue.isEmpty()
                    && taken + crew.each() + crew.leaves() <= total
                    // Who has least grows first.
                    && hungry.stream()
                            .noneMatch(other ->
                                    other != this
                                            && other.staying < staying
                                            && !lacksRoom(other.crew.each()));
        }

        private void setHungry(boolean isHungry) {
            if (isHungry != hungry.contains(this)) {
                if (isHungry) {
                    hungry.add(this);
                } else {
                    hungry.remove(this);
                }
                isShort = !queue.isEmpty() || !hungry.isEmpty();
            }
        }

        /// Asked by a worker after each unit: false if it is to end so that others get its memory.
        ///
        /// @param isSliceOver whether the job has had its time while others wait to be let in
        boolean staysOn(BooleanSupplier isSliceOver) {
            return !isShort || ask(() -> stays(isSliceOver));
        }

        private boolean stays(BooleanSupplier isSliceOver) {
            if (staying > 1) {
                if (!lacks()) {
                    return true;
                }
                leaving++;
                promised += crew.each();
            } else {
                boolean isOver =
                        !queue.isEmpty()
                                && lacksRoom(queue.element().growth())
                                && isSliceOver.getAsBoolean();
                if (!isOver) {
                    return true;
                }
                isPaused = true;
            }
            staying--;
            return false;
        }

        private boolean lacks() {
            if (!queue.isEmpty()) {
                return lacksRoom(queue.element().growth());
            }
            return hungry.stream()
                    .anyMatch(other ->
                            other != this
                                    && other.staying + 1 < staying
                                    && lacksRoom(other.crew.each()));
        }

        private boolean lacksRoom(long bytes) {
            return taken - promised + bytes > total;
        }

        /// A worker has ended.
        ///
        /// @param wasTold whether it was told to
        void discharge(boolean wasTold) {
            change(() -> {
                if (!wasTold) {
                    staying--;
                } else if (leaving > 0) {
                    leaving--;
                    promised -= crew.each();
                }
                running--;
                if (running > 0) {
                    account.useExtra(-crew.each());
                } else {
                    account.use(-crew.each());
                }
                changed();
                tell();
            });
        }

        /// Wakes who waits for news.
        void tell() {
            change(() -> {
                told++;
                news.signal();
            });
        }

        /// How much news there was so far: to be asked before looking what there is to do.
        long told() {
            return ask(() -> told);
        }

        /// Waits for more: a worker has ended, or one more may start.
        void await(long seen) throws InterruptedException {
            lock.lock();
            try {
                while (told == seen) {
                    news.await();
                }
            } finally {
                lock.unlock();
            }
        }

        /// Whether the last worker was told to end so that other jobs are let in.
        boolean isPausing() {
            return ask(() -> isPaused);
        }

        /// Whether it has ended.
        boolean isPaused() {
            return ask(() -> isPaused && running == 0);
        }

        /// Others were let in, and now the job again.
        void resume() {
            change(() -> isPaused = false);
        }

        /// No worker will start any more.
        void disband() {
            change(() -> {
                setHungry(false);
                changed();
            });
        }
    }

    Account account() {
        return new Account();
    }

    Staff staff(Account account, Crew crew) {
        return new Staff(account, crew);
    }

    private static Text waitText() {
        return Text.of(MemoryBudget.class, "platform.waits-for-memory");
    }
}
