package io.stillpoint.vault.index;

import io.stillpoint.platform.Threads;
import io.stillpoint.vault.store.VaultException;
import org.jspecify.annotations.Nullable;

/// Housekeeping beside the work, one at a time. What fails is tried again some other time: nothing is lost by that, and
/// damage is verification's to tell.
public final class Upkeep implements AutoCloseable {
    private @Nullable Thread running;

    /// Starts the task unless one is running.
    public synchronized void start(Runnable task) {
        if (running != null && running.isAlive()) {
            return;
        }
        running =
                Threads.named("upkeep")
                        .start(() -> {
                            try {
                                task.run();
                            } catch (VaultException _) {
                                // Segments are deleted only once what replaces them is durable.
                            }
                        });
    }

    /// Waits for the task to end.
    @Override
    public synchronized void close() {
        if (running == null) {
            return;
        }
        try {
            running.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
