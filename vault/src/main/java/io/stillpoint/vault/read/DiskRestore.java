package io.stillpoint.vault.read;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Crew;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.Processors;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.read.FrameGroup.ChunkAt;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.TreeDifference;
import io.stillpoint.vault.tree.TreeShape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// Writes a disk's chunks to a target. One thread walks the tree and orders windows of it by pack and frame, the
/// others read frames, check and write, each frame once per window.
public final class DiskRestore {
    /// What a restore can't work without, in bytes: one writer's buffers.
    public static final long LEAST_MEMORY = FrameReader.MEMORY + ChunkReader.MEMORY;

    private static final int PIECE = 1 << 20;
    private static final int FIRST_WINDOW = 1 << 10;
    private static final int LAST_WINDOW = 1 << 16;
    private static final FrameGroup END = new FrameGroup(List.of());

    private final Contents contents;
    private final CipherWarmUp warmUp;
    private final JobShare job;
    private final Cancellation cancellation;
    private final LongConsumer progress;
    private final Losses losses;
    private final BlockingQueue<FrameGroup> queue = new ArrayBlockingQueue<>(256);

    /// @param job with at least [#LEAST_MEMORY]
    public DiskRestore(
            Contents contents,
            CipherWarmUp warmUp,
            JobShare job,
            LongConsumer progress,
            Losses losses) {
        this.contents = contents;
        this.warmUp = warmUp;
        this.job = job;
        cancellation = job.cancellation();
        this.progress = progress;
        this.losses = losses;
    }

    public void run(DiskImage image, BlockTarget target) {
        if (image.root() == null || image.size() == 0) {
            return;
        }
        // More than the processors where each waits for a distant store most of the time.
        int writers = Math.max(contents.process().processors().count(), contents.store().streams());
        job.work(
                new Crew("restore", writers, LEAST_MEMORY).beside(() -> plan(image)),
                worker -> write(worker, target));
    }

    private void plan(DiskImage image) throws InterruptedException {
        new Planner(image.shape()).plan(image);
        queue.put(END);
    }

    private void lost(TreeShape shape, long offset, long length, VaultException why) {
        losses.lost(new Extent(offset, Math.min(length, shape.diskSize() - offset)), why);
    }

    private final class Planner implements TreeDifference.Visitor {
        private final TreeShape shape;
        private final ItemIndex.Lookup lookup = contents.index().lookup();
        private final List<ChunkAt> window = new ArrayList<>();
        private int limit = FIRST_WINDOW;

        Planner(TreeShape shape) {
            this.shape = shape;
        }

        void plan(DiskImage image) {
            new TreeDifference(contents.nodes()).walk(null, shape, image.root(), shape, this);
            flush();
        }

        @Override
        public void chunk(long chunk, @Nullable ItemId before, @Nullable ItemId id) {
            if (id == null) {
                return;
            }
            Place place = lookup.find(id);
            if (place == null) {
                // Stored, or moved, since the index was read?
                place = contents.otherPlaces(id, null).stream().findFirst().orElse(null);
            }
            if (place == null) {
                lost(shape, chunk << TreeShape.CHUNK_LOG2, TreeShape.CHUNK, missing(id));
                return;
            }
            window.add(new ChunkAt(chunk, id, place));
            if (window.size() == limit) {
                flush();
            }
        }

        @Override
        public void unreadable(int level, long index, VaultException why) {
            why.requireDamage();
            long span = level == shape.rootLevel() ? shape.diskSize() : TreeShape.span(level);
            lost(shape, index * span, span, why);
        }

        private VaultException missing(ItemId id) {
            return new VaultException(
                    Kind.MISSING, "vault.chunk-missing", null, contents.store().description(), id);
        }

        private void flush() {
            window.sort(
                    Comparator.comparing((ChunkAt chunk) -> chunk.place().pack())
                            .thenComparingLong(chunk -> chunk.place().frameOffset())
                            .thenComparing(DiskRestore::isDifference)
                            .thenComparingInt(chunk -> chunk.place().itemOffset())
                            .thenComparingLong(ChunkAt::chunk));
            int from = 0;
            for (int i = 1; i <= window.size(); i++) {
                if (i == window.size() || !isSameFrame(window.get(from), window.get(i))) {
                    enqueue(new FrameGroup(List.copyOf(window.subList(from, i))));
                    from = i;
                }
            }
            window.clear();
            // The first windows are small, so that the writers start at once.
            limit = Math.min(LAST_WINDOW, 4 * limit);
        }

        private void enqueue(FrameGroup group) {
            try {
                queue.put(group);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new CancelledException();
            }
        }

        private static boolean isSameFrame(ChunkAt a, ChunkAt b) {
            return a.place().frameOffset() == b.place().frameOffset()
                    && isDifference(a) == isDifference(b)
                    && a.place().pack().equals(b.place().pack());
        }
    }

