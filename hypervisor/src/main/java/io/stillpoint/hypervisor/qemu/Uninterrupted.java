package io.stillpoint.hypervisor.qemu;

/// Cleaning that must go on in a thread that is to end: a cancelled job is interrupted, and an interrupted
/// thread can neither use a channel nor wait for an answer.
final class Uninterrupted {
    private Uninterrupted() {}

    /// Runs it with the interrupt put aside until its end.
    static void run(Runnable cleaning) {
        boolean interrupted = Thread.interrupted();
        try {
            cleaning.run();
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
