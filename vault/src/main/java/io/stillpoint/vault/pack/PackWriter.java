package io.stillpoint.vault.pack;

import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.platform.Processors;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Undisturbed;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Fills packs and stores them. Safe for use by many threads: each compresses its frame, gets a place in the
/// current pack under a short lock, and encrypts right into it, while full packs are stored in the background.
/// As many packs are stored at once as the store has streams, up to [#UPLOADS_MAX], and one more is in memory; when all
/// wait for the store, appending waits too. Where memory is short, fewer are in memory: one at least.
///
/// Its monitor covers the pack that is being filled and the counts; compressing, encrypting and storing go on without it.
public final class PackWriter implements AutoCloseable {
    private static final int UPLOADS_MAX = 4;

    /// Keeps a directory well below its limit when data compress extremely well.
    private static final int ITEMS_MAX = 1 << 16;

    /// Is told of packs that have become durable.
    @FunctionalInterface
    public interface Sink {
        void durable(ObjectId pack, List<PackGroup> groups);
    }

    /// What packs are made.
    ///
    /// @param capacity of one in bytes, directory excluded
    public record Packs(
            ObjectStore store,
            VaultKeys keys,
            ObjectKind kind,
            int capacity,
            Randomness randomness) {}

    private final ObjectStore store;
    private final VaultKeys keys;
    private final ObjectKind kind;
    private final int capacity;
    private final Randomness randomness;
    private final Sink sink;
    private final JobShare job;
    private final int buffersMax;
    private final Deque<byte[]> spare = new ArrayDeque<>();
    private final Set<Thread> uploaders = new HashSet<>();

    /// One share for each buffer; none while there is no buffer.
    private MemoryBudget.@Nullable Shares memory;

    private int buffers;
    private int uploads;
    private int begun;
    private long storedBytes;
    private @Nullable PackBuffer current;
    private @Nullable Throwable failure;

    /// @param job whose least has room for one pack
    public PackWriter(Packs packs, JobShare job, Sink sink) {
        store = packs.store();
        keys = packs.keys();
        kind = packs.kind();
        capacity = packs.capacity();
        randomness = packs.randomness();
        this.job = job;
        this.sink = sink;
        buffersMax = Math.min(UPLOADS_MAX, store.streams()) + 1;
    }

    /// What it takes in bytes beyond one pack if it is there: so that one is filled while others are stored.
    public long wanted() {
        return (buffersMax - 1L) * capacity;
    }

    /// Appends one frame of these items and clears them. They are not durable before [#finish] returns or the
    /// sink is told. Throws what storing an earlier pack failed with.
    public void append(FrameCodec codec, FrameItems items) {
        FrameCodec.Payload payload = codec.pack(items.plain(), items.used());
        if (payload.frameLength() > capacity - ObjectHeader.LENGTH) {
            throw new IllegalArgumentException("a frame larger than a pack");
        }
        PackBuffer.Slot slot = reserve(payload.frameLength());
        codec.seal(slot.pack().key(), slot.offset(), payload, slot.pack().bytes(), slot.offset());
        complete(slot, items.group(slot.offset(), payload.frameLength()));
        items.clear();
    }

    /// Stores what is left and returns when every pack is durable.
    public synchronized void finish() {
        if (current != null) {
            seal();
        }
        while (uploads > 0 && failure == null) {
            await();
        }
        throwFailure();
        dropBuffers();
    }

    /// As [#finish], but appending may go on: gives back all memory meanwhile.
    public void rest() {
        finish();
    }

    /// Gives back what is not in use when other jobs are short of memory. To be called now and then.
    public synchronized void makeRoom() {
        while (memory != null && !spare.isEmpty() && memory.mustShrink()) {
            spare.pop();
            buffers--;
            memory.shrink();
        }
    }

    private void dropBuffers() {
        spare.clear();
        buffers = 0;
        if (memory != null) {
            memory.close();
            memory = null;
        }
    }

    /// Bytes of all packs stored so far.
    public synchronized long storedBytes() {
        return storedBytes;
    }

    /// Ends the background work. Packs that are being stored may still appear; nothing refers to them.
    @Override
    public void close() {
        // Waits: the store must not be closed under an upload.
        List<Thread> left = uploaders();
        left.forEach(uploader -> Undisturbed.join(uploader, () -> left.forEach(Thread::interrupt)));
        synchronized (this) {
            dropBuffers();
        }
    }

    private synchronized List<Thread> uploaders() {
        return List.copyOf(uploaders);
    }

    private synchronized PackBuffer.Slot reserve(int length) {
        while (true) {
            throwFailure();
            if (current != null && current.hasRoom(length)) {
                return current.reserve(length);
            }
            if (current != null) {
                seal();
            }
            byte[] bytes = buffer();
            if (bytes == null) {
                // Another thread may have begun a pack, and filled it, when this returns.
                await();
            } else {
                current = new PackBuffer(kind, ObjectId.random(randomness), keys, bytes, capacity);
            }
        }
    }

    private byte @Nullable [] buffer() {
        if (!spare.isEmpty()) {
            return spare.pop();
        }
        if (memory == null) {
            memory = job.take(1, 1, capacity);
        } else if (buffers == buffersMax || !memory.grow()) {
            return null;
        }
        buffers++;
        return new byte[capacity];
    }

    private synchronized void complete(PackBuffer.Slot slot, PackGroup group) {
        PackBuffer pack = slot.pack();
        pack.complete(group);
        if (pack == current && pack.items() >= ITEMS_MAX) {
            seal();
        } else if (pack.isComplete()) {
            upload(pack);
        }
    }

    private void seal() {
        PackBuffer pack = current;
        if (pack == null) {
            return;
        }
        current = null;
        pack.close();
        uploads++;
        if (pack.isComplete()) {
            upload(pack);
        }
    }

    private void upload(PackBuffer pack) {
        begun++;
        Thread uploader = job.threads().working("pack-upload-" + begun, () -> storeNow(pack));
        uploaders.add(uploader);
        uploader.start();
    }

    private void storeNow(PackBuffer pack) {
        Throwable thrown = null;
        long size = 0;
        try (FrameCodec codec = new FrameCodec(Compression.METADATA)) {
            size = store(pack, codec);
            sink.durable(pack.id(), pack.groups());
        } catch (RuntimeException | Error e) {
            thrown = e;
        }
        uploaded(pack, size, thrown);
    }

    private long store(PackBuffer pack, FrameCodec codec) {
        byte[] tail = pack.tail(codec);
        try (ObjectStore.Upload upload =
                store.create(new ObjectName(ObjectName.Area.PACKS, pack.id()))) {
            upload.write(pack.bytes(), 0, pack.used());
            upload.write(tail, 0, tail.length);
            upload.commit();
        }
        return (long) pack.used() + tail.length;
    }

    private synchronized void uploaded(PackBuffer pack, long size, @Nullable Throwable thrown) {
        uploads--;
        storedBytes += size;
        spare.push(pack.bytes());
        if (failure == null) {
            failure = thrown;
        }
        makeRoom();
        uploaders.remove(Thread.currentThread());
        notifyAll();
    }

    /// Waits for news; callers ask again in a loop.
    @SuppressWarnings("WaitNotInLoop")
    private void await() {
        Processors.await(this::wait);
    }

    private void throwFailure() {
        if (failure instanceof RuntimeException e) {
            throw e;
        }
        if (failure instanceof Error e) {
            throw e;
        }
    }
}
