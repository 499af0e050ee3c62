package io.stillpoint.planning.schedule;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;

/// A schedule that somebody wants makes no sense. The code tells what; see `messages.properties`.
public final class ScheduleException extends StillpointException {
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

    ScheduleException(String code, Object... arguments) {
        super(ScheduleException.class, Kind.IMPOSSIBLE, code, null, List.of(arguments));
    }
}
