package io.stillpoint.planning.retention;

import io.stillpoint.planning.retention.Periods.OnePeriod;
import java.time.LocalDate;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// The first point of each period of one rule.
final class Firsts {
    /// Ordinals only decide between points of one instant: a day is a matter of the calendar, and so of the clock. As
    /// this is a total order, a point does not become the first of its period while one before it stands.
    private static final Comparator<Candidate> BY_TIME =
            Comparator.comparing(Candidate::at)
                    .thenComparingLong(Candidate::ordinal)
                    .thenComparing(Candidate::id);

    private final Periods periods;
    private final Map<LocalDate, OnePeriod> known = new HashMap<>();
    private final Map<OnePeriod, Candidate> firsts = new HashMap<>();

    Firsts(Periods periods) {
        this.periods = periods;
    }

    /// Takes a point into account; in any order.
    void add(Candidate point, LocalDate day) {
        firsts.merge(
                with(day), point, (one, other) -> BY_TIME.compare(one, other) <= 0 ? one : other);
    }

    /// The period whose first point this is, once all were added.
    Optional<OnePeriod> chosen(Candidate point, LocalDate day) {
        OnePeriod period = with(day);
        return point.equals(firsts.get(period)) ? Optional.of(period) : Optional.empty();
    }

    private OnePeriod with(LocalDate day) {
        return known.computeIfAbsent(day, periods::with);
    }
}
