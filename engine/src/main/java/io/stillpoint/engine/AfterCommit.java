package io.stillpoint.engine;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.point.RecoveryPoint;
import java.util.ArrayList;
import java.util.List;

/// What fails once the point is made: it is told as a warning that names the point, and never as a failure of the job.
final class AfterCommit {
    private final RecoveryPoint point;
    private final JobReporter reporter;
    private final List<String> codes = new ArrayList<>();

    AfterCommit(RecoveryPoint point, JobReporter reporter) {
        this.point = point;
        this.reporter = reporter;
    }

    void attempt(Runnable step) {
        try {
            step.run();
        } catch (StillpointException e) {
            codes.add(e.code());
            reporter.warning(
                    "engine.after-commit",
                    e instanceof CancelledException
                            ? text("engine.stopped-after-commit", point.id())
                            : text("engine.after-commit", point.id(), e));
        }
    }

    /// What the vault says of itself.
    void tell(StillpointException unfinished) {
        codes.add(unfinished.code());
        reporter.warning(unfinished.text());
    }

    List<String> codes() {
        return List.copyOf(codes);
    }

    BackupOutcome outcome() {
        return codes.isEmpty()
                ? new BackupOutcome.Made(point)
                : new BackupOutcome.FailedAfterCommit(point, codes);
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(AfterCommit.class, code, arguments);
    }
}
