package io.stillpoint.vault.tree;

import io.stillpoint.vault.crypto.ItemId;
import org.jspecify.annotations.Nullable;

/// Reads leaves of a tree, best in ascending order: the path to the last one is kept. For one thread at a time.
public final class LeafCursor {
    private final NodeReader reader;
    private final @Nullable ItemId root;
    private final TreeShape shape;
    private final @Nullable Node[] path;
    private final long[] pathIndex;

    /// @param root of the tree, or null for a disk of zeros
    public LeafCursor(NodeReader reader, @Nullable ItemId root, TreeShape shape) {
        this.reader = reader;
        this.root = root;
        this.shape = shape;
        path = new @Nullable Node[shape.rootLevel() + 1];
        pathIndex = new long[shape.rootLevel() + 1];
    }

    /// The id of the leaf at this index, or null if it is all zeros or behind the end of the disk.
    public @Nullable ItemId leafId(long index) {
        int top = shape.rootLevel();
        if (root == null || index >>> (TreeShape.FAN_OUT_LOG2 * top) != 0) {
            return null;
        }
        ItemId id = root;
        for (int level = top; level > 0 && id != null; level--) {
            long nodeIndex = index >>> (TreeShape.FAN_OUT_LOG2 * level);
            int child = (int) (index >>> (TreeShape.FAN_OUT_LOG2 * (level - 1))) & Node.FAN_OUT - 1;
            id = node(level, nodeIndex, id).child(child);
        }
        return id;
    }

    /// The leaf at this index, or null if it is all zeros or behind the end of the disk.
    public @Nullable Node leaf(long index) {
        ItemId id = leafId(index);
        return id == null ? null : node(0, index, id);
    }

    private Node node(int level, long index, ItemId id) {
        Node node = path[level];
        if (node == null || pathIndex[level] != index) {
            node = reader.read(id, level);
            shape.requireWithin(node, index);
            path[level] = node;
            pathIndex[level] = index;
        }
        return node;
    }
}
