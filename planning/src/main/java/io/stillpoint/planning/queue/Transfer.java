package io.stillpoint.planning.queue;

import java.time.Instant;

/// The transfer of one held snapshot, whether it waits or runs.
///
/// @param id names it among all others, such as the job's id
/// @param deadline when the whole job should have ended: the schedule's slot and 24 hours
/// @param estimate what is left of it, and how fast it goes
/// @param rules of its policy
public record Transfer(
        String id, Route route, Instant deadline, Estimate estimate, TransferRules rules) {}
