package io.stillpoint.vault.session;

import io.stillpoint.platform.Processors;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.Compression;
import io.stillpoint.vault.pack.DifferenceCodec;
import io.stillpoint.vault.pack.FrameCodec;
import io.stillpoint.vault.pack.FrameItems;
import io.stillpoint.vault.pack.PackWriter;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.read.ChunkReader;
import io.stillpoint.vault.tree.LeafCursor;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.NodeReader;
import io.stillpoint.vault.tree.NodeWriter;
import io.stillpoint.vault.tree.TreeShape;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Does everything to a leaf's chunks, from reading to appending, without handing anything over; as many of these
/// run as there are cores. For one thread at a time.
public final class IntakeWorker implements AutoCloseable {
    private static final int CHUNK = TreeShape.CHUNK;

    /// What its buffers take at most in bytes, but for those that it reads predecessors with: a leaf's chunks, those to
    /// be stored, and these compressed.
    static final long MEMORY = TreeShape.LEAF_SPAN + 2L * FrameCodec.PLAIN_MAX;

    private static final int LOAD_MAX = 4;
    private static final int ITEMS_MAX = 255;
    private static final byte[] ZEROS = new byte[CHUNK];

    private final Shared shared;
    private final ItemIndex.Lookup lookup;
    private final ItemHasher hasher;
    private final FrameCodec codec = new FrameCodec(Compression.DATA);
    private final @Nullable ChunkReader before;
    private final DifferenceCodec differences = new DifferenceCodec();
    private final FrameItems items;
    private final byte[] buffer = new byte[Math.toIntExact(TreeShape.LEAF_SPAN)];
    private final Map<DiskIntake, LeafCursor> cursors = new HashMap<>();
    private long changedBytes;
    private long readBytes;
    private long newBytes;

    /// What all workers of a session have in common.
    ///
    /// @param frame how many plain bytes a frame of chunks holds
    record Shared(
            PackWriter data,
            NodeReader nodeReader,
            NodeWriter nodeWriter,
            Claims claims,
            CipherWarmUp warmUp,
            VaultKeys keys,
            int frame) {}

    /// @param before reads what chunks are made differences from; closed with the worker; null if none are to be made
    IntakeWorker(Shared shared, ItemIndex.Lookup lookup, @Nullable ChunkReader before) {
        this.shared = shared;
        this.lookup = lookup;
        this.before = before;
        hasher = new ItemHasher(shared.keys);
        items = new FrameItems(shared.frame, ITEMS_MAX);
    }

    void process(DiskIntake.Unit unit) {
        DiskIntake disk = unit.disk();
        LeafCursor cursor = cursor(disk);
        ItemId beforeId = cursor == null ? null : cursor.leafId(unit.leaf());
        Node leafBefore = cursor == null ? null : cursor.leaf(unit.leaf());
        changedBytes = 0;
        readBytes = 0;
        newBytes = 0;
        Node after = new Node(0);
        int loaded = 0;
        for (int i = 0; i < Node.FAN_OUT; i++) {
            ItemId old = leafBefore == null ? null : leafBefore.child(i);
            boolean isRead = (unit.chunks() >>> i & 1) != 0;
            if (isRead && i >= loaded) {
                loaded = i + load(unit, i);
            }
            after.setChild(i, isRead ? chunk(i * CHUNK, old) : disk.keepsUnread() ? old : null);
        }
        ItemId id = null;
        if (!after.isEmpty()) {
            id = after.equals(leafBefore) ? beforeId : shared.nodeWriter.write(after);
        }
        disk.complete(
                unit.sequence(),
                new DiskIntake.Result(unit.leaf(), id, changedBytes, readBytes, newBytes));
    }

    private @Nullable LeafCursor cursor(DiskIntake disk) {
        DiskImage before = disk.before();
        return before == null
                ? null
                : cursors.computeIfAbsent(
                        disk,
                        _ -> new LeafCursor(shared.nodeReader, before.root(), before.shape()));
    }

    /// Reads the unit's chunks from `first` on to their places in the buffer, as many as follow each other, but no more
    /// than stay in the processor's cache until they are hashed. Returns how many.
    private int load(DiskIntake.Unit unit, int first) {
        int count = Math.min(LOAD_MAX, Long.numberOfTrailingZeros(~(unit.chunks() >>> first)));
        int at = first * CHUNK;
        int whole = count * CHUNK;
        long offset = unit.leaf() * TreeShape.LEAF_SPAN + at;
        int length = (int) Math.min(whole, unit.disk().shape().diskSize() - offset);
        unit.disk().input().source().read(offset, buffer, at, length);
        // The source let others compute while it waited.
        Processors.pass();
        Arrays.fill(buffer, at + length, at + whole, (byte) 0);
        readBytes += length;
        return count;
    }

    /// The id of the chunk in the buffer; null if it is all zeros. Stores it if the vault has none such.
    private @Nullable ItemId chunk(int at, @Nullable ItemId old) {
        if (Arrays.equals(buffer, at, at + CHUNK, ZEROS, 0, CHUNK)) {
            changedBytes += old == null ? 0 : CHUNK;
            return null;
        }
        ItemId id = hasher.chunk(buffer, at, CHUNK);
        if (id.equals(old)) {
            return old;
        }
        changedBytes += CHUNK;
        if (shared.claims.claimChunk(id, lookup)) {
            store(id, at, old);
        }
        return id;
    }

    private void store(ItemId id, int at, @Nullable ItemId old) {
        ChunkReader.Base base = old == null || before == null ? null : before.base(old);
        if (base != null
                && before != null
                && shared.claims.isResumed()
                && before.isDifference(id, base.id())) {
            // The point that this session builds on keeps the base, so the difference will do.
            shared.claims.giveUp(id);
            return;
        }
        newBytes += CHUNK;
        int length = base == null ? 0 : differences.make(base.id(), base.bytes(), buffer, at);
        if (!items.hasRoom(length == 0 ? CHUNK : length)) {
            append();
        }
        if (base == null || length == 0) {
            items.add(id, buffer, at, CHUNK);
        } else {
            items.add(id, base.id(), differences.bytes(), 0, length);
        }
    }

    /// Appends what is left.
    void finish() {
        if (!items.isEmpty()) {
            append();
        }
    }

    private void append() {
        // Not sooner: what has nothing new to store need not wait.
        shared.warmUp.await();
        shared.data.append(codec, items);
    }

    @Override
    public void close() {
        codec.close();
        differences.close();
        if (before != null) {
            before.close();
        }
    }
}
