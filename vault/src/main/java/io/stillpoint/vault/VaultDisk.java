package io.stillpoint.vault;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.tree.LeafCursor;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.TreeShape;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// A disk of a recovery point as a source of blocks: any range can be read, every chunk is checked.
final class VaultDisk implements BlockSource {
    private final Vault vault;
    private final DiskImage image;
    private final Queue<Reader> idle = new ConcurrentLinkedQueue<>();

    private static final class Reader {
        final LeafCursor leaves;
        final ChunkReader chunks;
        final byte[] chunk = new byte[TreeShape.CHUNK];

        Reader(Vault vault, DiskImage image) {
            leaves = new LeafCursor(vault.nodes(), image.root(), image.shape());
            chunks = new ChunkReader(vault);
        }
    }

    VaultDisk(Vault vault, DiskImage image) {
        this.vault = vault;
        this.image = image;
    }

    @Override
    public long size() {
        return image.size();
    }

    @Override
    public Iterator<Extent> dataExtents() {
        return new ChunkRuns(vault.nodes(), new DiskImage(image.size(), null), image);
    }

    @Override
    public void read(long offset, byte[] into, int at, int length) {
        Reader reader = idle.poll();
        if (reader == null) {
            reader = new Reader(vault, image);
        }
        try {
            for (int done = 0; done < length; ) {
                done += read(reader, offset + done, into, at + done, length - done);
            }
        } finally {
            idle.add(reader);
        }
    }

    /// Reads to the end of the chunk at most. Returns how many bytes.
    private static int read(Reader reader, long offset, byte[] into, int at, int length) {
        long chunk = offset >>> TreeShape.CHUNK_LOG2;
        int skipped = (int) (offset & TreeShape.CHUNK - 1);
        int count = Math.min(length, TreeShape.CHUNK - skipped);
        Node leaf = reader.leaves.leaf(chunk >>> TreeShape.FAN_OUT_LOG2);
        ItemId id = leaf == null ? null : leaf.child((int) chunk & Node.FAN_OUT - 1);
        if (id == null) {
            Arrays.fill(into, at, at + count, (byte) 0);
        } else if (count == TreeShape.CHUNK) {
            reader.chunks.read(id, into, at);
        } else {
            reader.chunks.read(id, reader.chunk, 0);
            System.arraycopy(reader.chunk, skipped, into, at, count);
        }
        return count;
    }

    @Override
    public void close() {
        for (Reader reader = idle.poll(); reader != null; reader = idle.poll()) {
            reader.chunks.close();
        }
    }
}
