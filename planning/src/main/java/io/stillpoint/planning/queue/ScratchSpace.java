package io.stillpoint.planning.queue;

import io.stillpoint.platform.ByteSize;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// The space on one host in which snapshots keep what guests overwrite.
///
/// @param free what may be taken, without the reserve that is never touched
/// @param held the snapshots that take it now
public record ScratchSpace(String host, ByteSize free, List<HeldScratch> held) {
    public ScratchSpace {
        held = List.copyOf(held);
    }

    /// The free space when it is smallest between two instants, if all writes go on as they do and no snapshot is added;
    /// negative if it does not suffice. Between two releases it only shrinks, so it is smallest before one, or in the end.
    /// A snapshot that should have been released already, and was not, counts as one that stays.
    long leastFree(Instant now, Instant end) {
        return Stream.concat(
                        held.stream()
                                .map(HeldScratch::until)
                                .filter(each -> each.isAfter(now) && each.isBefore(end)),
                        Stream.of(end))
                .mapToLong(each -> freeBefore(now, each))
                .min()
                .orElseThrow();
    }

    private long freeBefore(Instant now, Instant moment) {
        // Doubles: sums of sizes without bound must not wrap around.
        double space = free.bytes();
        for (HeldScratch each : held) {
            boolean gone = each.until().isAfter(now) && each.until().isBefore(moment);
            space += gone ? each.taken().bytes() : -each.grown(now, moment);
        }
        return (long) space;
    }

    /// As it will be just after an instant at which some are released, if all goes on as it does.
    ScratchSpace at(Instant now, Instant moment) {
        long space = free.bytes();
        List<HeldScratch> stay = new ArrayList<>();
        for (HeldScratch each : held) {
            if (each.until().isAfter(now) && !each.until().isAfter(moment)) {
                space += each.taken().bytes();
            } else {
                space -= each.grown(now, moment);
                stay.add(each.later(now, moment));
            }
        }
        return new ScratchSpace(host, new ByteSize(Math.max(0, space)), stay);
    }

    ScratchSpace with(HeldScratch another) {
        return new ScratchSpace(
                host, free, Stream.concat(held.stream(), Stream.of(another)).toList());
    }
}
