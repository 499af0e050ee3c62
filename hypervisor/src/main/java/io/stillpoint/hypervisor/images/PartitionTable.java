package io.stillpoint.hypervisor.images;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// The partitions of a disk by its GPT or MBR (UEFI specification, section 5).
///
/// @param isWhole whether every partition that the table names could be found
record PartitionTable(List<Partition> partitions, boolean isWhole) {
    private static final int SECTOR = 512;
    private static final int MBR_ENTRIES = 446;
    private static final int ENTRIES_MAX = 1024;
    private static final int LOGICAL_MAX = 128;
    private static final int PROTECTIVE = 0xee;
    private static final Set<Integer> EXTENDED = Set.of(0x05, 0x0f, 0x85);

    /// Of boot loaders and of Windows itself: BIOS boot, PReP boot, Microsoft reserved (as they lie on the disk).
    private static final Set<String> WITHOUT_FILE_SYSTEM =
            Set.of(
                    "4861682149646f6e744e656564454649",
                    "382d1a9e12c61643aa268b49521e5a8b",
                    "16e3c9e35c0bb84d817df92df00215ae");

    /// @param number as systems count them
    /// @param holdsData whether anything of interest can be there
    record Partition(int number, Region region, boolean holdsData) {}

    static boolean isMbr(Region disk) {
        if (!disk.has(510, "U\u00aa") || isBootSector(disk)) {
            return false;
        }
        boolean isUsed = false;
        for (int i = 0; i < 4; i++) {
            int at = MBR_ENTRIES + 16 * i;
            int active = disk.u8(at);
            if (active != 0 && active != 0x80) {
                return false;
            }
            isUsed |= disk.u8(at + 4) != 0 && disk.u32(at + 12) != 0;
        }
        return isUsed;
    }

    /// A file system's own, which ends with the same two bytes.
    private static boolean isBootSector(Region disk) {
        return disk.has(3, "NTFS    ")
                || disk.has(3, "EXFAT   ")
                || disk.has(3, "-FVE-FS-")
                || FatState.isFat(disk);
    }

    /// Empty if there is no table.
    static Optional<PartitionTable> of(Region disk) {
        for (int sector : new int[] {SECTOR, 8 * SECTOR}) {
            if (disk.has(sector, "EFI PART")) {
                return Optional.of(gpt(disk, sector));
            }
        }
        if (!isMbr(disk)) {
            return Optional.empty();
        }
        return Optional.of(mbr(disk));
    }

    private static PartitionTable gpt(Region disk, int sector) {
        long entries = disk.u64(sector + 72);
        long count = disk.u32(sector + 80);
        long size = disk.u32(sector + 84);
        boolean isWhole = count <= ENTRIES_MAX && size >= 128 && size <= 4096;
        List<Partition> found = new ArrayList<>();
        for (int i = 0; isWhole && i < count; i++) {
            long at = entries * sector + i * size;
            if (!disk.contains(at, 48)) {
                isWhole = false;
                break;
            }
            String type = HexFormat.of().formatHex(disk.bytes(at, 16));
            if (type.matches("0+")) {
                continue;
            }
            long first = disk.u64(at + 32);
            long last = disk.u64(at + 40);
            boolean isSane = first > 0 && last >= first && last < Long.MAX_VALUE / sector;
            if (!isSane || !disk.contains(first * sector, (last - first + 1) * sector)) {
                isWhole = false;
                continue;
            }
            found.add(
                    new Partition(
                            i + 1,
                            disk.part(first * sector, (last - first + 1) * sector),
                            !WITHOUT_FILE_SYSTEM.contains(type)));
        }
        return new PartitionTable(List.copyOf(found), isWhole);
    }

    private static PartitionTable mbr(Region disk) {
        List<Partition> found = new ArrayList<>();
        boolean isWhole = true;
        for (int i = 0; i < 4; i++) {
            int at = MBR_ENTRIES + 16 * i;
            int type = disk.u8(at + 4);
            long start = disk.u32(at + 8) * SECTOR;
            long length = disk.u32(at + 12) * SECTOR;
            if (type == 0 || length == 0) {
                continue;
            }
            if (EXTENDED.contains(type)) {
                isWhole &= logical(disk, start, found);
            } else if (disk.contains(start, length) && start > 0 && type != PROTECTIVE) {
                found.add(new Partition(i + 1, disk.part(start, length), true));
            } else {
                isWhole = false;
            }
        }
        return new PartitionTable(List.copyOf(found), isWhole);
    }

    /// A chain of tables, each with one partition and the place of the next table.
    private static boolean logical(Region disk, long extended, List<Partition> found) {
        long table = extended;
        for (int i = 0; i < LOGICAL_MAX; i++) {
            if (!disk.contains(table, SECTOR) || !disk.has(table + 510, "U\u00aa")) {
                return false;
            }
            long start = table + disk.u32(table + MBR_ENTRIES + 8) * SECTOR;
            long length = disk.u32(table + MBR_ENTRIES + 12) * SECTOR;
            if (disk.u8(table + MBR_ENTRIES + 4) != 0) {
                if (!disk.contains(start, length)) {
                    return false;
                }
                found.add(new Partition(5 + i, disk.part(start, length), true));
            }
            long next = disk.u32(table + MBR_ENTRIES + 16 + 8) * SECTOR;
            if (disk.u8(table + MBR_ENTRIES + 16 + 4) == 0) {
                return true;
            }
            table = extended + next;
        }
        return false;
    }
}
