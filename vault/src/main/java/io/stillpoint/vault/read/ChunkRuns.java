package io.stillpoint.vault.read;

import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.tree.LeafCursor;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.NodeReader;
import io.stillpoint.vault.tree.TreeShape;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// The ranges of a disk in which two images differ, ascending, found while iterated: one path of each tree is held.
public final class ChunkRuns implements Iterator<Extent> {
    private final TreeShape shape;
    private final LeafCursor before;
    private final LeafCursor after;
    private final long leaves;
    private long leaf = -1;
    private long differing;
    private @Nullable Extent next;

    /// @param before an image of the same size, or one without root: all zeros
    public ChunkRuns(NodeReader nodes, DiskImage before, DiskImage after) {
        shape = after.shape();
        this.before = new LeafCursor(nodes, before.root(), shape);
        this.after = new LeafCursor(nodes, after.root(), shape);
        leaves = (shape.diskSize() + TreeShape.LEAF_SPAN - 1) / TreeShape.LEAF_SPAN;
    }

    @Override
    public boolean hasNext() {
        if (next == null) {
            next = find();
        }
        return next != null;
    }

    @Override
    public Extent next() {
        if (!hasNext() || next == null) {
            throw new NoSuchElementException();
        }
        Extent found = next;
        next = null;
        return found;
    }

    private @Nullable Extent find() {
        while (differing == 0) {
            if (++leaf >= leaves) {
                return null;
            }
            differing = differing(leaf);
        }
        int first = Long.numberOfTrailingZeros(differing);
        int count = Long.numberOfTrailingZeros(~(differing >>> first));
        differing &= count + first == Long.SIZE ? 0 : -1L << (first + count);
        long offset = leaf * TreeShape.LEAF_SPAN + ((long) first << TreeShape.CHUNK_LOG2);
        long end = Math.min(offset + ((long) count << TreeShape.CHUNK_LOG2), shape.diskSize());
        return new Extent(offset, end - offset);
    }

    private long differing(long index) {
        if (Objects.equals(before.leafId(index), after.leafId(index))) {
            return 0;
        }
        Node old = before.leaf(index);
        Node young = after.leaf(index);
        long differing = 0;
        for (int i = 0; i < Node.FAN_OUT; i++) {
            ItemId a = old == null ? null : old.child(i);
            ItemId b = young == null ? null : young.child(i);
            if (!Objects.equals(a, b)) {
                differing |= 1L << i;
            }
        }
        return differing;
    }
}
