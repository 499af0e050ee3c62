package io.stillpoint.vault.read;

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
import io.stillpoint.vault.store.CacheBounds;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.SharedAnswer;
import io.stillpoint.vault.store.Uses;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/// What an open vault holds and how it is found: the index, packs and nodes, each opened when it is first needed and shared by
/// all who use the vault. Safe for use by several threads.
///
/// The lock covers which of them are open, and never an answer of the store: while one thread opens the index, those who need it
/// wait for that one.
public final class Contents implements AutoCloseable {
    private final ObjectStore store;
    private final VaultKeys keys;
    private final Records records;
    private final Randomness randomness;
    private final ProcessResources process;
    private final Uses uses;
    private final Strays strays;
    private final PackFiles packs;
    private final Upkeep upkeep;
    private final ReentrantLock lock = new ReentrantLock();
    private volatile @Nullable Opened opened;
    private @Nullable SharedAnswer<Opened> opening;
    private boolean isClosed;

    /// What is there once something was looked for.
    private record Opened(ItemIndex index, NodeStore nodes, IndexMemory memory) {}

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
        upkeep = new Upkeep(process.threads());
        uses = new Uses(store.description());
        strays = new Strays(records);
        packs = new PackFiles(store, keys, bounds().packs());
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

    /// What goes on in this vault: whoever does something in it begins a use before, and ends it after.
    public Uses uses() {
        return uses;
    }

    public Strays strays() {
        return strays;
    }

    CacheBounds bounds() {
        return CacheBounds.USUAL;
    }

    public PackFiles packs() {
        return packs;
    }

    public ItemIndex index() {
        return opened(false).index();
    }

    /// The index as of now: what was durable before the call is found.
    public ItemIndex refreshedIndex() {
        return opened(true).index();
    }

    public NodeStore nodes() {
        return opened(false).nodes();
    }

    /// @param isFresh whether what was durable before the call must be found
    private Opened opened(boolean isFresh) {
        Opened known = opened;
        if (known == null) {
            Opened mine = open();
            if (mine != null) {
                return mine;
            }
            // Another thread opened it, which may have looked before this call.
            known = Objects.requireNonNull(opened);
        }
        if (isFresh) {
            known.index.refresh();
            known.memory.adjust(known.index);
        }
        return known;
    }

    /// Opens the index, or waits for another thread that does; null: it was another one.
    private @Nullable Opened open() {
        while (true) {
            SharedAnswer<Opened> answer;
            boolean isFirst;
            lock.lock();
            try {
                if (opened != null) {
                    return null;
                }
                if (isClosed) {
                    throw new IllegalStateException("the index of a closed vault");
                }
                isFirst = opening == null;
                if (opening == null) {
                    opening = new SharedAnswer<>();
                }
                answer = opening;
            } finally {
                lock.unlock();
            }
            if (isFirst) {
                return answer.ask(this::openNow, this::settle);
            }
            if (answer.await().isPresent()) {
                return null;
            }
        }
    }

    private Opened openNow() {
        ItemIndex index = ItemIndex.open(store, keys, randomness, this::gone, this::damagedFrames);
        return new Opened(
                index, new NodeStore(this, index), new IndexMemory(process.memory(), index));
    }

    private void settle(@Nullable Opened now) {
        lock.lock();
        try {
            opened = now;
            opening = null;
        } finally {
            lock.unlock();
        }
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

    /// When nothing goes on any more (see [Uses#end]).
    @Override
    public void close() {
        Opened last;
        lock.lock();
        try {
            isClosed = true;
            last = opened;
            opened = null;
        } finally {
            lock.unlock();
        }
        // Before the index is closed under it.
        upkeep.close();
        if (last != null) {
            last.nodes.close();
            last.index.close();
            last.memory.close();
        }
        packs.close();
        store.close();
    }
}
