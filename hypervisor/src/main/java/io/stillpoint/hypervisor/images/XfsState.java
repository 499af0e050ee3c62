package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.Shutdown.State;

/// Whether an XFS was unmounted: whether the last record of its log is the one that an unmount writes ("XFS Algorithms
/// and Data Structures", chapter "Journaling Log"; fs/xfs/xfs_log_recover.c, `xlog_check_unmount_rec`).
final class XfsState {
    private static final int BLOCK = 512;
    private static final long RECORD_MAGIC = 0xfeedbabeL;
    private static final int UNMOUNT = 0x20;

    /// A record's data is at most 256 KiB, and its headers 32 KiB.
    private static final long RECORD_BLOCKS_MAX = (256 + 32) * 1024 / BLOCK;

    private final Region log;
    private final long blocks;

    private XfsState(Region log) {
        this.log = log;
        blocks = log.length() / BLOCK;
    }

    static State of(Region at) {
        if (at.u8(126) != 0) {
            // mkfs did not end.
            return State.UNCLEAN;
        }
        long start = at.u64big(48);
        long blockBytes = at.u32big(4);
        long groupBlocks = at.u32big(84);
        int groupLog = at.u8(124);
        if (start <= 0 || Long.bitCount(blockBytes) != 1 || groupLog > 31) {
            // The log is on a disk of its own.
            return State.UNKNOWN;
        }
        long block = (start >>> groupLog) * groupBlocks + (start & ((1L << groupLog) - 1));
        long offset = block * blockBytes;
        long length = at.u32big(96) * blockBytes;
        if (block < 0 || !at.contains(offset, length) || length < 8 * BLOCK) {
            return State.UNKNOWN;
        }
        return new XfsState(at.part(offset, length)).isUnmounted() ? State.CLEAN : State.UNCLEAN;
    }

    private boolean isUnmounted() {
        long head = head();
        for (long back = 1; back <= Math.min(RECORD_BLOCKS_MAX, blocks); back++) {
            long at = Math.floorMod(head - back, blocks);
            if (log.u32big(at * BLOCK) == RECORD_MAGIC) {
                return isUnmountRecord(at, head);
            }
        }
        return false;
    }

    /// Where the next record goes: the first block of an older round, or the start.
    private long head() {
        long first = round(0);
        long low = 0;
        long high = blocks - 1;
        if (round(high) == first) {
            return 0;
        }
        // The blocks of the present round come first.
        while (high - low > 1) {
            long middle = (low + high) >>> 1;
            if (round(middle) == first) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return high;
    }

    /// Each block starts with the number of its round; in a record's first block the magic number stands before it.
    private long round(long block) {
        long word = log.u32big(block * BLOCK);
        return word == RECORD_MAGIC ? log.u32big(block * BLOCK + 4) : word;
    }

    private boolean isUnmountRecord(long record, long head) {
        long at = record * BLOCK;
        long version = log.u32big(at + 8);
        long dataBytes = log.u32big(at + 12);
        long headerBytes = version >= 2 ? log.u32big(at + 320) : 0;
        long headerBlocks = Math.max(1, (headerBytes + 32 * 1024 - 1) / (32 * 1024));
        long dataBlocks = (dataBytes + BLOCK - 1) / BLOCK;
        long operations = log.u32big(at + 40);
        long data = (record + headerBlocks) % blocks;
        boolean isLast = (record + headerBlocks + dataBlocks) % blocks == head;
        return isLast && operations == 1 && (log.u8(data * BLOCK + 9) & UNMOUNT) != 0;
    }
}
