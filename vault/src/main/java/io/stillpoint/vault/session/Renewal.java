package io.stillpoint.vault.session;

import io.stillpoint.platform.Threads;
import io.stillpoint.vault.store.VaultException;
import java.time.Duration;

/// Renews something again and again until it is closed. An outage ends nothing: what failed is tried again soon, since what
/// is renewed stays valid for much longer than from one time to the next.
public final class Renewal implements AutoCloseable {
    private final Duration interval;
    private final Duration pause;
    private final Runnable renew;
    private final Thread thread;

    /// @param pause how long after a failure to try again
    /// @param renew throws [VaultException] if it failed
    public Renewal(Threads threads, Duration interval, Duration pause, Runnable renew) {
        this.interval = interval;
        this.pause = pause;
        this.renew = renew;
        thread = threads.waiting("session-renewal", this::run);
    }

    public void start() {
        thread.start();
    }

    private void run() {
        try {
            Thread.sleep(interval);
            while (true) {
                Thread.sleep(isRenewed() ? interval : pause);
            }
        } catch (InterruptedException _) {
            // Closed.
        }
    }

    private boolean isRenewed() {
        try {
            renew.run();
            return true;
        } catch (VaultException _) {
            // The record grows old. Only if that lasts longer than its patience, and somebody
            // prunes then, is the
            // session over; its commit says so.
            return false;
        }
    }

    /// Waits for the end after [#close]; for tests.
    public void join() throws InterruptedException {
        thread.join();
    }

    /// Has it end; does not wait.
    @Override
    public void close() {
        thread.interrupt();
    }
}
