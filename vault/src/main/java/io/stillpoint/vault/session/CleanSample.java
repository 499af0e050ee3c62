package io.stillpoint.vault.session;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.tree.LeafCursor;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.NodeReader;
import io.stillpoint.vault.tree.TreeShape;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.NavigableSet;
import java.util.Objects;
import java.util.TreeSet;
import java.util.function.LongToIntFunction;

/// Reads chunks that are said to be unchanged and compares them with the image before: some of those that hold data
/// there, and some from anywhere, which are zeros for the most part. How sure that is: `docs/job.md`, "What is read".
public final class CleanSample {
    /// Of what holds data. A disk of which one chunk in twenty differs passes once in half a million times; an
    /// exchanged one, of which most chunks differ, never in practice.
    private static final int DATA = 256;

    private static final int ANYWHERE = 64;

    private final NodeReader nodes;
    private final ItemHasher hasher;
    private final Randomness randomness;

    CleanSample(NodeReader nodes, VaultKeys keys, Randomness randomness) {
        this.nodes = nodes;
        this.randomness = randomness;
        hasher = new ItemHasher(keys);
    }

    boolean holds(BlockSource source, Scan.Changed scan) {
        TreeShape shape = new TreeShape(source.size());
        NavigableSet<Long> sample = new TreeSet<>();
        sampleData(scan.before(), sample);
        sampleAnywhere(shape, sample);
        removeChanged(sample, scan.ranges().get());
        LeafCursor cursor = new LeafCursor(nodes, scan.before().root(), scan.before().shape());
        byte[] buffer = new byte[TreeShape.CHUNK];
        for (long chunk : sample) {
            Node leaf = cursor.leaf(chunk >>> TreeShape.FAN_OUT_LOG2);
            ItemId before = leaf == null ? null : leaf.child((int) chunk & Node.FAN_OUT - 1);
            int length = shape.bytesOfChunk(chunk);
            source.read(chunk << TreeShape.CHUNK_LOG2, buffer, 0, length);
            Arrays.fill(buffer, length, buffer.length, (byte) 0);
            boolean zeros = Arrays.equals(buffer, new byte[TreeShape.CHUNK]);
            if (before == null
                    ? !zeros
                    : zeros || !hasher.chunk(buffer, 0, buffer.length).equals(before)) {
                return false;
            }
        }
        return true;
    }

    /// Goes down the tree, at each node by one of the children that hold data. The first and the last chunk with data
    /// are always among them: partition tables lie there, which tell one disk from another.
    private void sampleData(DiskImage before, NavigableSet<Long> sample) {
        ItemId root = before.root();
        if (root == null) {
            return;
        }
        NodePath path = new NodePath(root, before.shape());
        sample.add(path.chunk(present -> Long.numberOfTrailingZeros(present)));
        sample.add(path.chunk(present -> Long.SIZE - 1 - Long.numberOfLeadingZeros(present)));
        for (int i = 0; i < DATA; i++) {
            sample.add(path.chunk(this::anyOf));
        }
    }

    /// One of the bits that are set, each as likely as another.
    private int anyOf(long present) {
        int skip =
                Math.floorMod(
                        ByteBuffer.wrap(randomness.bytes(Integer.BYTES)).getInt(),
                        Long.bitCount(present));
        long left = present;
        for (int i = 0; i < skip; i++) {
            left &= left - 1;
        }
        return Long.numberOfTrailingZeros(left);
    }

    /// The ways from the root to chunks. Nodes are kept, since many ways pass those near the root.
    private final class NodePath {
        private final ItemId root;
        private final TreeShape shape;
        private final Map<ItemId, Node> kept = new HashMap<>();

        NodePath(ItemId root, TreeShape shape) {
            this.root = root;
            this.shape = shape;
        }

        long chunk(LongToIntFunction choice) {
            ItemId id = root;
            long index = 0;
            for (int level = shape.rootLevel(); level >= 0; level--) {
                Node node = node(id, level);
                shape.requireWithin(node, index);
                int child = choice.applyAsInt(node.present());
                index = index << TreeShape.FAN_OUT_LOG2 | child;
                id = Objects.requireNonNull(node.child(child), "a child that is present");
            }
            return index;
        }

        private Node node(ItemId id, int level) {
            return kept.computeIfAbsent(id, absent -> nodes.read(absent, level));
        }
    }

    private void sampleAnywhere(TreeShape shape, NavigableSet<Long> sample) {
        ByteBuffer random = ByteBuffer.wrap(randomness.bytes(ANYWHERE * Long.BYTES));
        for (int i = 0; i < ANYWHERE && shape.chunks() > 0; i++) {
            sample.add(Math.floorMod(random.getLong(), shape.chunks()));
        }
    }

    private static void removeChanged(NavigableSet<Long> sample, Iterator<Extent> ranges) {
        while (ranges.hasNext()) {
            Extent range = ranges.next();
            long first = range.offset() >>> TreeShape.CHUNK_LOG2;
            long last = (range.end() - 1) >>> TreeShape.CHUNK_LOG2;
            sample.subSet(first, true, last, true).clear();
        }
    }
}
