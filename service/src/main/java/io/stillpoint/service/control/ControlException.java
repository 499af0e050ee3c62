package io.stillpoint.service.control;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The service can't be reached, or refused what a command asked for.
public final class ControlException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// What can be done.
    public enum Kind implements FailureKind {
        /// Nobody listens.
        AWAY(true, Blame.ENVIRONMENT),
        /// Somebody listens, and gave no whole answer: what came of the request is not known.
        BROKEN(true, Blame.ENVIRONMENT),
        /// The socket can't be made.
        SOCKET(false, Blame.ENVIRONMENT),
        /// The request makes no sense.
        REQUEST(false, Blame.USER),
        /// The service refused it, and says why.
        REFUSED(false, Blame.USER);

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

    private ControlException(
            Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        super(ControlException.class, kind, code, cause, List.of(arguments));
    }

    static ControlException away(Path socket, Object why, @Nullable Throwable cause) {
        return new ControlException(Kind.AWAY, "control.away", cause, socket, why);
    }

    static ControlException ended(Path socket) {
        return new ControlException(Kind.BROKEN, "control.ended", null, socket);
    }

    static ControlException broken(Path socket, Object why, Throwable cause) {
        return new ControlException(Kind.BROKEN, "control.broken", cause, socket, why);
    }

    /// @param seconds for which nothing came
    static ControlException silent(Path socket, long seconds) {
        return new ControlException(Kind.BROKEN, "control.silent", null, socket, seconds);
    }

    /// @param key of an answer's field
    /// @param found what is there
    static ControlException unreadable(String key, String found, @Nullable Throwable cause) {
        return new ControlException(Kind.SOCKET, "control.unreadable", cause, key, found);
    }

    static ControlException socket(Path socket, Object why, @Nullable Throwable cause) {
        return new ControlException(Kind.SOCKET, "control.socket", cause, socket, why);
    }

    static ControlException taken(Path socket) {
        return new ControlException(Kind.SOCKET, "control.taken", null, socket);
    }

    static ControlException noSocket(Path socket) {
        return new ControlException(Kind.SOCKET, "control.no-socket", null, socket);
    }

    static ControlException otherUsers(Path socket, Path folder) {
        return new ControlException(Kind.SOCKET, "control.other-users", null, socket, folder);
    }

    static ControlException request(String what) {
        return new ControlException(Kind.REQUEST, "control.request", null, what);
    }

    /// @param what a whole sentence
    static ControlException wrong(String what) {
        return new ControlException(Kind.REQUEST, "control.wrong", null, what);
    }

    /// @param socket where this user may not connect
    static ControlException denied(Path socket, Throwable cause) {
        return new ControlException(Kind.SOCKET, "control.denied", cause, socket);
    }

    /// @param socket where something else than a service answers
    static ControlException stranger(Path socket, @Nullable Throwable cause) {
        return new ControlException(Kind.SOCKET, "control.stranger", cause, socket);
    }

    /// @param code what the service says
    /// @param message what the service says
    static ControlException refused(String code, String message) {
        return new ControlException(Kind.REFUSED, "control.refused", null, message, code);
    }
}
