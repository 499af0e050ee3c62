package io.stillpoint.engine;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;

/// A job that could have been done is not, because somebody wants it so: the guest's owner, or the policy.
public final class JobException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// What stands in the way, in classes that call for different actions.
    public enum Kind implements FailureKind {
        /// The guest is not as it should be; it may fare better the next time.
        GUEST(true, Blame.GUEST),
        /// What was asked for does not fit together; asking again changes nothing.
        MISUSE(false, Blame.USER);

        private final boolean retryable;
        private final Blame blame;

        Kind(boolean retryable, Blame blame) {
            this.retryable = retryable;
            this.blame = blame;
        }

        @Override
        public boolean retryable() {
            return retryable;
        }

        @Override
        public Blame blame() {
            return blame;
        }
    }

    /// Of kind [Kind#GUEST].
    JobException(String code, Object... arguments) {
        this(Kind.GUEST, code, arguments);
    }

    private JobException(Kind kind, String code, Object... arguments) {
        super(JobException.class, kind, code, null, List.of(arguments));
    }

    /// Of kind [Kind#MISUSE].
    static JobException misuse(String code, Object... arguments) {
        return new JobException(Kind.MISUSE, code, arguments);
    }

    @Override
    public Kind kind() {
        return (Kind) super.kind();
    }
}
