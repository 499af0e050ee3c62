package io.stillpoint.platform;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The processors of a machine, which the jobs of a process take turns on: as many threads compute at once as there are
/// processors, and each job that has work gets the same time, however many threads it has
/// (`docs/decisions/0015-shared-by-jobs.md`). Safe for use by many threads.
///
/// One lock covers everything here. It is held for a few instructions and never while anything is waited for, read or
/// computed.
// `waiting` is written with the lock held and read without it.
@SuppressWarnings("NonAtomicVolatileUpdate")
public final class Processors {
    private static final ScopedValue<Turn> CURRENT = ScopedValue.newInstance();

    private final ReentrantLock lock = new ReentrantLock();
    private final int count;
    private final LongSupplier nanos;
    private final List<Party> active = new ArrayList<>();

    /// Negative while threads that came back from waiting deep inside compute beside those whose turn it is.
    private int free;

    private volatile int waiting;
    private long grants;

    /// @param count how many threads may compute at once
    /// @param nanos a clock that only goes forward; never used but for differences
    public Processors(int count, LongSupplier nanos) {
        if (count < 1) {
            throw new IllegalArgumentException("no processors");
        }
        this.count = count;
        free = count;
        this.nanos = nanos;
    }

    /// How many threads may compute at once.
    public int count() {
        return count;
    }

    /// A wait that an interrupt ends.
    @FunctionalInterface
    public interface Wait {
        void await() throws InterruptedException;
    }

    /// The threads of one job.
    static final class Party {
        private final Deque<Turn> queue = new ArrayDeque<>();

        /// The time it has had in nanoseconds, but for turns that are not over.
        private long used;

        private int running;
        private long sumOfStarts;

        /// The number of the turn that it got last: who got one longer ago goes first.
        private long lastGrant;

        private boolean isActive() {
            return running > 0 || !queue.isEmpty();
        }

        private long used(long now) {
            return used + running * now - sumOfStarts;
        }
    }

    /// The turns of one thread, one after the other.
    final class Turn {
        private final Party party;
        private final Condition granted = lock.newCondition();
        private long start;

        /// Changed by others only while this thread waits in line.
        private boolean isHeld;

        /// Whether nothing was done yet: who asks before its first unit has just waited for it.
        private boolean isFresh = true;

        Turn(Party party) {
            this.party = party;
        }

        /// Waits for a turn, does the task, lets go. Within it [#aside] and [#pass] know this turn.
        void run(Runnable task) {
            begin();
            try {
                ScopedValue.where(CURRENT, this).run(task);
            } finally {
                end();
            }
        }

        private void begin() {
            lock.lock();
            try {
                if (free > 0 && waiting == 0) {
                    give(this);
                } else {
                    queue(this);
                }
            } finally {
                lock.unlock();
            }
        }

        private void end() {
            lock.lock();
            try {
                take(this);
                grant();
            } finally {
                lock.unlock();
            }
        }

        /// After a wait deep inside, perhaps under locks of others: nothing may be waited for.
        private void goOn() {
            lock.lock();
            try {
                give(this);
            } finally {
                lock.unlock();
            }
        }

        private void passOn() {
            boolean wasFresh = isFresh;
            isFresh = false;
            if (waiting == 0 || !isHeld || wasFresh) {
                return;
            }
            lock.lock();
            try {
                long now = nanos.getAsLong();
                Party next = next(now);
                if (next == null
                        || (free >= 0 && party.used(now) < next.used(now))
                        || Thread.currentThread().isInterrupted()) {
                    return;
                }
                // In line first: a job that has a thread somewhere keeps what it has had less.
                party.queue.add(this);
                waiting++;
                take(this);
                grant();
                await(this);
            } finally {
                lock.unlock();
            }
        }
    }

    /// Does something that waits (for a disk, a store, another thread) and lets others compute meanwhile. In a thread that has
    /// no turn it is just done. Never waits for a turn, so it may be called while locks are held.
    public static <T> T aside(Supplier<T> wait) {
        if (!CURRENT.isBound()) {
            return wait.get();
        }
        Turn turn = CURRENT.get();
        if (!turn.isHeld) {
            return wait.get();
        }
        turn.end();
        try {
            return wait.get();
        } finally {
            turn.goOn();
        }
    }

    /// As above.
    public static void aside(Runnable wait) {
        boolean _ =
                aside(() -> {
                    wait.run();
                    return true;
                });
    }

    /// As [#aside(Supplier)], for what an interrupt ends: throws [CancelledException] then, and the interrupt stays noted.
    public static void await(Wait wait) {
        aside(() -> {
            try {
                wait.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CancelledException();
            }
        });
    }

    /// Lets a job go first that has had less time. To be called between two pieces of work, by a thread that holds no lock
    /// and nothing else that others wait for: it may wait for its next turn here.
    public static void pass() {
        if (CURRENT.isBound()) {
            CURRENT.get().passOn();
        }
    }

    Party party() {
        return new Party();
    }

    /// How many threads wait for a turn.
    int waiting() {
        return waiting;
    }

    // All below: with the lock held.

    private void queue(Turn turn) {
        turn.party.queue.add(turn);
        waiting++;
        activate(turn.party, nanos.getAsLong());
        grant();
        await(turn);
    }

    /// Until it is the thread's turn, or it is interrupted: then it goes on at once, to its end.
    private void await(Turn turn) {
        boolean interrupted = false;
        while (!turn.isHeld) {
            try {
                turn.granted.await();
            } catch (InterruptedException e) {
                interrupted = true;
                if (!turn.isHeld) {
                    turn.party.queue.remove(turn);
                    waiting--;
                    give(turn);
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /// A party that comes counts as having had as much as the one that had the least: what it did not ask for it can't have
    /// later.
    private void activate(Party party, long now) {
        if (active.contains(party)) {
            return;
        }
        long least = Long.MAX_VALUE;
        for (Party other : active) {
            least = Math.min(least, other.used(now));
        }
        if (least < Long.MAX_VALUE) {
            party.used = Math.max(party.used(now), least);
        }
        active.add(party);
    }

    private void give(Turn turn) {
        long now = nanos.getAsLong();
        activate(turn.party, now);
        turn.isHeld = true;
        turn.start = now;
        turn.party.running++;
        turn.party.sumOfStarts += now;
        turn.party.lastGrant = ++grants;
        free--;
    }

    private void take(Turn turn) {
        Party party = turn.party;
        turn.isHeld = false;
        party.running--;
        party.sumOfStarts -= turn.start;
        party.used += nanos.getAsLong() - turn.start;
        free++;
        if (!party.isActive()) {
            active.remove(party);
        }
    }

    private void grant() {
        while (free > 0 && waiting > 0) {
            Party party = next(nanos.getAsLong());
            if (party == null) {
                throw new IllegalStateException("somebody waits whom nobody knows");
            }
            Turn turn = party.queue.remove();
            waiting--;
            give(turn);
            turn.granted.signal();
        }
    }

    /// Whose thread is next, of those that wait.
    private @Nullable Party next(long now) {
        Party next = null;
        for (Party party : active) {
            if (!party.queue.isEmpty() && (next == null || isBefore(party, next, now))) {
                next = party;
            }
        }
        return next;
    }

    private static boolean isBefore(Party a, Party b, long now) {
        int compared = Long.compare(a.used(now), b.used(now));
        return compared == 0 ? a.lastGrant < b.lastGrant : compared < 0;
    }
}
