package io.stillpoint.service.job;

import io.stillpoint.planning.queue.Admission;
import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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

    private final transient Optional<Instant> tryAgain;

    private JobsException(
            String code,
            Optional<Instant> tryAgain,
            @Nullable Throwable cause,
            Object... arguments) {
        super(JobsException.class, Kind.LATER, code, cause, List.of(arguments));
        this.tryAgain = tryAgain;
    }

    static JobsException notAdmitted(Admission.Refused refused) {
        return new JobsException(
                "job.no-scratch", Optional.of(refused.tryAgain()), null, refused.reason());
    }

    static JobsException vaultAway(String vault, StillpointException why) {
        return new JobsException("job.vault-away", Optional.empty(), why, vault, why.text());
    }

    /// When it may; empty if nobody knows.
    Optional<Instant> tryAgain() {
        return tryAgain;
    }
}
