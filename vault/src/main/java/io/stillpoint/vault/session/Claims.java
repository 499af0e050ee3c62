package io.stillpoint.vault.session;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Which items a session is about to store, so that its workers store equal ones once. Each session has its own:
/// relying on what another session has begun would lose data if that one failed.
public final class Claims {
    private final ItemIndex index;
    private final boolean isResumed;
    private final Set<ItemId> pending = ConcurrentHashMap.newKeySet();
    private final Set<ObjectId> packs = ConcurrentHashMap.newKeySet();
    // Packs of others that exist.
    private final Set<ObjectId> there = ConcurrentHashMap.newKeySet();
    private final AtomicLong indexBytes = new AtomicLong();

    /// @param isResumed whether this session had stored some of it before
    Claims(ItemIndex index, boolean isResumed) {
        this.index = index;
        this.isResumed = isResumed;
    }

    /// Whether a chunk that was claimed, and that the vault has as a difference, may be one that this session stored before it was
    /// taken up again.
    boolean isResumed() {
        return isResumed;
    }

    /// The caller need not store it after all.
    void giveUp(ItemId id) {
        pending.remove(id);
    }

    /// Whether the caller has to store the node: the vault has none such and no other worker is about to store it.
    boolean claimNode(ItemId id, ItemIndex.Lookup lookup) {
        return claim(id, lookup::findIndexed);
    }

    /// As [#claimNode], for a chunk. One that the vault has only as a difference is stored again: what protects that
    /// difference's base from being pruned are points, not sessions that come upon it.
    boolean claimChunk(ItemId id, ItemIndex.Lookup lookup) {
        return claim(id, lookup::findWhole);
    }

    private boolean claim(ItemId id, Function<ItemId, @Nullable Place> find) {
        if (!pending.add(id)) {
            return false;
        }
        Place found = find.apply(id);
        while (found != null && !isThere(found.pack())) {
            found = find.apply(id);
        }
        if (found == null) {
            return true;
        }
        if (index.isNoted(found.pack())) {
            packs.add(found.pack());
        }
        pending.remove(id);
        return false;
    }

    /// Whether a pack is where the index says, so that this session can rely on it: asked once for each, since the session's record
    /// keeps it from now on.
    private boolean isThere(ObjectId pack) {
        if (packs.contains(pack) || there.contains(pack)) {
            return true;
        }
        if (!index.exists(pack)) {
            return false;
        }
        there.add(pack);
        return true;
    }

    /// Packs that this session has stored, and those of other sessions of this process that it relies on: the index must tell of
    /// them before there is a point.
    Set<ObjectId> packs() {
        return packs;
    }

    /// Bytes of the index that are for this session's packs; complete once the index is flushed.
    long indexBytes() {
        return indexBytes.get();
    }

    /// A pack became durable.
    void durable(ObjectId pack, List<PackGroup> groups) {
        packs.add(pack);
        // First in the index, then gone from here: nobody misses it between.
        index.durable(pack, groups, indexBytes::addAndGet);
        for (PackGroup group : groups) {
            for (ItemId id : group.ids()) {
                pending.remove(id);
            }
        }
    }
}
