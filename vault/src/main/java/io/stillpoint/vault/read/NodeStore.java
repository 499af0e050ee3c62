package io.stillpoint.vault.read;

import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackFiles;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.CacheBounds;
import io.stillpoint.vault.store.KeptBytes;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.SharedAnswer;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.NodeReader;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// Reads nodes from metadata packs; keeps the frames read last, since neighbours in a tree are neighbours in a frame. Shared by
/// all who use a vault.
///
/// The lock covers what is kept: frames, readers that nobody uses, and which frames are being read. No store is asked and nothing
/// is computed under it: who wants a frame that another thread is reading waits for that one, and nobody else waits.
public final class NodeStore implements NodeReader, AutoCloseable {
    private final Contents contents;
    private final ItemIndex index;
    private final PackFiles packs;
    private final CacheBounds bounds;
    private final ReentrantLock lock = new ReentrantLock();
    private final KeptBytes<FrameKey, byte[]> frames;
    private final Map<FrameKey, SharedAnswer<byte[]>> asked = new HashMap<>();
    private final Deque<Reader> idle = new ArrayDeque<>();
    private long idleBytes;
    private boolean isClosed;

    private record FrameKey(ObjectId pack, long offset) {}

    /// What one thread looks a node up with, reads it into, and checks it by.
    private final class Reader {
        /// What the lookup and the hasher take in bytes, rounded up.
        private static final int OTHER_BYTES = 16 << 10;

        final ItemIndex.Lookup lookup = index.lookup();
        final ItemHasher hasher = new ItemHasher(contents.keys());
        final FrameReader frames = new FrameReader();

        long bytes() {
            return frames.bytes() + OTHER_BYTES;
        }
    }

    NodeStore(Contents contents, ItemIndex index) {
        this.contents = contents;
        this.index = index;
        packs = contents.packs();
        bounds = contents.bounds();
        frames = new KeptBytes<>(bounds.nodeBytes());
    }

    /// As the interface says; [CancelledException][io.stillpoint.platform.CancelledException] if interrupted while another thread
    /// reads what this one waits for.
    @Override
    public Node read(ItemId id, int level) {
        Reader reader = borrow();
        try {
            return read(id, level, reader);
        } finally {
            giveBack(reader);
        }
    }

    private Reader borrow() {
        lock.lock();
        try {
            if (isClosed) {
                throw new IllegalStateException("nodes of a closed vault");
            }
            Reader reader = idle.poll();
            if (reader != null) {
                idleBytes -= reader.bytes();
                return reader;
            }
        } finally {
            lock.unlock();
        }
        return new Reader();
    }

    private void giveBack(Reader reader) {
        lock.lock();
        try {
            if (!isClosed && idleBytes + reader.bytes() <= bounds.nodeReaderBytes()) {
                idleBytes += reader.bytes();
                idle.push(reader);
                return;
            }
        } finally {
            lock.unlock();
        }
        reader.frames.close();
    }

    private Node read(ItemId id, int level, Reader reader) {
        Place place = reader.lookup.find(id);
        if (place == null) {
            // Stored since the index was read?
            VaultException missing =
                    new VaultException(
                            Kind.MISSING, "vault.node-missing", null, contents.location(), id);
            return readElsewhere(null, id, level, reader, missing);
        }
        try {
            return read(place, id, level, reader);
        } catch (VaultException e) {
            e.requireDamage();
            return readElsewhere(place, id, level, reader, e);
        }
    }

    /// Prune may have moved the node since the index was read, or this copy is damaged.
    private Node readElsewhere(
            @Nullable Place failed, ItemId id, int level, Reader reader, VaultException first) {
        for (Place place : contents.otherPlaces(id, failed)) {
            try {
                return read(place, id, level, reader);
            } catch (VaultException e) {
                e.requireDamage();
                first.addSuppressed(e);
            }
        }
        throw first;
    }

    private Node read(Place place, ItemId id, int level, Reader reader) {
        byte[] frame = frame(place, reader.frames);
        int end = place.itemOffset() + place.itemLength();
        if (end > frame.length
                || !reader.hasher.node(frame, place.itemOffset(), place.itemLength()).equals(id)) {
            throw damaged(place, id);
        }
        Node node = Node.decode(frame, place.itemOffset(), place.itemLength());
        if (node == null || node.level() != level) {
            throw damaged(place, id);
        }
        return node;
    }

    private byte[] frame(Place place, FrameReader reader) {
        FrameKey key = new FrameKey(place.pack(), place.frameOffset());
        while (true) {
            SharedAnswer<byte[]> answer;
            boolean isFirst;
            lock.lock();
            try {
                byte[] kept = frames.get(key);
                if (kept != null) {
                    return kept;
                }
                answer = asked.get(key);
                isFirst = answer == null;
                if (answer == null) {
                    answer = new SharedAnswer<>();
                    asked.put(key, answer);
                }
            } finally {
                lock.unlock();
            }
            if (isFirst) {
                return answer.ask(() -> fetch(place, reader), frame -> settle(key, frame));
            }
            Optional<byte[]> told = answer.await();
            if (told.isPresent()) {
                return told.get();
            }
        }
    }

    private byte[] fetch(Place place, FrameReader reader) {
        PackFile pack = packs.acquire(place.pack());
        try {
            int length = reader.read(pack, place.frameOffset(), place.frameLength());
            return Arrays.copyOf(reader.plain(), length);
        } finally {
            packs.release(pack);
        }
    }

    private void settle(FrameKey key, byte @Nullable [] frame) {
        lock.lock();
        try {
            asked.remove(key);
            if (frame != null) {
                frames.put(key, frame, frame.length);
            }
        } finally {
            lock.unlock();
        }
    }

    private VaultException damaged(Place place, ItemId id) {
        return new VaultException(
                Kind.DAMAGED,
                "vault.item-damaged",
                null,
                contents.location(),
                new ObjectName(Area.PACKS, place.pack()),
                id);
    }

    /// When nobody reads any more. Whoever comes later is refused.
    @Override
    public void close() {
        lock.lock();
        try {
            isClosed = true;
            idle.forEach(reader -> reader.frames.close());
            idle.clear();
            frames.clear();
        } finally {
            lock.unlock();
        }
    }
}
