package io.stillpoint.cli;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;

/// The arguments are well-formed, but can't be meant. The code tells why; see `messages.properties`.
final class InputException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// There is one only: what the user gave.
    enum Kind implements FailureKind {
        INPUT;

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.USER;
        }
    }

    InputException(String code, Object... arguments) {
        super(InputException.class, Kind.INPUT, code, null, List.of(arguments));
    }
}
