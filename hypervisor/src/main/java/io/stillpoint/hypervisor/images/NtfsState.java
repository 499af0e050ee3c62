package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.Shutdown.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Whether an NTFS was dismounted: the dirty flag of `$Volume`, and whether `$LogFile` has a client still (the Linux-NTFS
/// Project, "NTFS Documentation"; ntfs-3g, `logfile.c`). A Windows that hibernates, or that starts fast, keeps its volumes
/// in use.
final class NtfsState {
    private static final int LOG_FILE = 2;
    private static final int VOLUME = 3;
    private static final int DATA = 0x80;
    private static final int VOLUME_INFORMATION = 0x70;
    private static final int DIRTY = 1;
    private static final int NO_CLIENT = 0xffff;
    private static final int VOLUME_IS_CLEAN = 2;
    private static final int PAGE = 4096;
    private static final int RECORD_MAX = 65_536;
    private static final int RUNS_MAX = 4096;

    private final Region volume;
    private final long cluster;
    private final long recordBytes;

    private NtfsState(Region volume, long cluster, long recordBytes) {
        this.volume = volume;
        this.cluster = cluster;
        this.recordBytes = recordBytes;
    }

    static State of(Region at) {
        long sector = at.u16(11);
        int perCluster = at.u8(13);
        long cluster = sector * (perCluster > 0x80 ? 1L << (256 - perCluster) : perCluster);
        int size = (byte) at.u8(64);
        long recordBytes = size > 0 ? size * cluster : 1L << Math.min(-size, 30);
        boolean isSane =
                Long.bitCount(sector) == 1
                        && sector >= 256
                        && Long.bitCount(cluster) == 1
                        && cluster <= 2 << 20
                        && recordBytes >= 256
                        && recordBytes <= RECORD_MAX;
        return isSane ? new NtfsState(at, cluster, recordBytes).state() : State.UNKNOWN;
    }

    private State state() {
        Optional<Integer> flags =
                attribute(VOLUME, VOLUME_INFORMATION)
                        .filter(attribute -> attribute.u8(8) == 0)
                        .map(attribute -> attribute.u16(attribute.u16(0x14) + 0x0aL));
        Optional<List<Run>> runs =
                attribute(LOG_FILE, DATA).filter(attribute -> attribute.u8(8) == 1).map(this::runs);
        if (flags.isEmpty() || runs.isEmpty()) {
            return State.UNKNOWN;
        }
        if ((flags.get() & DIRTY) != 0) {
            return State.UNCLEAN;
        }
        return logState(runs.get());
    }

    /// Of the two restart pages the newer one counts.
    private State logState(List<Run> runs) {
        State state = State.UNKNOWN;
        long newest = Long.MIN_VALUE;
        for (int page = 0; page < 2; page++) {
            Optional<Region> at = place(runs, (long) page * PAGE);
            if (at.isEmpty()) {
                continue;
            }
            Region restart = at.get();
            if (restart.u32(0) == 0xffffffffL) {
                // As it is made: nothing was ever written.
                state = newest == Long.MIN_VALUE ? State.CLEAN : state;
                continue;
            }
            if (!restart.has(0, "RSTR") && !restart.has(0, "CHKD")) {
                continue;
            }
            long area = restart.u16(0x18);
            long written = restart.u64(area);
            if (written >= newest) {
                newest = written;
                boolean isClean =
                        restart.u16(area + 0x0c) == NO_CLIENT
                                || (restart.u16(area + 0x0e) & VOLUME_IS_CLEAN) != 0;
                state = isClean ? State.CLEAN : State.UNCLEAN;
            }
        }
        return state;
    }

    private Optional<Region> place(List<Run> runs, long offset) {
        long at = 0;
        for (Run run : runs) {
            long bytes = run.clusters * cluster;
            if (offset >= at && offset + PAGE <= at + bytes) {
                long place = run.first * cluster + offset - at;
                return volume.contains(place, PAGE)
                        ? Optional.of(volume.part(place, PAGE))
                        : Optional.empty();
            }
            at += bytes;
        }
        return Optional.empty();
    }

    private record Run(long first, long clusters) {}

    /// Each run: a byte with the sizes of two numbers, the length, the distance from the run before.
    private List<Run> runs(Region attribute) {
        List<Run> runs = new ArrayList<>();
        long at = attribute.u16(0x20);
        long first = 0;
        while (at < attribute.length() && runs.size() < RUNS_MAX) {
            int sizes = attribute.u8(at);
            int lengthBytes = sizes & 15;
            int distanceBytes = sizes >> 4;
            if (lengthBytes == 0 || lengthBytes > 8 || distanceBytes == 0 || distanceBytes > 8) {
                break;
            }
            long clusters = number(attribute, at + 1, lengthBytes, false);
            first += number(attribute, at + 1 + lengthBytes, distanceBytes, true);
            if (clusters <= 0 || first < 0 || clusters > volume.length() / cluster) {
                break;
            }
            runs.add(new Run(first, clusters));
            at += 1 + lengthBytes + distanceBytes;
        }
        return runs;
    }

    private static long number(Region at, long offset, int bytes, boolean isSigned) {
        long value = 0;
        for (int i = bytes - 1; i >= 0; i--) {
            value = (value << 8) | at.u8(offset + i);
        }
        int unused = 64 - 8 * bytes;
        return isSigned ? value << unused >> unused : value;
    }

    /// An attribute of one of the first records of the MFT, which lie one behind the other. What is asked for here lies
    /// before the ends of sectors, where the fixups are.
    private Optional<Region> attribute(int record, int type) {
        long at = volume.u64(0x30) * cluster + record * recordBytes;
        if (!volume.contains(at, recordBytes) || !volume.has(at, "FILE")) {
            return Optional.empty();
        }
        Region found = volume.part(at, recordBytes);
        long offset = found.u16(0x14);
        while (found.contains(offset, 16) && found.u32(offset) != 0xffffffffL) {
            long length = found.u32(offset + 4);
            if (length < 16 || !found.contains(offset, length)) {
                return Optional.empty();
            }
            if (found.u32(offset) == type && found.u8(offset + 9) == 0) {
                return Optional.of(found.part(offset, length));
            }
            offset += length;
        }
        return Optional.empty();
    }
}
