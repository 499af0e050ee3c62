package io.stillpoint.engine;

import io.stillpoint.platform.StillpointException;
import java.util.List;

/// How a restore ended.
public sealed interface RestoreOutcome {
    /// All disks are restored.
    record Restored() implements RestoreOutcome {
        @Override
        public void orThrow() {}
    }

    /// It failed; what was begun and not completed is gone.
    ///
    /// @param complete names of disks that were restored before, and stay
    record Failed(StillpointException why, List<String> complete) implements RestoreOutcome {
        public Failed {
            complete = List.copyOf(complete);
        }

        @Override
        public void orThrow() {
            throw why;
        }
    }

    /// Throws the reason unless all disks are restored.
    void orThrow();
}
