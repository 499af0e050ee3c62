package io.stillpoint.planning.retention;

import java.time.DayOfWeek;
import java.time.Month;
import java.time.ZoneId;
import java.util.Collections;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Which scheduled points are kept, and for how long; at least one rule of four. A point is kept as long as any rule keeps
/// it. `docs/retention.md` says what each means.
///
/// @param zone whose calendar days all rules mean
public record RetentionRules(
        ZoneId zone,
        Optional<Daily> daily,
        Optional<Weekly> weekly,
        Optional<Monthly> monthly,
        Optional<Yearly> yearly) {
    /// @throws RetentionException if there is no rule
    public RetentionRules {
        if (daily.isEmpty() && weekly.isEmpty() && monthly.isEmpty() && yearly.isEmpty()) {
            throw new RetentionException("retention.no-rule");
        }
    }

    /// Every point.
    ///
    /// @param keep days after the point's own, 1 to 9999
    public record Daily(int keep) {
        private static final int MAX = 9999;

        /// @throws RetentionException if the number is out of bounds
        public Daily {
            if (keep < 1 || keep > MAX) {
                throw new RetentionException("retention.days", keep, MAX);
            }
        }
    }

    /// The first point of each period, which goes from one of the days to the next.
    ///
    /// @param keep weeks after the day on which the period began, 1 to 5163
    public record Weekly(int keep, Set<DayOfWeek> on) {
        private static final int MAX = 5163;

        /// @throws RetentionException if the number is out of bounds, or no day is named
        public Weekly {
            if (keep < 1 || keep > MAX) {
                throw new RetentionException("retention.weeks", keep, MAX);
            }
            if (on.isEmpty()) {
                throw new RetentionException("retention.no-weekday");
            }
            on = Collections.unmodifiableSet(new TreeSet<>(on));
        }
    }

    /// The first point of each period, which goes from one of the days to the next.
    ///
    /// @param keep months after the month in which the period began, 1 to 1188
    public record Monthly(int keep, DayRule on) {
        private static final int MAX = 1188;

        /// @throws RetentionException if the number is out of bounds
        public Monthly {
            if (keep < 1 || keep > MAX) {
                throw new RetentionException("retention.months", keep, MAX);
            }
        }
    }

    /// The first point of each period, which goes from one of the days in one of the months to the next.
    ///
    /// @param keep years after the month in which the period began, 1 to 99
    public record Yearly(int keep, Set<Month> in, DayRule on) {
        private static final int MAX = 99;

        /// @throws RetentionException if the number is out of bounds, or no month is named
        public Yearly {
            if (keep < 1 || keep > MAX) {
                throw new RetentionException("retention.years", keep, MAX);
            }
            if (in.isEmpty()) {
                throw new RetentionException("retention.no-month");
            }
            in = Collections.unmodifiableSet(new TreeSet<>(in));
        }
    }
}
