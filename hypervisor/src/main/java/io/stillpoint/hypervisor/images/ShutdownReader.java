package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.Shutdown;
import io.stillpoint.hypervisor.Shutdown.State;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.text.Text;
import java.util.List;
import java.util.Optional;

/// Finds out from a disk's content whether its guest was shut down: every file system on it must say that it was
/// unmounted. Reads a few structures of each; what a guest wrote there is never followed outside of its own disk, and a
/// guest that lies only deceives about itself.
final class ShutdownReader {
    private static final int EXT_VALID = 1;
    private static final int EXT_ERRORS = 2;
    private static final int EXT_RECOVER = 4;
    private static final int EXT_JOURNAL_DEVICE = 8;
    private static final int EXFAT_DIRTY = 2;

    private final String disk;

    private ShutdownReader(String disk) {
        this.disk = disk;
    }

    /// @param disk its name, for the detail
    static Shutdown read(String disk, BlockSource source) {
        return new ShutdownReader(disk).disk(Region.of(source));
    }

    private Shutdown disk(Region region) {
        Optional<PartitionTable> found = PartitionTable.of(region);
        if (found.isEmpty()) {
            return content(region, text("shutdown.whole-disk", disk));
        }
        PartitionTable table = found.get();
        Shutdown shutdown =
                table.isWhole()
                        ? Shutdown.CLEAN
                        : Shutdown.unknown(text("shutdown.bad-table", disk));
        for (PartitionTable.Partition partition : table.partitions()) {
            if (partition.holdsData()) {
                String number = Integer.toString(partition.number());
                Text where = text("shutdown.partition", number, disk);
                shutdown = shutdown.and(content(partition.region(), where));
            }
        }
        return shutdown;
    }

    private Shutdown content(Region region, Text where) {
        List<Content> contents =
                Content.signatures(region).stream()
                        .filter(content -> content != Content.QEMU_IMAGE)
                        .toList();
        if (contents.isEmpty()) {
            return region.isZero()
                    ? Shutdown.CLEAN
                    : Shutdown.unknown(text("shutdown.no-file-system", where));
        }
        if (contents.size() > 1) {
            // One of them is left from earlier, and which is not known.
            return contents.stream()
                    .map(content -> of(content, region, where))
                    .reduce(Shutdown.CLEAN, Shutdown::and);
        }
        return of(contents.getFirst(), region, where);
    }

    private static Shutdown of(Content content, Region region, Text where) {
        if (content == Content.LVM) {
            return LvmVolumes.of(region)
                    .map(volumes -> inside(volumes, where))
                    .orElseGet(() -> said(State.UNKNOWN, content, where));
        }
        return said(state(content, region), content, where);
    }

    private static Shutdown inside(List<LvmVolumes.Volume> volumes, Text where) {
        Shutdown shutdown = Shutdown.CLEAN;
        for (LvmVolumes.Volume volume : volumes) {
            Text place = text("shutdown.volume", volume.name(), where);
            try (BlockSource content = volume.source()) {
                shutdown = shutdown.and(new ShutdownReader("").content(Region.of(content), place));
            }
        }
        return shutdown;
    }

    private static Shutdown said(State state, Content content, Text where) {
        return switch (state) {
            case CLEAN -> Shutdown.CLEAN;
            case UNCLEAN -> Shutdown.unclean(text("shutdown.in-use", content.title(), where));
            case UNKNOWN -> Shutdown.unknown(text("shutdown.not-told", content.title(), where));
        };
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(HypervisorException.class, code, arguments);
    }

    private static State state(Content content, Region at) {
        return switch (content) {
            case EXT -> ext(at);
            case XFS -> XfsState.of(at);
            case NTFS -> NtfsState.of(at);
            case FAT -> FatState.of(at);
            case EXFAT -> (at.u16(106) & EXFAT_DIRTY) != 0 ? State.UNCLEAN : State.CLEAN;
            // With a log tree some writes are not in the main tree yet. Without one Btrfs does not
            // tell: it looks the
            // same between two commits and when it was unmounted.
            case BTRFS -> at.u64(64 * 1024 + 0x60) != 0 ? State.UNCLEAN : State.UNKNOWN;
            case SWAP, ISO9660, SQUASHFS, EROFS -> State.CLEAN;
            default -> State.UNKNOWN;
        };
    }

    /// The superblock as in Linux' Documentation/filesystems/ext4/super.rst.
    private static State ext(Region at) {
        int state = at.u16(1024 + 58);
        long incompatible = at.u32(1024 + 96);
        if ((incompatible & EXT_JOURNAL_DEVICE) != 0) {
            return State.UNKNOWN;
        }
        boolean isClean =
                (state & EXT_VALID) != 0
                        && (state & EXT_ERRORS) == 0
                        && (incompatible & EXT_RECOVER) == 0;
        return isClean ? State.CLEAN : State.UNCLEAN;
    }
}
