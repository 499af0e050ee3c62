package io.stillpoint.planning.queue;

import io.stillpoint.platform.ByteSize;
import java.time.Instant;

/// A snapshot that is held, as its host's scratch space sees it.
///
/// @param taken what it has taken so far, and gives back when it is released
/// @param until when it is released: the forecast end of its transfer, or later if it is kept for instant restore;
///     [Instant#MAX] if nobody knows
public record HeldScratch(ByteSize taken, GuestWrites writes, Instant until) {
    long grown(Instant from, Instant to) {
        return writes.between(from, to, taken.bytes());
    }

    HeldScratch later(Instant from, Instant to) {
        return new HeldScratch(new ByteSize(taken.bytes() + grown(from, to)), writes, until);
    }
}
