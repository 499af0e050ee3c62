package io.stillpoint.guest;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Runs a step to its end whatever happens to the caller's thread. An interrupted thread can't use a
/// channel: each call closes it. A cancelled job has to thaw its guest all the same.
public final class Undisturbed {
    private Undisturbed() {}

    /// Runs `step` on a thread of its own, which nobody interrupts, and returns or throws what it does. An
    /// interrupt of the caller's thread is kept for later. A platform thread: thawing must not wait for
    /// a carrier that other virtual threads keep busy.
    public static <T> T run(String name, Supplier<T> step) {
        AtomicReference<@Nullable T> result = new AtomicReference<>();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread thread =
                Thread.ofPlatform()
                        .name(name)
                        .daemon()
                        .start(() -> {
                            try {
                                result.set(step.get());
                            } catch (RuntimeException | Error e) {
                                failure.set(e);
                            }
                        });
        joinFully(thread);
        switch (failure.get()) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case null, default -> {}
        }
        T value = result.get();
        if (value == null) {
            throw new IllegalStateException(name + " ended without a result");
        }
        return value;
    }

    private static void joinFully(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
