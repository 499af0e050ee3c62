package io.stillpoint.demo;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The guest could not be built, or a VM not be run. The code tells what; see `messages.properties`.
public final class DemoException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// What failed, in classes that call for different actions.
    public enum Kind implements FailureKind {
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

        @Override
        public boolean retryable() {
            return retryable;
        }

        @Override
        public Blame blame() {
            return blame;
        }
    }

    DemoException(Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        super(DemoException.class, kind, code, cause, List.of(arguments));
    }

    @Override
    public Kind kind() {
        return (Kind) super.kind();
    }
}
