package io.stillpoint.vault.tree;

import io.stillpoint.vault.crypto.ItemId;
import org.jspecify.annotations.Nullable;

/// Makes a tree from another by replacing leaves, in ascending order. Only the paths to replaced leaves are read
/// and written, and only one path is held. For one thread at a time.
public final class TreeBuilder {
    private final NodeReader reader;
    private final NodeWriter writer;
    private final @Nullable ItemId base;
    private final int rootLevel;
    // One open node per level above the leaves; index 0 stays unused.
    private final @Nullable Open[] path;
    private @Nullable ItemId root;
    private long lastLeaf = -1;

    private static final class Open {
        final long index;
        final Node node;
        final @Nullable ItemId before;
        boolean changed;

        Open(long index, Node node, @Nullable ItemId before) {
            this.index = index;
            this.node = node;
            this.before = before;
        }
    }

    /// @param base the root of the tree to start from, of the same shape; null: all zeros
    public TreeBuilder(
            NodeReader reader, NodeWriter writer, @Nullable ItemId base, TreeShape shape) {
        this.reader = reader;
        this.writer = writer;
        this.base = base;
        rootLevel = shape.rootLevel();
        path = new @Nullable Open[rootLevel + 1];
        root = base;
    }

    /// Replaces a leaf.
    ///
    /// @param index above that of the call before
    /// @param leaf the new leaf's id; null: all zeros
    public void put(long index, @Nullable ItemId leaf) {
        if (index <= lastLeaf) {
            throw new IllegalArgumentException("leaf " + index + " after " + lastLeaf);
        }
        lastLeaf = index;
        if (rootLevel == 0) {
            root = leaf;
        } else {
            set(1, index, leaf);
        }
    }

    /// Writes what is still open and returns the root; null: all zeros.
    public @Nullable ItemId finish() {
        for (int level = 1; level <= rootLevel; level++) {
            close(level);
        }
        return root;
    }

    private void set(int level, long childIndex, @Nullable ItemId id) {
        Open open = open(level, childIndex >>> TreeShape.FAN_OUT_LOG2);
        int child = (int) childIndex & Node.FAN_OUT - 1;
        ItemId old = open.node.child(child);
        if (id == null ? old != null : !id.equals(old)) {
            open.node.setChild(child, id);
            open.changed = true;
        }
    }

    private Open open(int level, long index) {
        Open open = path[level];
        if (open != null && open.index == index) {
            return open;
        }
        for (int below = 1; below <= level; below++) {
            close(below);
        }
        ItemId id = base;
        if (level < rootLevel) {
            Open parent = open(level + 1, index >>> TreeShape.FAN_OUT_LOG2);
            id = parent.node.child((int) index & Node.FAN_OUT - 1);
        }
        // A copy, since a reader may share what it read.
        Node node = id == null ? new Node(level) : reader.read(id, level).copy();
        Open fresh = new Open(index, node, id);
        path[level] = fresh;
        return fresh;
    }

    private void close(int level) {
        Open open = path[level];
        if (open == null) {
            return;
        }
        path[level] = null;
        ItemId id = open.before;
        if (open.changed) {
            id = open.node.isEmpty() ? null : writer.write(open.node);
        }
        if (level == rootLevel) {
            root = id;
        } else {
            set(level + 1, open.index, id);
        }
    }
}
