package io.stillpoint.service.job;

import io.stillpoint.planning.queue.Admission;
import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.time.Instant;
import java.util.List;

/// A job may not begin now.
public final class JobsException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only.
    public enum Kind implements FailureKind {
        LATER;

        @Override
        public boolean retryable() {
            return true;
        }

        @Override
        public Blame blame() {
            return Blame.ENVIRONMENT;
        }
    }

    private final Instant tryAgain;

    private JobsException(String code, Instant tryAgain, Object... arguments) {
        super(JobsException.class, Kind.LATER, code, null, List.of(arguments));
        this.tryAgain = tryAgain;
    }

    static JobsException notAdmitted(Admission.Refused refused) {
        return new JobsException("job.no-scratch", refused.tryAgain(), refused.reason());
    }

    /// When it may.
    Instant tryAgain() {
        return tryAgain;
    }
}
