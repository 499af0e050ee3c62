package io.stillpoint.engine;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.vault.point.RecoveryPoint;
import java.util.List;
import java.util.Optional;

/// How a backup ended.
public sealed interface BackupOutcome {
    /// The point is made, and everything is let go of.
    record Made(RecoveryPoint point) implements BackupOutcome {
        @Override
        public RecoveryPoint orThrow() {
            return point;
        }
    }

    /// The point is made and can be restored, but something failed after that: the snapshot may still be there until the
    /// next job, or the store may not yet keep the point from being deleted.
    ///
    /// @param codes of what failed, at least one; each was told as a warning
    record FailedAfterCommit(RecoveryPoint point, List<String> codes) implements BackupOutcome {
        public FailedAfterCommit {
            codes = List.copyOf(codes);
        }

        @Override
        public RecoveryPoint orThrow() {
            return point;
        }
    }

    /// There is no point, and nothing is left of the job.
    record Failed(StillpointException why) implements BackupOutcome {
        @Override
        public RecoveryPoint orThrow() {
            throw why;
        }
    }

    /// The snapshot of a job that was to be resumed is not whole any more. There is no point, nothing is left of the job,
    /// and a new one may begin at once.
    record StartAnew(HypervisorException why) implements BackupOutcome {
        @Override
        public RecoveryPoint orThrow() {
            throw why;
        }
    }

    /// Nothing is decided: the job was asked to pause, or nobody can tell how it stands now. If its journal outlives the
    /// process, what the job holds stays as it is, and the job can be resumed.
    record Suspended(StillpointException why) implements BackupOutcome {
        @Override
        public RecoveryPoint orThrow() {
            throw why;
        }
    }

    /// The point, or the reason why there is none.
    RecoveryPoint orThrow();

    /// The point, if there is one.
    default Optional<RecoveryPoint> recoveryPoint() {
        return this instanceof Made || this instanceof FailedAfterCommit
                ? Optional.of(orThrow())
                : Optional.empty();
    }
}
