package io.stillpoint.service;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The service can't start.
public final class ServiceException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only: somebody has to change something first.
    public enum Kind implements FailureKind {
        START;

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.ENVIRONMENT;
        }
    }

    private ServiceException(String code, @Nullable Throwable cause, Object... arguments) {
        super(ServiceException.class, Kind.START, code, cause, List.of(arguments));
    }

    static ServiceException running(String name, Path state) {
        return new ServiceException("service.running", null, name, state);
    }

    static ServiceException sameName(String name, Object database) {
        return new ServiceException("service.same-name", null, name, database);
    }

    static ServiceException databaseInUse(Object database) {
        return new ServiceException("service.database-in-use", null, database);
    }

    static ServiceException otherUsers(Path state) {
        return new ServiceException("service.other-users", null, state);
    }

    static ServiceException state(Path state, Object why, Throwable cause) {
        return new ServiceException("service.state", cause, state, why);
    }
}
