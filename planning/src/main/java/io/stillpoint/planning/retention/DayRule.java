package io.stillpoint.planning.retention;

import java.time.DayOfWeek;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;

/// One or more days of a month, all of which every month has.
public sealed interface DayRule {
    /// A day by its number.
    ///
    /// @param day 1 to 28
    record DayOfMonth(int day) implements DayRule {
        /// @throws RetentionException if not every month has this day
        public DayOfMonth {
            if (day < 1 || day > 28) {
                throw new RetentionException("retention.no-such-day", day);
            }
        }
    }

    /// The last day of the month, be it the 28th or the 31st.
    record LastDay() implements DayRule {}

    /// Which of the month's days that are the same day of the week.
    enum Nth {
        FIRST(1),
        SECOND(2),
        THIRD(3),
        FOURTH(4),
        LAST(-1);

        /// As [TemporalAdjusters#dayOfWeekInMonth] takes it.
        final int ordinalInMonth;

        Nth(int ordinalInMonth) {
            this.ordinalInMonth = ordinalInMonth;
        }
    }

    /// As the first Sunday. Of several days of the week each is meant: the first Monday and the first Friday.
    record Weekdays(Nth nth, Set<DayOfWeek> on) implements DayRule {
        /// @throws RetentionException if no day of the week is named
        public Weekdays {
            if (on.isEmpty()) {
                throw new RetentionException("retention.no-weekday-of-month");
            }
            on = Collections.unmodifiableSet(new TreeSet<>(on));
        }
    }
}
