package io.stillpoint.guest;

import io.stillpoint.platform.StillpointException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The guest agent failed. Texts are in `messages.properties`.
public abstract sealed class GuestException extends StillpointException {
    private static final long serialVersionUID = 1L;

    private GuestException(String code, @Nullable Throwable cause, Object... arguments) {
        super(GuestException.class, code, cause, List.of(arguments));
    }

    /// `guest.unreachable`: nobody listens at the socket, or the connection dropped; the VM may have stopped.
    public static final class Unreachable extends GuestException {
        private static final long serialVersionUID = 1L;

        Unreachable(Object socket, String reason, @Nullable Throwable cause) {
            super("guest.unreachable", cause, socket, reason);
        }

        @Override
        public boolean retryable() {
            return true;
        }

        @Override
        public Blame blame() {
            return Blame.ENVIRONMENT;
        }
    }

    /// `guest.timeout` for a command, `guest.silent` when the agent does not answer at all: it does not run,
    /// is busy, or another program holds the socket. `guest.exec-timeout` for a program in the guest.
    public static final class TimedOut extends GuestException {
        private static final long serialVersionUID = 1L;

        TimedOut(String code, Object... arguments) {
            super(code, null, arguments);
        }

        @Override
        public boolean retryable() {
            return true;
        }

        @Override
        public Blame blame() {
            return Blame.GUEST;
        }
    }

    /// `guest.refused`: the agent answered with an error.
    public static final class Refused extends GuestException {
        private static final long serialVersionUID = 1L;

        private final String detail;

        Refused(Object socket, String command, String errorClass, String detail) {
            super("guest.refused", null, socket, command, errorClass, detail);
            this.detail = detail;
        }

        /// The agent's own words.
        public String detail() {
            return detail;
        }

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.GUEST;
        }
    }

    /// `guest.protocol`: what answers is no agent, or lies about the form of its answers.
    public static final class Protocol extends GuestException {
        private static final long serialVersionUID = 1L;

        Protocol(Object socket, String expected, String found) {
            super("guest.protocol", null, socket, expected, found);
        }

        @Override
        public boolean retryable() {
            return false;
        }

        @Override
        public Blame blame() {
            return Blame.GUEST;
        }
    }
}
