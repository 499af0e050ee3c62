package io.stillpoint.engine;

import io.stillpoint.platform.StillpointException;
import java.util.List;

/// A job that could have been done is not, because somebody wants it so: the guest's owner, or the policy.
public final class JobException extends StillpointException {
    private static final long serialVersionUID = 1L;

    private final boolean isMisuse;

    JobException(String code, Object... arguments) {
        this(false, code, arguments);
    }

    private JobException(boolean isMisuse, String code, Object... arguments) {
        super(JobException.class, code, null, List.of(arguments));
        this.isMisuse = isMisuse;
    }

    /// What was asked for does not fit together; asking again changes nothing.
    static JobException misuse(String code, Object... arguments) {
        return new JobException(true, code, arguments);
    }

    /// The guest may fare better the next time.
    @Override
    public boolean retryable() {
        return !isMisuse;
    }

    @Override
    public Blame blame() {
        return isMisuse ? Blame.USER : Blame.GUEST;
    }
}
