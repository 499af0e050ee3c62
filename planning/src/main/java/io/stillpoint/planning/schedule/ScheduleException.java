package io.stillpoint.planning.schedule;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/// A schedule was asked for that can't be, or more of one than there is. The code tells what; see `messages.properties`.
public final class ScheduleException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only: another schedule or question helps.
    public enum Kind implements FailureKind {
        SCHEDULE;

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
        super(ScheduleException.class, Kind.SCHEDULE, code, null, List.of(arguments));
    }

    @Override
    public Kind kind() {
        return (Kind) super.kind();
    }

    /// For people, as `2:30:00`. Any duration has such words, since an error's message must not fail.
    static String words(Duration duration) {
        return String.format(
                Locale.ROOT,
                "%s%d:%02d:%02d",
                duration.isNegative() ? "-" : "",
                Math.abs(duration.toHours()),
                Math.abs(duration.toMinutesPart()),
                Math.abs(duration.toSecondsPart()));
    }
}
