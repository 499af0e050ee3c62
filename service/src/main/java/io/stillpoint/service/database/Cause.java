package io.stillpoint.service.database;

import java.util.Locale;

/// What a job is for, and so is its point.
public enum Cause {
    /// A slot of a schedule.
    SCHEDULE,
    /// Somebody asked for it.
    DEMAND;

    /// The stable word.
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Cause of(String word) {
        return valueOf(word.toUpperCase(Locale.ROOT));
    }
}
