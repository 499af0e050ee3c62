package io.stillpoint.cli;

import io.stillpoint.platform.Cancellation;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/// Ctrl-C and termination signals: the job is asked to stop, undoes what it must, and only then the process ends.
/// A second signal does not hurry it: a frozen guest or a snapshot left behind would be worse than a wait. Where nothing
/// outside is held, nothing is worth a long wait: a thread that hangs is interrupted, and soon left behind.
final class Interruption {
    private static final long PATIENCE_SECONDS = 60;
    private static final long GRACE_SECONDS = 3;

    private static final CountDownLatch ENDED = new CountDownLatch(1);

    private Interruption() {}

    /// A cancellation that is requested when the process is asked to end, which then waits until the command
    /// [#ended]. For the thread that does the work.
    static Cancellation cancellation() {
        Cancellation cancellation = new Cancellation();
        Thread worker = Thread.currentThread();
        Runtime.getRuntime()
                .addShutdownHook(
                        Thread.ofPlatform()
                                .name("interruption")
                                .unstarted(() -> end(cancellation, worker)));
        return cancellation;
    }

    /// The command has ended; the process may.
    static void ended() {
        ENDED.countDown();
    }

    private static void end(Cancellation cancellation, Thread worker) {
        cancellation.request();
        try {
            if (ENDED.await(GRACE_SECONDS, TimeUnit.SECONDS)) {
                return;
            }
            cancellation.insist();
            for (long waited = GRACE_SECONDS; cancellation.isHeld(); waited++) {
                if (ENDED.await(1, TimeUnit.SECONDS)) {
                    return;
                }
                if (waited == PATIENCE_SECONDS) {
                    Output.complain(
                            Output.text("error.impatient", Long.toString(PATIENCE_SECONDS)));
                    return;
                }
            }
            worker.interrupt();
            boolean _ = ENDED.await(GRACE_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
