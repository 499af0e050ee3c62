package io.stillpoint.vault.session;

import io.stillpoint.platform.Processors;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.tree.NodeReader;
import io.stillpoint.vault.tree.NodeWriter;
import io.stillpoint.vault.tree.TreeBuilder;
import io.stillpoint.vault.tree.TreeShape;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// One disk on its way into the vault: gives out its leaves as work, in ascending order, and takes the results in
/// any order. What is out at once is bounded. Safe for use by several threads.
public final class DiskIntake {
    /// How many leaves may be done or in work behind one that is not done.
    private static final int WINDOW = 512;

    private final DiskInput input;
    private final TreeShape shape;
    private final Iterator<Extent> extents;
    private final TreeBuilder builder;
    private final IntakeProgress progress;
    private final Map<Long, Result> waiting = new HashMap<>();
    private @Nullable Extent rest;
    private long issued;
    private long completed;
    private long changedBytes;
    private long readBytes;
    private long newBytes;

    /// A leaf to be worked on.
    ///
    /// @param sequence counts the units of the disk from 0
    /// @param chunks which of the leaf's chunks to read: bit i for chunk i
    record Unit(DiskIntake disk, long sequence, long leaf, long chunks) {}

    /// What became of a unit.
    ///
    /// @param leafId null: all zeros
    record Result(
            long leaf, @Nullable ItemId leafId, long changedBytes, long readBytes, long newBytes) {}

    DiskIntake(DiskInput input, NodeReader reader, NodeWriter writer, IntakeProgress progress) {
        this.input = input;
        this.progress = progress;
        shape = new TreeShape(input.source().size());
        ItemId base = null;
        switch (input.scan()) {
            case Scan.Everything _ -> extents = input.source().dataExtents();
            case Scan.Changed changed -> {
                if (changed.before().size() != input.source().size()) {
                    throw new IllegalArgumentException("changed ranges of a resized disk");
                }
                extents = changed.ranges().get();
                base = changed.before().root();
            }
        }
        builder = new TreeBuilder(reader, writer, base, shape);
    }

    DiskInput input() {
        return input;
    }

    TreeShape shape() {
        return shape;
    }

    /// The image to compare with, if there is one.
    @Nullable DiskImage before() {
        return switch (input.scan()) {
            case Scan.Everything everything -> everything.before().orElse(null);
            case Scan.Changed changed -> changed.before();
        };
    }

    /// Whether chunks that are not read are as before, rather than zeros.
    boolean keepsUnread() {
        return input.scan() instanceof Scan.Changed;
    }

    /// The next unit, or null if there is none left.
    synchronized @Nullable Unit next() {
        while (issued - completed >= WINDOW) {
            Processors.await(this::wait);
        }
        if (rest == null && !extents.hasNext()) {
            return null;
        }
        if (rest == null) {
            rest = extents.next();
        }
        long leaf = rest.offset() / TreeShape.LEAF_SPAN;
        return new Unit(this, issued++, leaf, chunksOf(leaf));
    }

    private long chunksOf(long leaf) {
        long start = leaf * TreeShape.LEAF_SPAN;
        long end = start + TreeShape.LEAF_SPAN;
        long chunks = 0;
        while (rest != null && rest.offset() < end) {
            chunks |= mask(rest.offset() - start, Math.min(rest.end(), end) - start);
            if (rest.end() > end) {
                rest = new Extent(end, rest.end() - end);
            } else {
                rest = extents.hasNext() ? extents.next() : null;
            }
        }
        return chunks;
    }

    private static long mask(long from, long to) {
        int first = (int) (from >>> TreeShape.CHUNK_LOG2);
        int last = (int) ((to - 1) >>> TreeShape.CHUNK_LOG2);
        return -1L >>> (Long.SIZE - 1 - last) & -1L << first;
    }

    /// Takes a unit's result.
    synchronized void complete(long sequence, Result result) {
        waiting.put(sequence, result);
        Result next;
        while ((next = waiting.remove(completed)) != null) {
            builder.put(next.leaf, next.leafId);
            changedBytes += next.changedBytes;
            readBytes += next.readBytes;
            newBytes += next.newBytes;
            completed++;
            progress.read(input.name(), next.readBytes);
            progress.reached(
                    input.name(),
                    Math.min(shape.diskSize(), (next.leaf + 1) * TreeShape.LEAF_SPAN));
        }
        notifyAll();
    }

    /// What came of the disk, once every unit is complete.
    synchronized StoredDisk finish() {
        if (rest != null || extents.hasNext() || issued != completed) {
            throw new IllegalStateException("disk " + input.name() + " is not done");
        }
        ItemId root = builder.finish();
        progress.reached(input.name(), shape.diskSize());
        return new StoredDisk(
                input.name(),
                new DiskImage(shape.diskSize(), root),
                changedBytes,
                readBytes,
                newBytes);
    }
}
