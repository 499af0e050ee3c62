package io.stillpoint.vault.store;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/// What goes on in an open vault, so that it is closed under nobody. Safe for use by several threads; the lock covers the list
/// only.
public final class Uses {
    private final String store;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition ended = lock.newCondition();
    private final List<Use> uses = new ArrayList<>();
    private boolean isClosing;

    /// @param store its description
    public Uses(String store) {
        this.store = store;
    }

    /// Something that goes on until it is closed, by whichever thread.
    public final class Use implements AutoCloseable {
        private final String what;
        private final Thread thread = Thread.currentThread();

        private Use(String what) {
            this.what = what;
        }

        @Override
        public String toString() {
            return what + " (begun by thread " + thread.getName() + ")";
        }

        /// May be called again.
        @Override
        public void close() {
            lock.lock();
            try {
                uses.remove(this);
                ended.signalAll();
            } finally {
                lock.unlock();
            }
        }
    }

    /// Begins something. Throws kind `OVERTAKEN` if the vault is closed or being closed; but what goes on may begin more in the
    /// thread in which it began.
    ///
    /// @param what it is, in a word, for whoever waits for its end
    public Use begin(String what) {
        lock.lock();
        try {
            if (isClosing && !isUsedByThisThread()) {
                throw new VaultException(Kind.OVERTAKEN, "vault.closed", null, store);
            }
            Use use = new Use(what);
            uses.add(use);
            return use;
        } finally {
            lock.unlock();
        }
    }

    private boolean isUsedByThisThread() {
        return uses.stream().anyMatch(use -> use.thread.equals(Thread.currentThread()));
    }

    /// What goes on now, in words.
    public List<String> names() {
        lock.lock();
        try {
            return uses.stream().map(Use::toString).toList();
        } finally {
            lock.unlock();
        }
    }

    /// Lets nothing new begin, and returns when nothing goes on any more. Throws [IllegalStateException], which names what goes
    /// on, if that takes too long, or at once if it is this thread itself that has not ended it: then nothing new begins all the
    /// same, and this may be called again. Throws [CancelledException] if interrupted while it waits.
    public void end(Duration patience) {
        long nanos = patience.toNanos();
        lock.lock();
        try {
            isClosing = true;
            while (!uses.isEmpty()) {
                if (isUsedByThisThread() || nanos <= 0) {
                    throw new IllegalStateException(
                            "the vault in "
                                    + store
                                    + " is in use by "
                                    + String.join(", ", names()));
                }
                nanos = ended.awaitNanos(nanos);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        } finally {
            lock.unlock();
        }
    }
}
