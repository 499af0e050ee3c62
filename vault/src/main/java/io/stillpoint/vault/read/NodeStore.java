package io.stillpoint.vault.read;

import io.stillpoint.vault.crypto.ItemHasher;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackFiles;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.Node;
import io.stillpoint.vault.tree.NodeReader;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Reads nodes from metadata packs; keeps the frames read last, since neighbours in a tree are neighbours in a
/// frame.
public final class NodeStore implements NodeReader, AutoCloseable {
    private static final int FRAMES_MAX = 128;

    private final PackFiles packs;
    private final Elsewhere elsewhere;
    private final String store;
    private final ItemIndex.Lookup lookup;
    private final ItemHasher hasher;
    private final FrameReader reader = new FrameReader();
    private final Map<FrameKey, byte[]> frames = new LinkedHashMap<>(16, 0.75f, true);

    /// Tells where an item lies by the index as of now.
    @FunctionalInterface
    interface Elsewhere {
        /// @param failed a place that was found wanting, if there was any
        Set<Place> places(ItemId id, @Nullable Place failed);
    }

    private record FrameKey(ObjectId pack, long offset) {}

    NodeStore(PackFiles packs, ItemIndex index, Elsewhere elsewhere, VaultKeys keys, String store) {
        this.packs = packs;
        this.elsewhere = elsewhere;
        this.store = store;
        lookup = index.lookup();
        hasher = new ItemHasher(keys);
    }

    @Override
    public synchronized Node read(ItemId id, int level) {
        Place place = lookup.find(id);
        if (place == null) {
            // Stored since the index was read?
            VaultException missing =
                    new VaultException(Kind.MISSING, "vault.node-missing", null, store, id);
            return readElsewhere(null, id, level, missing);
        }
        try {
            return read(place, id, level);
        } catch (VaultException e) {
            requireDamage(e);
            return readElsewhere(place, id, level, e);
        }
    }

    /// Prune may have moved the node since the index was read, or this copy is damaged.
    private Node readElsewhere(@Nullable Place failed, ItemId id, int level, VaultException first) {
        for (Place place : elsewhere.places(id, failed)) {
            try {
                return read(place, id, level);
            } catch (VaultException e) {
                requireDamage(e);
                first.addSuppressed(e);
            }
        }
        throw first;
    }

    private static void requireDamage(VaultException e) {
        if (!e.isDamage()) {
            throw e;
        }
    }

    private Node read(Place place, ItemId id, int level) {
        byte[] frame = frame(place);
        int end = place.itemOffset() + place.itemLength();
        if (end > frame.length
                || !hasher.node(frame, place.itemOffset(), place.itemLength()).equals(id)) {
            throw damaged(place, id);
        }
        Node node = Node.decode(frame, place.itemOffset(), place.itemLength());
        if (node == null || node.level() != level) {
            throw damaged(place, id);
        }
        return node;
    }

    private byte[] frame(Place place) {
        FrameKey key = new FrameKey(place.pack(), place.frameOffset());
        byte[] frame = frames.get(key);
        if (frame == null) {
            PackFile pack = packs.acquire(place.pack());
            try {
                int length = reader.read(pack, place.frameOffset(), place.frameLength());
                frame = Arrays.copyOf(reader.plain(), length);
            } finally {
                packs.release(pack);
            }
            frames.put(key, frame);
            if (frames.size() > FRAMES_MAX) {
                frames.remove(frames.keySet().iterator().next());
            }
        }
        return frame;
    }

    private VaultException damaged(Place place, ItemId id) {
        return new VaultException(
                Kind.DAMAGED,
                "vault.item-damaged",
                null,
                store,
                new ObjectName(Area.PACKS, place.pack()),
                id);
    }

    @Override
    public synchronized void close() {
        reader.close();
    }
}
