package io.stillpoint.planning.schedule;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.LocalTime;
import java.time.temporal.ChronoUnit;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/// On which days and at which times of the day, on the clocks of the schedule's zone.
public sealed interface Rhythm {
    /// Times of a day at most.
    int TIMES_MAX = 24;

    /// Every so many hours in a window of each day.
    ///
    /// @param every 1, 2, 4, 6, 8 or 12 hours, as they pass and not as clocks show them
    /// @param from when the window opens
    /// @param window how long it is open; 24 hours at most
    record Hourly(int every, LocalTime from, Duration window) implements Rhythm {
        private static final Set<Integer> POSSIBLE = Set.of(1, 2, 4, 6, 8, 12);
        private static final Duration DAY = Duration.ofHours(24);

        public Hourly {
            if (!POSSIBLE.contains(every)) {
                throw new ScheduleException("schedule.every", Integer.toString(every));
            }
            requireMinute(from);
            if (window.compareTo(Duration.ofMinutes(1)) < 0 || window.compareTo(DAY) > 0) {
                throw new ScheduleException("schedule.window", window);
            }
        }
    }

    /// On each day.
    record Daily(SortedSet<LocalTime> at) implements Rhythm {
        public Daily {
            at = times(at);
        }
    }

    /// On some days of the week.
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
            throw new ScheduleException(
                    "schedule.times", Integer.toString(at.size()), Integer.toString(TIMES_MAX));
        }
        at.forEach(Rhythm::requireMinute);
        return Collections.unmodifiableSortedSet(new TreeSet<>(at));
    }

    private static void requireMinute(LocalTime time) {
        if (!time.equals(time.truncatedTo(ChronoUnit.MINUTES))) {
            throw new ScheduleException("schedule.minute", time);
        }
    }
}
