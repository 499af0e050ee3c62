package io.stillpoint.planning.queue;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;

/// When a policy wants no transfer to begin. One that runs already goes on.
///
/// @param zone whose clocks the windows mean
public record PeakWindows(ZoneId zone, List<TimeWindow> windows) {
    /// No peak at all.
    public static final PeakWindows NONE = new PeakWindows(ZoneOffset.UTC, List.of());

    public PeakWindows {
        windows = List.copyOf(windows);
    }

    /// Whether this instant is in a peak.
    public boolean at(Instant instant) {
        return limits().at(instant) == 0;
    }

    /// The same as a limit of begins: none in a peak, any number outside.
    LimitsByTime limits() {
        return new LimitsByTime(
                zone,
                LimitsByTime.UNLIMITED,
                windows.stream().map(each -> new LimitsByTime.Limit(each, 0)).toList());
    }
}
