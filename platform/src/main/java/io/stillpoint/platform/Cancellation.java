package io.stillpoint.platform;

/// A wish to stop, raised by one thread and asked for by others at places where stopping is safe.
public final class Cancellation {
    private volatile boolean requested;

    /// Raises the wish; it stays raised.
    public void request() {
        requested = true;
    }

    /// Throws [CancelledException] if stopping was asked for.
    public void check() {
        if (requested) {
            throw new CancelledException();
        }
    }
}
