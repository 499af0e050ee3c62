package io.stillpoint.service.local;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;

/// A local snapshot is not there.
public final class LocalException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only.
    public enum Kind implements FailureKind {
        GONE;

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.ENVIRONMENT;
        }
    }

    private LocalException(String code, Object... arguments) {
        super(LocalException.class, Kind.GONE, code, null, List.of(arguments));
    }

    /// @param why it has ended, if that is known
    static LocalException gone(String name, String why) {
        return new LocalException("local.gone", name, why);
    }
}
