package io.stillpoint.planning.retention;

import java.time.Instant;
import java.util.Optional;

/// What retention has to know of one recovery point.
///
/// @param id the point's; no two points of one question have the same
/// @param ordinal its place in the lineage: the highest is the latest, whatever the clocks said. Points that were made at
///     once may have the same
/// @param at the instant of its snapshot, as far as the clock was right
/// @param keepUntil a date of its own, before which it is not deleted
/// @param pin why somebody pinned it, perhaps empty; absent if nobody did
/// @param lockedUntil before which nobody can delete it
public record Candidate(
        String id,
        long ordinal,
        Instant at,
        Origin origin,
        Optional<Instant> keepUntil,
        Optional<String> pin,
        Optional<Instant> lockedUntil) {
    /// A scheduled point on which the rules alone decide.
    public static Candidate scheduled(String id, long ordinal, Instant at) {
        return new Candidate(
                id,
                ordinal,
                at,
                Origin.SCHEDULED,
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
    }
}
