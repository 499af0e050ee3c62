package io.stillpoint.service.database;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The service's database can't be used, now or at all.
public final class DatabaseException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// What can be done.
    public enum Kind implements FailureKind {
        /// It is away, or too busy; it may come back.
        AWAY(true, Blame.ENVIRONMENT),
        /// It does not do what is asked: a full disk, no right, a damaged file. Somebody may mend that.
        REFUSED(true, Blame.ENVIRONMENT),
        /// Another program made it.
        NEWER(false, Blame.USER);

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

    DatabaseException(Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        super(DatabaseException.class, kind, code, cause, List.of(arguments));
    }
}
