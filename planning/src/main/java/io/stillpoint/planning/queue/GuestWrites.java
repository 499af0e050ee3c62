package io.stillpoint.planning.queue;

import io.stillpoint.platform.ByteSize;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/// How fast a held snapshot takes scratch space, because its guest writes on.
///
/// @param bytesPerSecond of scratch space, not of writes: what is overwritten twice is copied once
/// @param most where it ends: all that the disks hold, or the limit of the snapshot if that is lower
public record GuestWrites(long bytesPerSecond, ByteSize most) {
    /// Before anything was measured: a busy database writes so much; most guests write far less.
    public static final long FIRST = 8L << 20;

    /// A snapshot that was held, and what it took.
    public record Earlier(ByteSize taken, Duration held) {}

    public GuestWrites {
        if (bytesPerSecond < 0) {
            throw new IllegalArgumentException("a rate of " + bytesPerSecond + " bytes a second");
        }
    }

    /// As the fastest of the latest snapshots of the same VM, and a quarter more: what runs out breaks the snapshot, what
    /// is left over costs nothing. [#FIRST] for a VM that has none.
    ///
    /// @param earlier newest first
    public static GuestWrites of(List<Earlier> earlier, ByteSize most) {
        double fastest =
                earlier.stream()
                        .limit(Estimate.EARLIER_MAX)
                        .filter(each -> each.held().isPositive())
                        .mapToDouble(each -> each.taken().bytes() / seconds(each.held()))
                        .max()
                        .orElse(FIRST / 1.25);
        return new GuestWrites((long) Math.ceil(fastest * 1.25), most);
    }

    /// What it takes between two instants if it has taken so much before.
    long between(Instant from, Instant to, long taken) {
        long room = Math.max(0, most.bytes() - taken);
        if (to.equals(Instant.MAX)) {
            return room;
        }
        double grown = Math.ceil(bytesPerSecond * seconds(Duration.between(from, to)));
        return grown >= room ? room : (long) grown;
    }

    private static double seconds(Duration time) {
        return time.getSeconds() + time.getNano() / 1e9;
    }
}
