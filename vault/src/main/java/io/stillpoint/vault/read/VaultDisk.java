package io.stillpoint.vault.read;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.tree.LeafCursor;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.TreeShape;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// A disk of a recovery point as a source of blocks: any range can be read, every chunk is checked.
public final class VaultDisk implements BlockSource {
    private final Contents contents;
    private final DiskImage image;
    private final ChunkReaders readers;
    private final Queue<Place> idle = new ConcurrentLinkedQueue<>();

    /// Where a thread is in the disk.
    private static final class Place {
        private final LeafCursor leaves;
        // A chunk of which only a part is asked for.
        private final byte[] whole = new byte[TreeShape.CHUNK];

        Place(Contents contents, DiskImage image) {
            leaves = new LeafCursor(contents.nodes(), image.root(), image.shape());
        }

        /// Reads to the end of the chunk at most. Returns how many bytes.
        int read(ChunkReader reader, long offset, byte[] into, int at, int length) {
            long chunk = offset >>> TreeShape.CHUNK_LOG2;
            int skipped = (int) (offset & TreeShape.CHUNK - 1);
            int count = Math.min(length, TreeShape.CHUNK - skipped);
            Node leaf = leaves.leaf(chunk >>> TreeShape.FAN_OUT_LOG2);
            ItemId id = leaf == null ? null : leaf.child((int) chunk & Node.FAN_OUT - 1);
            if (id == null) {
                Arrays.fill(into, at, at + count, (byte) 0);
            } else if (count == TreeShape.CHUNK) {
                reader.read(id, into, at);
            } else {
                reader.read(id, whole, 0);
                System.arraycopy(whole, skipped, into, at, count);
            }
            return count;
        }
    }

    /// @param readers of the vault, for all its disks; not closed here
    public VaultDisk(Contents contents, DiskImage image, ChunkReaders readers) {
        this.contents = contents;
        this.image = image;
        this.readers = readers;
    }

    @Override
    public long size() {
        return image.size();
    }

    @Override
    public Iterator<Extent> dataExtents() {
        return new ChunkRuns(contents.nodes(), new DiskImage(image.size(), null), image);
    }

    @Override
    public void read(long offset, byte[] into, int at, int length) {
        Place place = idle.poll();
        if (place == null) {
            place = new Place(contents, image);
        }
        ChunkReader reader = readers.borrow();
        try {
            for (int done = 0; done < length; ) {
                done += place.read(reader, offset + done, into, at + done, length - done);
            }
        } finally {
            readers.giveBack(reader);
            idle.add(place);
        }
    }

    @Override
    public void close() {
        idle.clear();
    }
}