    private void write(Crew.Worker worker, BlockTarget target) {
        warmUp.await();
        try (FrameReader reader = new FrameReader();
                ChunkReader singles = new ChunkReader(contents)) {
            ItemHasher hasher = new ItemHasher(contents.keys());
            while (worker.goesOn()) {
                FrameGroup group = take();
                if (group.equals(END)) {
                    return;
                }
                cancellation.check();
                write(group, reader, hasher, singles, target);
            }
        }
    }

    private FrameGroup take() {
        FrameGroup[] taken = new FrameGroup[1];
        Processors.await(() -> taken[0] = queue.take());
        if (taken[0].equals(END)) {
            // For the other writers. There is room: nothing comes after it.
            queue.add(END);
        }
        return taken[0];
    }

    private void write(
            FrameGroup group,
            FrameReader reader,
            ItemHasher hasher,
            ChunkReader singles,
            BlockTarget target) {
        if (isDifference(group.chunks().getFirst())) {
            write(group, singles, target);
            return;
        }
        try {
            read(group, reader, hasher);
        } catch (VaultException e) {
            e.requireDamage();
            // Prune may have moved them since the index was read, or there are other copies.
            write(group, singles, target);
            return;
        }
        write(group.chunks(), reader, target);
    }

    private static boolean isDifference(ChunkAt chunk) {
        return chunk.place().itemLength() < TreeShape.CHUNK;
    }

    /// Writes chunks one by one.
    private void write(FrameGroup group, ChunkReader reader, BlockTarget target) {
        byte[] plain = new byte[TreeShape.CHUNK];
        TreeShape shape = new TreeShape(target.size());
        for (ChunkAt chunk : group.chunks()) {
            cancellation.check();
            long offset = chunk.chunk() << TreeShape.CHUNK_LOG2;
            try {
                reader.read(chunk.id(), plain, 0);
            } catch (VaultException e) {
                e.requireDamage();
                lost(shape, offset, TreeShape.CHUNK, e);
                continue;
            }
            int bytes = shape.bytesOfChunk(chunk.chunk());
            Processors.aside(() -> target.write(offset, plain, 0, bytes));
            progress.accept(bytes);
        }
    }

    /// Reads the frame and checks the group's chunks.
    private void read(FrameGroup group, FrameReader reader, ItemHasher hasher) {
        PackFile pack = contents.packs().acquire(group.place().pack());
        int length;
        try {
            length = reader.read(pack, group.place().frameOffset(), group.place().frameLength());
        } finally {
            contents.packs().release(pack);
        }
        for (int i = 0; i < group.chunks().size(); i++) {
            check(group.chunks(), i, length, reader, hasher);
        }
    }

    private void write(List<ChunkAt> chunks, FrameReader reader, BlockTarget target) {
        TreeShape shape = new TreeShape(target.size());
        int from = 0;
        for (int i = 0; i < chunks.size(); i++) {
            if (i + 1 == chunks.size() || !follows(chunks.get(i), chunks.get(i + 1))) {
                ChunkAt first = chunks.get(from);
                int bytes =
                        (i - from) * TreeShape.CHUNK + shape.bytesOfChunk(chunks.get(i).chunk());
                write(
                        target,
                        first.chunk() << TreeShape.CHUNK_LOG2,
                        reader.plain(),
                        first.place().itemOffset(),
                        bytes);
                progress.accept(bytes);
                from = i + 1;
            }
        }
    }

    /// In pieces: the JDK copies each through a native buffer of its size, which the thread keeps.
    private static void write(BlockTarget target, long offset, byte[] from, int at, int bytes) {
        for (int done = 0; done < bytes; done += PIECE) {
            int begin = done;
            Processors.aside(() ->
                    target.write(offset + begin, from, at + begin, Math.min(PIECE, bytes - begin)));
        }
    }

    /// Whether `b` stands behind `a` both on the disk and in the frame.
    private static boolean follows(ChunkAt a, ChunkAt b) {
        return b.chunk() == a.chunk() + 1
                && b.place().itemOffset() == a.place().itemOffset() + TreeShape.CHUNK;
    }

    private void check(
            List<ChunkAt> chunks, int i, int length, FrameReader reader, ItemHasher hasher) {
        ChunkAt chunk = chunks.get(i);
        if (i > 0
                && chunks.get(i - 1).place().equals(chunk.place())
                && chunks.get(i - 1).id().equals(chunk.id())) {
            return;
        }
        Place place = chunk.place();
        if (place.itemLength() != TreeShape.CHUNK
                || place.itemOffset() + TreeShape.CHUNK > length
                || !hasher.chunk(reader.plain(), place.itemOffset(), TreeShape.CHUNK)
                        .equals(chunk.id())) {
            throw new VaultException(
                    Kind.DAMAGED,
                    "vault.item-damaged",
                    null,
                    contents.store().description(),
                    new ObjectName(Area.PACKS, place.pack()),
                    chunk.id());
        }
    }
}
