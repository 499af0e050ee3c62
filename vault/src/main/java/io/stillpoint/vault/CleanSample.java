package io.stillpoint.vault;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.tree.LeafCursor;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.NodeReader;
import io.stillpoint.vault.tree.TreeShape;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NavigableSet;
import java.util.TreeSet;

/// Reads a few chunks that are said to be unchanged and compares them with the image before.
final class CleanSample {
    private static final int CHUNKS = 32;

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
        NavigableSet<Long> sample = sample(shape);
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

    private NavigableSet<Long> sample(TreeShape shape) {
        NavigableSet<Long> sample = new TreeSet<>();
        ByteBuffer random = ByteBuffer.wrap(randomness.bytes(CHUNKS * Long.BYTES));
        for (int i = 0; i < CHUNKS && shape.chunks() > 0; i++) {
            sample.add(Math.floorMod(random.getLong(), shape.chunks()));
        }
        return sample;
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
