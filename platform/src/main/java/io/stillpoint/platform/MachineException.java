package io.stillpoint.platform;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// This machine, or the surroundings in which the process was started, won't do: memory, native code, the locale.
public final class MachineException extends StillpointException {
    private static final long serialVersionUID = 1L;

    public MachineException(String code, @Nullable Throwable cause, Object... arguments) {
        super(MachineException.class, code, cause, Arrays.asList(arguments));
    }

    @Override
    public boolean retryable() {
        return false;
    }

    @Override
    public Blame blame() {
        return Blame.ENVIRONMENT;
    }
}
