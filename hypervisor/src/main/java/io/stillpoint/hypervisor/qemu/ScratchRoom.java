package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.ByteSize;
import java.util.function.LongSupplier;

/// How much a snapshot may take of the scratch folder's file system: what was allowed, but never the last of it. Others
/// need room there, too, and a full file system of the host harms more than a backup that is given up.
///
/// @param limit for the scratch images together
/// @param reserve bytes that stay free
/// @param usable bytes that can be written at this moment
public record ScratchRoom(ByteSize limit, long reserve, LongSupplier usable) {
    private static final long RESERVE_MAX = 1L << 30;

    /// A tenth of what is free at the beginning, at most a gibibyte.
    private static final long RESERVE_SHARE = 10;

    /// With less than this, and less than was allowed, there is no sense in beginning.
    private static final long USEFUL = 64L << 20;

    /// What snapshots may take of a file system that has so many bytes free.
    public static ByteSize room(long free) {
        return new ByteSize(free - Math.min(RESERVE_MAX, free / RESERVE_SHARE));
    }

    static ScratchRoom of(ByteSize allowed, ScratchFolder folder) {
        return of(allowed, folder::usable, folder.path());
    }

    static ScratchRoom of(ByteSize allowed, LongSupplier usable, Object folder) {
        long free = usable.getAsLong();
        long room = room(free).bytes();
        long reserve = free - room;
        if (room < allowed.bytes() && room < USEFUL) {
            throw new HypervisorException(
                    Kind.SNAPSHOT_BROKEN,
                    "scratch.no-room",
                    null,
                    folder,
                    new ByteSize(free).toString(),
                    new ByteSize(Math.min(allowed.bytes(), USEFUL) + reserve).toString());
        }
        return new ScratchRoom(new ByteSize(Math.min(allowed.bytes(), room)), reserve, usable);
    }

    /// Whether less than was allowed is there.
    boolean isLessThan(ByteSize allowed) {
        return limit.bytes() < allowed.bytes();
    }

    /// Whether so much is left that the snapshot may go on. Half of the reserve is for what others write meanwhile.
    boolean isSufficient() {
        return usable.getAsLong() >= reserve / 2;
    }
}
