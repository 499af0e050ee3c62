package io.stillpoint.vault.index;

import io.stillpoint.platform.Processors;
import io.stillpoint.vault.store.VaultException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Work that looks at a store and serves all who asked before it began: one round at a time, and whoever asks while one runs joins
/// the next. So each is served by a round that saw everything that was there when they asked, and however many ask at once, no
/// more than two rounds run for them.
///
/// The lock covers the counts; no round runs under it.
final class Rounds {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();
    private final Runnable work;
    private boolean isRunning;
    private long begun;
    private long succeeded;
    private long failed;
    private @Nullable VaultException failure;

    Rounds(Runnable work) {
        this.work = work;
    }

    /// Returns when a round that began after this call has ended. Throws what it failed with, or [CancelledException][io.stillpoint.platform.CancelledException] if
    /// interrupted while another thread runs it; who runs it and gives up leaves it to those who wait.
    void join() {
        long mine;
        lock.lock();
        try {
            long needed = begun + 1;
            while (isRunning || succeeded >= needed || failed >= needed) {
                if (succeeded >= needed) {
                    return;
                }
                if (failed >= needed && failure != null) {
                    throw failure;
                }
                Processors.await(ended::await);
            }
            isRunning = true;
            mine = ++begun;
        } finally {
            lock.unlock();
        }
        run(mine);
    }

    private void run(long round) {
        boolean isDone = false;
        VaultException thrown = null;
        try {
            work.run();
            isDone = true;
        } catch (VaultException e) {
            // An interruption is this thread's own.
            thrown = Thread.currentThread().isInterrupted() ? null : e;
            throw e;
        } finally {
            end(round, isDone, thrown);
        }
    }

    private void end(long round, boolean isDone, @Nullable VaultException thrown) {
        lock.lock();
        try {
            if (!isRunning || round != begun) {
                throw new IllegalStateException("round " + round + " of " + begun);
            }
            isRunning = false;
            if (isDone) {
                succeeded = round;
            } else if (thrown != null) {
                failed = round;
                failure = thrown;
            }
            ended.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
