package io.stillpoint.vault.tree;

import io.stillpoint.vault.store.VaultException;

/// The numbers of a disk's block tree.
///
/// @param diskSize in bytes, not negative
public record TreeShape(long diskSize) {
    /// Bytes of a chunk, as a power of two.
    public static final int CHUNK_LOG2 = 16;

    /// Bytes of a chunk.
    public static final int CHUNK = 1 << CHUNK_LOG2;

    /// Children of a node, as a power of two.
    public static final int FAN_OUT_LOG2 = 6;

    /// Bytes of a disk that a leaf covers.
    public static final long LEAF_SPAN = (long) CHUNK << FAN_OUT_LOG2;

    public TreeShape {
        if (diskSize < 0) {
            throw new IllegalArgumentException("negative disk size " + diskSize);
        }
    }

    /// Chunks of the disk, the last one perhaps partial.
    public long chunks() {
        return (diskSize >>> CHUNK_LOG2) + ((diskSize & CHUNK - 1) == 0 ? 0 : 1);
    }

    /// The root's level: the smallest whose span covers the disk.
    public int rootLevel() {
        int level = 0;
        while (level < 9 && chunks() > 1L << (FAN_OUT_LOG2 * (level + 1))) {
            level++;
        }
        return level;
    }

    /// Bytes of the disk that a node of this level covers.
    public static long span(int level) {
        return LEAF_SPAN << (FAN_OUT_LOG2 * level);
    }

    /// Throws kind `DAMAGED` if the node has children behind the end of the disk.
    ///
    /// @param index how many nodes of its level come before it on the disk
    public void requireWithin(Node node, long index) {
        if (node.isEmpty()) {
            return;
        }
        int last = Node.FAN_OUT - 1 - Long.numberOfLeadingZeros(node.present());
        if ((index << FAN_OUT_LOG2 | last) << (FAN_OUT_LOG2 * node.level()) >= chunks()) {
            throw new VaultException(
                    VaultException.Kind.DAMAGED,
                    "vault.tree-too-large",
                    null,
                    Long.toString(diskSize));
        }
    }

    /// Whether all that a node of this level covers lies on the disk.
    ///
    /// @param index how many nodes of its level come before it on the disk
    boolean isInside(int level, long index) {
        return index + 1 <= chunks() >>> (FAN_OUT_LOG2 * (level + 1));
    }

    /// How many bytes of a chunk are the disk's, the rest being zeros.
    public int bytesOfChunk(long chunk) {
        return (int) Math.min(CHUNK, diskSize - (chunk << CHUNK_LOG2));
    }
}
