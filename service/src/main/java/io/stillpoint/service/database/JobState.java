package io.stillpoint.service.database;

import java.util.Locale;

/// How far a job is, as people see it (`docs/service.md`).
public enum JobState {
    /// Asked for, not begun.
    QUEUED,
    /// A process works on it.
    RUNNING,
    /// The snapshot is held, the transfer waits for its turn.
    WAITING,
    /// It failed for a reason that may pass.
    RETRYING,
    /// The point stands.
    MADE,
    /// It will not be tried again.
    FAILED,
    /// Somebody asked for its end.
    CANCELLED;

    /// Whether it has ended.
    public boolean isFinal() {
        return this == MADE || this == FAILED || this == CANCELLED;
    }

    /// The stable word.
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    static JobState of(String word) {
        return valueOf(word.toUpperCase(Locale.ROOT));
    }
}
