package io.stillpoint.cli;

import io.stillpoint.platform.Cancellation;
import java.util.concurrent.TimeUnit;

/// Ctrl-C and termination signals: the job is asked to stop, undoes what it must, and only then the process ends.
/// A second signal does not hurry it: a frozen guest or a snapshot left behind would be worse than a wait.
final class Interruption {
    private static final long PATIENCE_SECONDS = 60;

    private Interruption() {}

    /// A cancellation that is requested when the process is asked to end, which then waits for the calling
    /// thread.
    static Cancellation cancellation() {
        Cancellation cancellation = new Cancellation();
        Thread main = Thread.currentThread();
        Thread hook =
                Thread.ofPlatform()
                        .name("interruption")
                        .unstarted(() -> {
                            cancellation.request();
                            awaitEnd(main);
                        });
        Runtime.getRuntime().addShutdownHook(hook);
        return cancellation;
    }

    private static void awaitEnd(Thread main) {
        try {
            main.join(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
