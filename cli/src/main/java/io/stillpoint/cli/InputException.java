package io.stillpoint.cli;

import io.stillpoint.platform.StillpointException;
import java.util.List;

/// The arguments are well-formed, but can't be meant. The code tells why; see `messages.properties`.
final class InputException extends StillpointException {
    private static final long serialVersionUID = 1L;

    InputException(String code, Object... arguments) {
        super(InputException.class, code, null, List.of(arguments));
    }

    @Override
    public boolean retryable() {
        return false;
    }

    @Override
    public Blame blame() {
        return Blame.USER;
    }
}
