package io.stillpoint.demo;

import io.stillpoint.platform.StillpointException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The guest could not be built, or a VM not be run. The code tells what; see `messages.properties`.
public final class DemoException extends StillpointException {
    private static final long serialVersionUID = 1L;

    private final Kind kind;

    /// What failed, in classes that call for different actions.
    public enum Kind {
        /// A program or a package is not there.
        MISSING(true, Blame.ENVIRONMENT),
        /// What was asked for can't be: a file that is not there, a path that is too long.
        REQUEST(false, Blame.USER),
        /// The VM's process ended or does not answer.
        VM(false, Blame.ENVIRONMENT),
        /// Stillpoint did not do what it claims.
        CLAIM(false, Blame.US);

        private final boolean retryable;
        private final Blame blame;

        Kind(boolean retryable, Blame blame) {
            this.retryable = retryable;
            this.blame = blame;
        }
    }

    DemoException(Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        super(DemoException.class, code, cause, List.of(arguments));
        this.kind = kind;
    }

    public Kind kind() {
        return kind;
    }

    @Override
    public boolean retryable() {
        return kind.retryable;
    }

    @Override
    public Blame blame() {
        return kind.blame;
    }
}
