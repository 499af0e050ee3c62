package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.Shutdown.State;

/// Whether a FAT file system was unmounted: the mark in the second entry of the table, which Windows sets (Microsoft,
/// "FAT: General Overview of On-Disk Format", section "FAT Data Structure"), and the one in the boot sector, which Linux
/// sets (fs/fat).
final class FatState {
    private static final int FAT12_CLUSTERS_MAX = 4084;
    private static final int FAT16_CLUSTERS_MAX = 65_524;

    private FatState() {}

    static boolean isFat(Region at) {
        int sector = at.u16(11);
        int cluster = at.u8(13);
        boolean isJump = at.u8(0) == 0xeb || at.u8(0) == 0xe9;
        boolean isSector = Integer.bitCount(sector) == 1 && sector >= 512 && sector <= 4096;
        boolean isFats = at.u8(16) == 1 || at.u8(16) == 2;
        return at.has(510, "U\u00aa")
                && isJump
                && isSector
                && Integer.bitCount(cluster) == 1
                && at.u16(14) > 0
                && isFats
                && at.u8(21) >= 0xf0
                && clusters(at) > 0;
    }

    static State of(Region at) {
        boolean isFat32 = at.u16(22) == 0;
        if ((at.u8(isFat32 ? 0x41 : 0x25) & 1) != 0) {
            return State.UNCLEAN;
        }
        long table = (long) at.u16(14) * at.u16(11);
        long clusters = clusters(at);
        if (clusters <= FAT12_CLUSTERS_MAX) {
            // Only Linux marks these.
            return State.UNKNOWN;
        }
        boolean isClean =
                clusters <= FAT16_CLUSTERS_MAX
                        ? (at.u16(table + 2) & 0xc000) == 0xc000
                        : (at.u32(table + 4) & 0x0c000000L) == 0x0c000000L;
        return isClean ? State.CLEAN : State.UNCLEAN;
    }

    private static long clusters(Region at) {
        long sector = at.u16(11);
        long perFat = at.u16(22) != 0 ? at.u16(22) : at.u32(36);
        long total = at.u16(19) != 0 ? at.u16(19) : at.u32(32);
        long roots = (at.u16(17) * 32L + sector - 1) / sector;
        return (total - at.u16(14) - at.u8(16) * perFat - roots) / at.u8(13);
    }
}
