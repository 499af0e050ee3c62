package io.stillpoint.engine;

import io.stillpoint.platform.StillpointException;
import io.stillpoint.vault.point.Consistency;
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

    /// The snapshot would be of less worth than the policy accepts.
    static JobException below(Consistency reached, Consistency atLeast, Shortfall why) {
        return new JobException("engine.below-minimum", reached.word(), atLeast.word(), why.text());
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
