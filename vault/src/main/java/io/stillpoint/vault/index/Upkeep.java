package io.stillpoint.vault.index;

import io.stillpoint.platform.Threads;
import io.stillpoint.platform.Undisturbed;
import io.stillpoint.vault.store.VaultException;
import org.jspecify.annotations.Nullable;

/// Housekeeping beside the work, one at a time. What fails is tried again some other time: nothing is lost by that, and
/// damage is verification's to tell.
public final class Upkeep implements AutoCloseable {
    private final Threads threads;
    private @Nullable Thread running;

    public Upkeep(Threads threads) {
        this.threads = threads;
    }

    /// Starts the task unless one is running.
    public synchronized void start(Runnable task) {
        if (running != null && running.isAlive()) {
            return;
        }
        running = threads.working("upkeep", () -> run(task));
        running.start();
    }

    private static void run(Runnable task) {
        try {
            task.run();
        } catch (VaultException _) {
            // Segments are deleted only once what replaces them is durable.
        }
    }

    /// Waits for the task to end, whatever happens to the caller: what it works with is closed next.
    @Override
    public synchronized void close() {
        if (running != null) {
            Undisturbed.join(running);
        }
    }
}
