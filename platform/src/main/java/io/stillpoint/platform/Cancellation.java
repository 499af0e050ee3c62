package io.stillpoint.platform;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/// A wish to stop, raised by one thread and asked for by others at places where stopping is safe.
public final class Cancellation {
    private volatile boolean requested;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final AtomicInteger holds = new AtomicInteger();
    private final List<Thread> interruptible = new ArrayList<>();
    private boolean isInsisted;

    /// Until it is closed, something is held or half done; see [#hold] and [#interruptible].
    public interface Scope extends AutoCloseable {
        @Override
        void close();
    }

    /// Raises the wish; it stays raised.
    public void request() {
        requested = true;
        listeners.forEach(Runnable::run);
    }

    /// Runs `wake` when the wish is raised, at once if it is already, until the scope is closed: for a thread that waits and
    /// would not ask. It may be run more than once, by any thread, and shortly after the scope was closed.
    public Scope atRequest(Runnable wake) {
        listeners.add(wake);
        if (requested) {
            wake.run();
        }
        return () -> listeners.remove(wake);
    }

    /// Throws [CancelledException] if stopping was asked for.
    public void check() {
        if (requested) {
            throw new CancelledException();
        }
    }

    /// From now until the scope is closed something outside of the process, such as a frozen guest, waits for being let
    /// go: the process must not end before, as long as there is hope.
    public Scope hold() {
        holds.incrementAndGet();
        return holds::decrementAndGet;
    }

    public boolean isHeld() {
        return holds.get() > 0;
    }

    /// From now until the scope is closed this thread may be interrupted by [#insist]: it waits for others, and does
    /// nothing itself that an interruption would break. The interruption does not outlast the scope.
    public synchronized Scope interruptible() {
        Thread thread = Thread.currentThread();
        interruptible.add(thread);
        if (isInsisted) {
            thread.interrupt();
        }
        return () -> leave(thread);
    }

    private synchronized void leave(Thread thread) {
        interruptible.remove(thread);
        if (isInsisted) {
            // Or what must still be done for the guest would be interrupted.
            boolean _ = Thread.interrupted();
        }
    }

    /// The wish was raised and nothing came of it: interrupts who may be interrupted.
    public synchronized void insist() {
        isInsisted = true;
        interruptible.forEach(Thread::interrupt);
    }
}
