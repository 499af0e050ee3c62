package io.stillpoint.service.local;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;

/// A local snapshot is not there.
public final class LocalException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// What stands in the way.
    public enum Kind implements FailureKind {
        GONE,
        /// A job has the VM just now.
        BUSY;

        @Override
        public boolean retryable() {
            return this == BUSY;
        }

        @Override
        public Blame blame() {
            return Blame.ENVIRONMENT;
        }
    }

    private LocalException(Kind kind, String code, Object... arguments) {
        super(LocalException.class, kind, code, null, List.of(arguments));
    }

    /// @param why it has ended, if that is known
    static LocalException gone(String name, String why) {
        return new LocalException(Kind.GONE, "local.gone", name, why);
    }

    static LocalException busy() {
        return new LocalException(Kind.BUSY, "local.busy");
    }
}
