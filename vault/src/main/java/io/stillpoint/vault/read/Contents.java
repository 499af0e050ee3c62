package io.stillpoint.vault.read;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.index.Upkeep;
import io.stillpoint.vault.pack.PackFiles;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What an open vault holds and how it is found: the index, packs and nodes, each opened when it is first needed and shared by
/// all who use the vault. Safe for use by several threads.
public final class Contents implements AutoCloseable {
    private final ObjectStore store;
    private final VaultKeys keys;
    private final Records records;
    private final Randomness randomness;
    private final ProcessResources process;
    private final PackFiles packs;
    private final Upkeep upkeep;
    private @Nullable ItemIndex index;
    private Cancellation.@Nullable Scope indexMemory;
    private @Nullable NodeStore nodes;

    /// @param process what all vaults of the process share
    public Contents(
            ObjectStore store,
            VaultKeys keys,
            Records records,
            Randomness randomness,
            ProcessResources process) {
        this.store = store;
        this.keys = keys;
        this.records = records;
        this.randomness = randomness;
        this.process = process;
        packs = new PackFiles(store, keys);
        upkeep = new Upkeep(process.threads());
    }

    public ObjectStore store() {
        return store;
    }

    /// Where it lies, in the store's words.
    public String location() {
        return store.description();
    }

    public VaultKeys keys() {
        return keys;
    }

    public ProcessResources process() {
        return process;
    }

    public PackFiles packs() {
        return packs;
    }

    public synchronized ItemIndex index() {
        if (index == null) {
            index = ItemIndex.open(store, keys, randomness, this::gone, this::damagedFrames);
            long bytes = index.entries() * ItemIndex.BYTES_PER_ENTRY - ItemIndex.BYTES_OF_ALL;
            indexMemory = process.memory().keep(Math.max(0, bytes));
        }
        return index;
    }

    /// The index as of now: what was durable before the call is found.
    public ItemIndex refreshedIndex() {
        boolean isFresh;
        synchronized (this) {
            isFresh = index == null;
        }
        ItemIndex refreshed = index();
        if (!isFresh) {
            refreshed.refresh();
        }
        return refreshed;
    }

    private Set<ObjectId> gone() {
        Set<ObjectId> gone = new HashSet<>();
        records.executed().forEach(found -> gone.addAll(found.record().packs()));
        return gone;
    }

    /// What is known to be damaged.
    public DamagedFrames damagedFrames() {
        DamagedFrames all = DamagedFrames.NONE;
        for (DamagedFrames frames : records.quarantined().values()) {
            all = all.and(frames);
        }
        return all;
    }

    /// Notes in the vault what was found damaged, so that backups store again what lay there and rely on it no longer. Does
    /// nothing if that is known.
    public void quarantine(DamagedFrames found) {
        DamagedFrames known = damagedFrames();
        if (!known.and(found).equals(known)) {
            records.putQuarantined(ObjectId.random(randomness), found);
        }
    }

    /// Where an item lies by the index as of now, after it was not found or a place was found wanting.
    ///
    /// @param failed that place, if there was any
    public Set<Place> otherPlaces(ItemId id, @Nullable Place failed) {
        ItemIndex now = refreshedIndex();
        now.adoptUnlisted();
        Set<Place> places = now.lookup().places(id);
        if (failed != null) {
            places.remove(failed);
        }
        // A verdict that somebody put back must not hide what is there.
        return places.isEmpty() ? now.placesOfGone(id) : places;
    }

    /// Merges segments of the index if there are many; returns at once.
    public void mergeInBackground() {
        ItemIndex merged = index();
        upkeep.start(merged::merge);
    }

    public synchronized NodeStore nodes() {
        if (nodes == null) {
            nodes = new NodeStore(packs, index(), this::otherPlaces, keys, location());
        }
        return nodes;
    }

    @Override
    public void close() {
        // Before the index is closed under it.
        upkeep.close();
        closeAll();
    }

    private synchronized void closeAll() {
        if (nodes != null) {
            nodes.close();
        }
        if (index != null) {
            index.close();
        }
        if (indexMemory != null) {
            indexMemory.close();
        }
        packs.close();
        store.close();
    }
}
