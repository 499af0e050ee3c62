package io.stillpoint.planning.retention;

/// Why a recovery point was made.
public enum Origin {
    /// By a schedule: the rules decide on it.
    SCHEDULED,
    /// Because somebody asked: it takes no part in the rules.
    ON_DEMAND
}
