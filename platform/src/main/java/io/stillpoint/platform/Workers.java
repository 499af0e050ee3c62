package io.stillpoint.platform;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Runs the same task on several threads at once: the data path's identical workers, which read,
/// hash, compress and encrypt without handing anything over.
public final class Workers {
    /// What each worker does, until there is nothing left or it is interrupted.
    @FunctionalInterface
    public interface Task {
        void run() throws InterruptedException;
    }

    private Workers() {}

    /// Runs `task` on `count` threads named `name-1`, `name-2`, … and returns when all have ended.
    ///
    /// The first failure interrupts the other workers and is thrown here once all have ended. Interrupting
    /// the caller interrupts the workers and, once they ended, throws [CancelledException].
    public static void run(int count, String name, Task task) {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>(count);
        for (int i = 1; i <= count; i++) {
            threads.add(
                    Threads.named(name + "-" + i).unstarted(() -> runOne(task, failure, threads)));
        }
        threads.forEach(Thread::start);
        boolean interrupted = false;
        for (Thread thread : threads) {
            interrupted |= joinFully(thread, threads);
        }
        Throwable first = failure.get();
        if (first instanceof InterruptedException || (first == null && interrupted)) {
            throw new CancelledException();
        }
        if (first instanceof RuntimeException e) {
            throw e;
        }
        if (first instanceof Error e) {
            throw e;
        }
    }

    private static void runOne(
            Task task, AtomicReference<@Nullable Throwable> failure, List<Thread> threads) {
        try {
            task.run();
        } catch (InterruptedException | RuntimeException | Error e) {
            if (failure.compareAndSet(null, e)) {
                threads.stream()
                        .filter(thread -> !thread.equals(Thread.currentThread()))
                        .forEach(Thread::interrupt);
            }
        }
    }

    private static boolean joinFully(Thread thread, List<Thread> all) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                return interrupted;
            } catch (InterruptedException e) {
                interrupted = true;
                all.forEach(Thread::interrupt);
            }
        }
    }
}
