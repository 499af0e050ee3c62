package io.stillpoint.guest;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The guest's agent could not be reached, did not answer, refused a command or broke its protocol. The
/// code tells what; see `messages.properties`.
public final class GuestException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// What failed, in classes that call for different actions.
    public enum Kind implements FailureKind {
        /// No socket, nobody listens, or the connection broke: the VM may have stopped.
        UNREACHABLE(true),
        /// No answer in time: no agent runs, it is busy, or another program holds its channel.
        TIMEOUT(true),
        /// The agent answered with an error.
        REFUSED(false),
        /// What answers is not an agent, or says what an agent does not say.
        PROTOCOL(false);

        private final boolean retryable;

        Kind(boolean retryable) {
            this.retryable = retryable;
        }

        @Override
        public boolean retryable() {
            return retryable;
        }

        @Override
        public Blame blame() {
            return Blame.GUEST;
        }
    }

    GuestException(Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        super(GuestException.class, kind, code, cause, List.of(arguments));
    }

    /// The socket is no free channel of the VM that is meant: nothing was sent.
    public static GuestException otherChannel(Path socket) {
        return new GuestException(Kind.UNREACHABLE, "guest.other-channel", null, socket);
    }

    /// The connection that was made reached another program than the VM that is meant: nothing was sent.
    public static GuestException leadsElsewhere(Path socket) {
        return new GuestException(Kind.UNREACHABLE, "guest.leads-elsewhere", null, socket);
    }

    @Override
    public Kind kind() {
        return (Kind) super.kind();
    }
}
