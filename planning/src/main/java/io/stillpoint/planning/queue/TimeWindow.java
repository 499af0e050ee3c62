package io.stillpoint.planning.queue;

import java.time.LocalTime;

/// A part of every day, as a clock on the wall shows it. If it does not end after it begins, it goes on past midnight; if
/// both are the same, it is the whole day.
///
/// Daylight saving follows from the clock on the wall: of a window that the clock leaps over nothing is left on that day,
/// and what the clock shows twice belongs to the window twice.
///
/// @param from the first moment
/// @param to the first moment that no longer belongs to it
public record TimeWindow(LocalTime from, LocalTime to) {
    boolean contains(LocalTime time) {
        boolean begun = !time.isBefore(from);
        boolean open = time.isBefore(to);
        return from.isBefore(to) ? begun && open : begun || open;
    }
}
