package io.stillpoint.planning.schedule;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.LocalTime;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/// How often a job is due, by the clock on the wall of the schedule's zone. What can't be is refused with a
/// [ScheduleException].
public sealed interface Rhythm {
    /// So many times a day are possible.
    int TIMES_MAX = 24;

    /// Every few elapsed hours in a window of each day. The next opening ends a window; a slot less than half of `every`
    /// before the next opening is left out.
    ///
    /// @param every hours: 1, 2, 4, 6, 8 or 12
    /// @param from when the window opens; whole minutes
    /// @param window how long it is open, in elapsed time: 1 minute to 24 hours; the slot at its end is none of it
    record Hourly(int every, LocalTime from, Duration window) implements Rhythm {
        private static final List<Integer> HOURS = List.of(1, 2, 4, 6, 8, 12);
        private static final Duration WINDOW_MIN = Duration.ofMinutes(1);
        private static final Duration WINDOW_MAX = Duration.ofHours(24);

        public Hourly {
            if (!HOURS.contains(every)) {
                throw new ScheduleException("schedule.every", every, "1, 2, 4, 6, 8, 12");
            }
            requireWholeMinute(from);
            if (window.compareTo(WINDOW_MIN) < 0 || window.compareTo(WINDOW_MAX) > 0) {
                throw new ScheduleException(
                        "schedule.window",
                        ScheduleException.words(window),
                        ScheduleException.words(WINDOW_MIN),
                        ScheduleException.words(WINDOW_MAX));
            }
        }
    }

    /// At the same times each day.
    ///
    /// @param at 1 to 24 times; whole minutes
    record Daily(SortedSet<LocalTime> at) implements Rhythm {
        public Daily {
            at = times(at);
        }
    }

    /// At the same times of some days of the week.
    ///
    /// @param on at least one
    /// @param at 1 to 24 times; whole minutes
    record Weekly(Set<DayOfWeek> on, SortedSet<LocalTime> at) implements Rhythm {
        public Weekly {
            if (on.isEmpty()) {
                throw new ScheduleException("schedule.no-day");
            }
            on = Collections.unmodifiableSet(EnumSet.copyOf(on));
            at = times(at);
        }
    }

    private static SortedSet<LocalTime> times(SortedSet<LocalTime> at) {
        if (at.isEmpty() || at.size() > TIMES_MAX) {
            throw new ScheduleException("schedule.times", at.size(), TIMES_MAX);
        }
        at.forEach(Rhythm::requireWholeMinute);
        // Not by its constructor, which would take over the order of the other set.
        SortedSet<LocalTime> times = new TreeSet<>();
        times.addAll(at);
        return Collections.unmodifiableSortedSet(times);
    }

    private static void requireWholeMinute(LocalTime time) {
        if (time.getSecond() != 0 || time.getNano() != 0) {
            throw new ScheduleException("schedule.fraction", time);
        }
    }
}
