package io.stillpoint.planning.retention;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;

/// Rules were asked for that keep nothing, or can't be. The code tells what; see `messages.properties`.
public final class RetentionException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only: other rules help.
    public enum Kind implements FailureKind {
        RULES;

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.USER;
        }
    }

    RetentionException(String code, Object... arguments) {
        super(RetentionException.class, Kind.RULES, code, null, List.of(arguments));
    }

    @Override
    public Kind kind() {
        return (Kind) super.kind();
    }
}
