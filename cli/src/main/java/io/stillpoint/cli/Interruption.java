package io.stillpoint.cli;

import io.stillpoint.platform.Cancellation;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Ctrl-C and termination signals: the job is asked to stop, undoes what it must, and only then the process ends.
/// A second signal does not hurry it: a frozen guest or a snapshot left behind would be worse than a wait.
final class Interruption {
    private static final long PATIENCE_SECONDS = 60;

    private static final CountDownLatch ENDED = new CountDownLatch(1);

    private Interruption() {}

    /// A cancellation that is requested when the process is asked to end, which then waits until the command
    /// [#ended].
    static Cancellation cancellation() {
        Cancellation cancellation = new Cancellation();
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform()
                                .name("interruption")
                                .unstarted(() -> {
                                    cancellation.request();
                                    awaitEnd();
                                }));
        return cancellation;
    }

    /// The command has ended; the process may.
    static void ended() {
        ENDED.countDown();
    }

    private static void awaitEnd() {
        try {
            if (!ENDED.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
                Output.complain(Output.text("error.impatient", Long.toString(PATIENCE_SECONDS)));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
