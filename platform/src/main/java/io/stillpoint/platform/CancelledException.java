package io.stillpoint.platform;

import java.util.List;

/// The user asked to stop. What was begun has been undone by the time this reaches the user.
public final class CancelledException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only.
    public enum Kind implements FailureKind {
        CANCELLED;

        @Override
        public boolean retryable() {
            return true;
        }

        @Override
        public Blame blame() {
            return Blame.USER;
        }
    }

    public CancelledException() {
        super(CancelledException.class, Kind.CANCELLED, "platform.cancelled", null, List.of());
    }
}
