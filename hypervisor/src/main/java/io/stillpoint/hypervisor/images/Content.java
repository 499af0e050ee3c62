package io.stillpoint.hypervisor.images;

import java.util.ArrayList;
import java.util.List;

/// What lies on a disk or in a partition, as its signature says. Offsets and magic numbers are those of the formats'
/// own headers, as util-linux' libblkid has them.
enum Content {
    GPT("GPT partition table"),
    MBR("MBR partition table"),
    EXT("ext2, ext3 or ext4"),
    XFS("XFS"),
    BTRFS("Btrfs"),
    NTFS("NTFS"),
    EXFAT("exFAT"),
    FAT("FAT"),
    SWAP("swap space"),
    LVM("LVM"),
    LUKS("LUKS"),
    BITLOCKER("BitLocker"),
    MD_RAID("Linux RAID"),
    ZFS("ZFS"),
    BCACHE("bcache"),
    F2FS("F2FS"),
    REISERFS("ReiserFS"),
    JFS("JFS"),
    HFS_PLUS("HFS+"),
    APFS("APFS"),
    REFS("ReFS"),
    VMFS("VMFS"),
    DRBD("DRBD"),
    CEPH("Ceph OSD"),
    OCFS2("OCFS2"),
    GFS2("GFS2"),
    ISO9660("ISO 9660"),
    SQUASHFS("SquashFS"),
    EROFS("EROFS"),
    QEMU_IMAGE("disk image");

    private static final long KIB = 1024;
    private static final long ZFS_MAGIC = 0x00bab10cL;
    private static final int ZFS_UBERBLOCKS = 128;
    private static final long MD_MAGIC = 0xa92b4efcL;
    private static final int[] SWAP_PAGES = {4096, 8192, 16_384, 32_768, 65_536};

    private final String title;

    Content(String title) {
        this.title = title;
    }

    /// For people.
    String title() {
        return title;
    }

    /// Everything that has left a signature, older contents too.
    static List<Content> signatures(Region region) {
        List<Content> found = new ArrayList<>();
        for (Content content : values()) {
            if (content.isAt(region)) {
                found.add(content);
            }
        }
        return found;
    }

    private boolean isAt(Region at) {
        return switch (this) {
            case GPT ->
                    at.has(512, "EFI PART")
                            || at.has(4096, "EFI PART")
                            || at.has(at.length() - 512, "EFI PART")
                            || at.has(at.length() - 4096, "EFI PART");
            case MBR -> PartitionTable.isMbr(at);
            case EXT -> at.has(1080, "S\u00ef");
            case XFS -> at.has(0, "XFSB");
            case BTRFS -> at.has(64 * KIB + 64, "_BHRfS_M");
            case NTFS -> at.has(3, "NTFS    ");
            case EXFAT -> at.has(3, "EXFAT   ");
            case FAT -> FatState.isFat(at);
            case SWAP -> isSwap(at);
            case LVM ->
                    at.has(0, "LABELONE")
                            || at.has(512, "LABELONE")
                            || at.has(1024, "LABELONE")
                            || at.has(1536, "LABELONE");
            case LUKS -> at.has(0, "LUKS\u00ba\u00be");
            case BITLOCKER -> at.has(3, "-FVE-FS-");
            case MD_RAID -> isRaid(at);
            case ZFS -> isZfs(at);
            case BCACHE ->
                    at.has(
                            4096 + 24,
                            "\u00c6\u0085s\u00f6N\u001aE\u00ca\u0082e\u00f5\u007fH\u00bam\u0081");
            case F2FS -> at.u32(1024) == 0xf2f52010L;
            case REISERFS ->
                    at.has(64 * KIB + 0x34, "ReIsEr")
                            || at.has(8 * KIB + 0x34, "ReIsEr")
                            || at.has(64 * KIB, "ReIsEr4");
            case JFS -> at.has(32 * KIB, "JFS1");
            case HFS_PLUS -> at.has(1024, "H+\0\u0004") || at.has(1024, "HX\0\u0005");
            case APFS -> at.has(32, "NXSB");
            case REFS -> at.has(0, "\0\0\0ReFS\0");
            case VMFS -> at.u32(1024 * KIB) == 0xc001d00dL;
            case DRBD -> at.u32big(at.length() - 4096 + 60) == 0x8374026dL;
            case CEPH -> at.has(0, "bluestore block device");
            case OCFS2 ->
                    at.has(1024, "OCFSV2")
                            || at.has(2048, "OCFSV2")
                            || at.has(4096, "OCFSV2")
                            || at.has(8192, "OCFSV2");
            case GFS2 -> at.u32big(64 * KIB) == 0x01161970L && at.u32big(64 * KIB + 4) == 1;
            case ISO9660 -> at.has(32 * KIB + 1, "CD001") || at.has(32 * KIB + 1, "NSR0");
            case SQUASHFS -> at.has(0, "hsqs");
            case EROFS -> at.u32(1024) == 0xe0f5e1e2L;
            case QEMU_IMAGE -> ImageFormat.ofContent(at).isPresent();
        };
    }

    private static boolean isSwap(Region at) {
        for (int page : SWAP_PAGES) {
            if (at.has(page - 10, "SWAPSPACE2") || at.has(page - 10, "SWAP-SPACE")) {
                return true;
            }
        }
        return false;
    }

    /// Versions 1.1, 1.2, 1.0 and 0.90 (md.4).
    private static boolean isRaid(Region at) {
        long behind = (at.length() - 8 * KIB) / (4 * KIB) * (4 * KIB);
        long old = at.length() / (64 * KIB) * (64 * KIB) - 64 * KIB;
        return at.u32(0) == MD_MAGIC
                || at.u32(4 * KIB) == MD_MAGIC
                || at.u32(behind) == MD_MAGIC
                || at.u32(old) == MD_MAGIC;
    }

    /// The first label's uberblocks; both byte orders.
    private static boolean isZfs(Region at) {
        for (int i = 0; i < ZFS_UBERBLOCKS; i++) {
            long offset = (128 + i) * KIB;
            if (at.u64(offset) == ZFS_MAGIC || at.u64big(offset) == ZFS_MAGIC) {
                return true;
            }
        }
        return false;
    }
}
