package io.stillpoint.planning.queue;

import io.stillpoint.platform.text.Text;
import java.time.Instant;

/// What becomes of a transfer if all rates stay as they are and no other transfer comes.
///
/// @param begin now for one that runs or begins now; [Instant#MAX] if no limit lets it begin within
///     [TransferQueue#HORIZON]
/// @param end [Instant#MAX] if it never begins
/// @param waitsFor what it waits for at present; empty if it runs or begins now
public record Forecast(Transfer transfer, Instant begin, Instant end, Text waitsFor) {
    /// Whether it ends after its deadline.
    public boolean misses() {
        return end.isAfter(transfer.deadline());
    }
}
