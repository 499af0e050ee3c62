package io.stillpoint.hypervisor;

import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A hypervisor, an image or their protocols failed. The code tells what; see `messages.properties`.
public final class HypervisorException extends StillpointException {
    private static final long serialVersionUID = 1L;

    /// What failed, in classes that call for different actions.
    public enum Kind implements FailureKind {
        /// The socket or process is not there or went away: the VM may have stopped.
        UNREACHABLE(true, Blame.ENVIRONMENT),
        /// The peer broke its protocol.
        PROTOCOL(false, Blame.ENVIRONMENT),
        /// The peer refused a command.
        REFUSED(false, Blame.ENVIRONMENT),
        /// This VM can't be backed up safely by this way.
        UNSUPPORTED(false, Blame.USER),
        /// The VM is in a state in which its disks can't be read, as during a migration.
        UNFIT_STATE(true, Blame.ENVIRONMENT),
        /// Another program does something with this VM that stands in the way, and will end.
        BUSY(true, Blame.ENVIRONMENT),
        /// The held snapshot is no longer valid: scratch space ran out or was too slow.
        SNAPSHOT_BROKEN(true, Blame.ENVIRONMENT),
        /// An image file is missing, in use, or not what it claims to be.
        IMAGE(false, Blame.USER),
        /// There is no room for an image.
        NO_SPACE(true, Blame.ENVIRONMENT);

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

    public HypervisorException(
            Kind kind, String code, @Nullable Throwable cause, Object... arguments) {
        super(HypervisorException.class, kind, code, cause, List.of(arguments));
    }

    @Override
    public Kind kind() {
        return (Kind) super.kind();
    }
}
