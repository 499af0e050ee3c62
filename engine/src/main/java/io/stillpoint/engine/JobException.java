package io.stillpoint.engine;

import io.stillpoint.platform.StillpointException;
import java.util.List;

/// A job that could have been done is not, because somebody wants it so: the guest's owner, or the policy.
public final class JobException extends StillpointException {
    private static final long serialVersionUID = 1L;

    JobException(String code, Object... arguments) {
        super(JobException.class, code, null, List.of(arguments));
    }

    /// The guest may fare better the next time.
    @Override
    public boolean retryable() {
        return true;
    }

    @Override
    public Blame blame() {
        return Blame.GUEST;
    }
}
