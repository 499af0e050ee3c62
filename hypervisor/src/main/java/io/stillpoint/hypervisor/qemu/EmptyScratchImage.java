package io.stillpoint.hypervisor.qemu;

import java.nio.ByteBuffer;

/// A scratch image in which nothing has been written yet: qcow2 of version 3 (QEMU, docs/interop/qcow2.txt) without a
/// name of its backing file, which QEMU is told of when it opens the image.
///
/// ```
/// cluster 0    header
/// cluster 1    refcount table, whose first entry leads to
/// cluster 2    refcounts of 16 bits for the first 32,768 clusters
/// cluster 3    first-level table: 8 bytes for each 512 MiB of the disk, all 0
/// ```
///
/// Made here and not by QEMU's `blockdev-create`: QEMU 7.2 aborts if somebody lists its block nodes while that runs.
final class EmptyScratchImage {
    static final int CLUSTER_BYTES = 64 << 10;

    private static final int CLUSTER_BITS = 16;
    private static final int ENTRY_BYTES = 8;
    private static final int REFCOUNT_TABLE_AT = CLUSTER_BYTES;
    private static final int REFCOUNTS_AT = 2 * CLUSTER_BYTES;
    private static final int FIRST_LEVEL_AT = 3 * CLUSTER_BYTES;
    private static final int HEADER_BYTES = 104;
    private static final int REFCOUNT_ORDER = 4;

    /// What one entry of the first-level table stands for: as many clusters as entries fit in one.
    private static final long SPAN_BYTES = (long) CLUSTER_BYTES / ENTRY_BYTES * CLUSTER_BYTES;

    private final long diskBytes;
    private final int entries;

    /// @param diskBytes at most 1 PiB, which takes 16 MiB of tables
    EmptyScratchImage(long diskBytes) {
        this.diskBytes = diskBytes;
        this.entries = Math.toIntExact(Math.ceilDiv(diskBytes, SPAN_BYTES));
    }

    /// Bytes of the image, a multiple of the cluster.
    int length() {
        return FIRST_LEVEL_AT + Math.ceilDiv(entries * ENTRY_BYTES, CLUSTER_BYTES) * CLUSTER_BYTES;
    }

    /// Its beginning. All other bytes, up to the [#length()], are 0.
    byte[] beginning() {
        ByteBuffer image = ByteBuffer.allocate(FIRST_LEVEL_AT);
        image.put(new byte[] {'Q', 'F', 'I', (byte) 0xfb}).putInt(3);
        image.putLong(0).putInt(0); // backing file
        image.putInt(CLUSTER_BITS).putLong(diskBytes);
        image.putInt(0); // encryption
        image.putInt(entries).putLong(FIRST_LEVEL_AT);
        image.putLong(REFCOUNT_TABLE_AT).putInt(1);
        image.putInt(0).putLong(0); // snapshots
        image.putLong(0).putLong(0).putLong(0); // features
        image.putInt(REFCOUNT_ORDER).putInt(HEADER_BYTES);
        image.putLong(REFCOUNT_TABLE_AT, REFCOUNTS_AT);
        for (int i = 0; i < length() / CLUSTER_BYTES; i++) {
            image.putShort(REFCOUNTS_AT + i * Short.BYTES, (short) 1);
        }
        return image.array();
    }
}
