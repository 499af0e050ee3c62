package io.stillpoint.vault.pack;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.vault.crypto.ObjectHeader;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/// Fills packs and stores them. Safe for use by many threads: each compresses its frame, gets a place in the
/// current pack under a short lock, and encrypts right into it, while full packs are stored in the background.
/// As many packs are stored at once as the store has streams, up to [#UPLOADS_MAX], and one more is in memory; when all
/// wait for the store, appending waits too. Where memory is short, fewer are: one at least.
public final class PackWriter implements AutoCloseable {
    private static final int UPLOADS_MAX = 4;

    /// Keeps a directory well below its limit when data compress extremely well.
    private static final int ITEMS_MAX = 1 << 16;

    /// Is told of packs that have become durable.
    @FunctionalInterface
    public interface Sink {
        void durable(ObjectId pack, List<PackGroup> groups);
    }

    private final ObjectStore store;
    private final VaultKeys keys;
    private final ObjectKind kind;
    private final int capacity;
    private final Randomness randomness;
    private final Sink sink;
    private final ExecutorService uploader;
    private final Deque<byte[]> spare = new ArrayDeque<>();
    private final MemoryBudget.Shares memory;
    private final int buffersMax;
    private int buffers;
    private int uploads;
    private long storedBytes;
    private @Nullable PackBuffer current;
    private @Nullable Throwable failure;

    /// @param capacity of a pack in bytes, directory excluded
    public PackWriter(
            ObjectStore store,
            VaultKeys keys,
            ObjectKind kind,
            int capacity,
            Randomness randomness,
            Sink sink) {
        this.store = store;
        this.keys = keys;
        this.kind = kind;
        this.capacity = capacity;
        this.randomness = randomness;
        this.sink = sink;
        memory =
                MemoryBudget.ofProcess()
                        .take(2, Math.min(UPLOADS_MAX, store.streams()) + 1, capacity);
        buffersMax = memory.count();
        uploader =
                Executors.newFixedThreadPool(
                        buffersMax - 1, Threads.named("pack-upload-", 1).factory());
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

    /// Stores what is left and returns when every pack is durable. No more appending afterwards.
    public synchronized void finish() {
        if (current != null) {
            seal();
        }
        while (uploads > 0 && failure == null) {
            await();
        }
        throwFailure();
    }

    /// Bytes of all packs stored so far.
    public synchronized long storedBytes() {
        return storedBytes;
    }

    /// Ends the background work. Packs that are being stored may still appear; nothing refers to them.
    @Override
    public void close() {
        // Waits: the store must not be closed under an upload.
        uploader.close();
        memory.close();
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
        if (buffers == buffersMax) {
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
        uploader.execute(() -> {
            Throwable thrown = null;
            long size = 0;
            try (FrameCodec codec = new FrameCodec(Compression.METADATA)) {
                size = store(pack, codec);
                sink.durable(pack.id(), pack.groups());
            } catch (RuntimeException | Error e) {
                thrown = e;
            }
            uploaded(pack, size, thrown);
        });
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
        notifyAll();
    }

    /// Waits for news; callers ask again in a loop.
    @SuppressWarnings("WaitNotInLoop")
    private void await() {
        try {
            wait();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
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
