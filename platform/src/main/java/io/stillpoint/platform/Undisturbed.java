package io.stillpoint.platform;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// What must go on to its end in a thread that is to stop: a cancelled job is interrupted, and an interrupted thread can
/// neither wait nor use a channel (each call closes it). The interrupt is never lost, only put aside until the end.
public final class Undisturbed {
    private Undisturbed() {}

    /// A wait that an interrupt breaks off and that may be begun again: for a thread or a process to end, say.
    @FunctionalInterface
    public interface Wait<T> {
        T await() throws InterruptedException;
    }

    /// Waits until the wait ends by itself, and returns what it returns.
    public static <T> T await(Wait<T> wait) {
        return await(wait, () -> {});
    }

    /// As above.
    ///
    /// @param atInterrupt is run after each interrupt, before the wait begins again
    public static <T> T await(Wait<T> wait, Runnable atInterrupt) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return wait.await();
                } catch (InterruptedException e) {
                    interrupted = true;
                    atInterrupt.run();
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// Waits for a thread's end.
    public static void join(Thread thread) {
        join(thread, () -> {});
    }

    /// As above.
    ///
    /// @param atInterrupt as in [#await(Wait, Runnable)]
    public static void join(Thread thread, Runnable atInterrupt) {
        boolean _ =
                await(
                        () -> {
                            thread.join();
                            return true;
                        },
                        atInterrupt);
    }

    /// Runs it in this thread with an interrupt that came before put aside until its end. One that comes meanwhile disturbs
    /// it: see [#onThread].
    public static void run(Runnable cleaning) {
        boolean interrupted = Thread.interrupted();
        try {
            cleaning.run();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /// Runs `step` on a thread of its own, which nobody else knows and so nobody interrupts, and returns or throws what it
    /// does. A working thread: what must be done soon does not wait for a carrier that others keep busy.
    public static <T> T onThread(Threads threads, String name, Supplier<T> step) {
        AtomicReference<@Nullable T> result = new AtomicReference<>();
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        Thread running =
                threads.working(
                        name,
                        () -> {
                            try {
                                result.set(step.get());
                            } catch (RuntimeException | Error e) {
                                failure.set(e);
                            }
                        });
        running.start();
        join(running);
        switch (failure.get()) {
            case RuntimeException e -> throw e;
            case Error e -> throw e;
            case null, default -> {}
        }
        T value = result.get();
        if (value == null) {
            throw new IllegalStateException(running.getName() + " ended without a result");
        }
        return value;
    }
}
