package io.stillpoint.planning.retention;

/// Which of the rules.
public enum Tier {
    DAILY,
    WEEKLY,
    MONTHLY,
    YEARLY
}
