package io.stillpoint.guest.extension;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A guest can't have its extension, or the host can't give it one. The code tells why; see `messages.properties`.
public final class ExtensionException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// What stands in the way, in classes that call for different actions.
    public enum Kind implements FailureKind {
        /// Something in the guest, until it is set right there.
        GUEST(false, Blame.GUEST),
        /// Something in the guest that passes.
        BUSY(true, Blame.GUEST),
        /// This build of Stillpoint has nothing for such a guest.
        BUILD(false, Blame.ENVIRONMENT),
        /// The state folder on the host.
        STATE(false, Blame.ENVIRONMENT),
        /// What the user gave.
        INPUT(false, Blame.USER);

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

    ExtensionException(Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        super(ExtensionException.class, kind, code, cause, List.of(arguments));
    }

    @Override
    public Kind kind() {
        return (Kind) super.kind();
    }
}
