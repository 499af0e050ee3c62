package io.stillpoint.planning.queue;

import java.time.Instant;
import java.util.List;

/// An answer of the [TransferQueue].
///
/// @param begin the transfers that begin now, in the order of their turn
/// @param forecasts of all transfers: those that run, then those that wait, each in the order in which they were given
/// @param askAgain when the queue must be asked again at the latest; earlier if a transfer comes, ends or is found to be
///     slower or faster. [Instant#MAX] if nothing waits or runs
public record Plan(List<Transfer> begin, List<Forecast> forecasts, Instant askAgain) {
    public Plan {
        begin = List.copyOf(begin);
        forecasts = List.copyOf(forecasts);
    }
}
