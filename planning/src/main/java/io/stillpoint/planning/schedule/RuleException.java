package io.stillpoint.planning.schedule;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;

/// A rule that somebody wants makes no sense.
public final class RuleException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only: somebody has to want something else.
    public enum Kind implements FailureKind {
        IMPOSSIBLE;

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.USER;
        }
    }

    /// @param anchor a class of the package whose bundle holds the text
    public RuleException(Class<?> anchor, String code, Object... arguments) {
        super(anchor, Kind.IMPOSSIBLE, code, null, List.of(arguments));
    }
}
