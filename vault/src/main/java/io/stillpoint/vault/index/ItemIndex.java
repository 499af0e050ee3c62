package io.stillpoint.vault.index;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.VaultException;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// From item ids to places: the vault's segments, and what this process stored since. Safe for use by several
/// threads. On the heap are at most [#RECENT_MAX] recent items and a tenth of a byte for each older one.
public final class ItemIndex implements AutoCloseable {
    /// How many placed items are kept on the heap before a segment is written.
    private static final int RECENT_MAX = 1 << 18;

    /// How many segments of about the same size there may be before they are merged.
    private static final int MERGE_WIDTH = 8;

    private static final int OPEN_ATTEMPTS = 5;

    private final ObjectStore store;
    private final VaultKeys keys;
    private final Randomness randomness;
    private final Map<ItemId, Place> recent = new ConcurrentHashMap<>();
    private final AtomicLong writtenBytes = new AtomicLong();
    private final Queue<String> damage = new ConcurrentLinkedQueue<>();
    private final List<Segment> setAside = new ArrayList<>();
    private volatile List<Segment> segments = List.of();
    private Map<ObjectId, List<PackGroup>> durable = new ConcurrentHashMap<>();
    private int durableItems;
    private boolean adopted;

    private ItemIndex(ObjectStore store, VaultKeys keys, Randomness randomness) {
        this.store = store;
        this.keys = keys;
        this.randomness = randomness;
    }

    /// Opens all segments of a vault.
    public static ItemIndex open(ObjectStore store, VaultKeys keys, Randomness randomness) {
        for (int attempt = 1; ; attempt++) {
            ItemIndex index = new ItemIndex(store, keys, randomness);
            try {
                index.openSegments();
                return index;
            } catch (VaultException e) {
                index.close();
                // Between listing and opening another process may have merged a segment into a new
                // one.
                if (e.kind() != VaultException.Kind.MISSING || attempt == OPEN_ATTEMPTS) {
                    throw e;
                }
            }
        }
    }

    private void openSegments() {
        List<ObjectName> names = new ArrayList<>();
        store.list(ObjectName.Area.INDEX, listed -> names.add(listed.name()));
        List<Segment> opened = new ArrayList<>();
        try {
            for (ObjectName name : names) {
                try {
                    opened.add(Segment.open(store, keys, name));
                } catch (VaultException e) {
                    noteDamage(e);
                }
            }
        } finally {
            segments = List.copyOf(opened);
        }
    }

    /// One thread's way to look things up.
    public final class Lookup {
        private final Segment.BlockBuffer buffer = new Segment.BlockBuffer();

        private Lookup() {}

        /// Where the item lies, or null if the vault has no such item. Packs that no segment lists are looked
        /// through before null is returned.
        public @Nullable Place find(ItemId id) {
            Place place = findIndexed(id);
            if (place == null) {
                // Also when another thread did it while we looked: it may have found the item
                // since.
                adoptUnlisted();
                place = findIndexed(id);
            }
            return place;
        }

        /// As [#find], but without looking through packs that no segment lists.
        public @Nullable Place findIndexed(ItemId id) {
            Place place = recent.get(id);
            return place == null ? findInSegments(id) : place;
        }

        private @Nullable Place findInSegments(ItemId id) {
            for (Segment segment : segments) {
                try {
                    Place place = segment.find(id, buffer);
                    if (place != null) {
                        return place;
                    }
                } catch (VaultException e) {
                    noteDamage(e);
                    setAside(segment);
                }
            }
            return null;
        }
    }

    /// Notes damage to a segment; throws anything else. The index is redundant: what a damaged segment listed is
    /// found through the packs.
    private void noteDamage(VaultException e) {
        if (e.kind() != VaultException.Kind.DAMAGED) {
            throw e;
        }
        damage.add(e.getMessage());
    }

    private synchronized void setAside(Segment segment) {
        List<Segment> left = new ArrayList<>(segments);
        if (left.remove(segment)) {
            segments = List.copyOf(left);
            setAside.add(segment);
            adopted = false;
        }
    }

    /// A way to look things up for one thread.
    public Lookup lookup() {
        return new Lookup();
    }

    /// Takes note of a pack that has become durable. May write a segment.
    public synchronized void durable(ObjectId pack, List<PackGroup> groups) {
        durable.put(pack, groups);
        for (PackGroup group : groups) {
            group.forEachPlace(pack, recent::put);
            durableItems += group.ids().length;
        }
        if (durableItems >= RECENT_MAX) {
            flush();
        }
    }

    /// Writes a segment of everything noted since the last; durable when this returns.
    public synchronized void flush() {
        if (durable.isEmpty()) {
            return;
        }
        record Entry(ItemId id, Place place) {}
        List<Entry> entries = new ArrayList<>(durableItems);
        durable.forEach((pack, groups) ->
                groups.forEach(group ->
                        group.forEachPlace(
                                pack, (id, place) -> entries.add(new Entry(id, place)))));
        entries.sort(Comparator.comparing(Entry::id));
        Segment segment =
                write(
                        durable.keySet(),
                        writer -> {
                            ItemId last = null;
                            for (Entry entry : entries) {
                                if (!entry.id.equals(last)) {
                                    writer.add(entry.id, entry.place);
                                }
                                last = entry.id;
                            }
                        });
        List<Segment> more = new ArrayList<>(segments);
        more.add(segment);
        // First visible in the segments, then gone from the heap: nobody misses it between.
        segments = List.copyOf(more);
        entries.forEach(entry -> recent.remove(entry.id));
        durable = new ConcurrentHashMap<>();
        durableItems = 0;
    }

    /// Merges segments of about the same size when there are many of them.
    public synchronized void merge() {
        while (true) {
            List<Segment> similar = mostAlike();
            if (similar.size() < MERGE_WIDTH) {
                return;
            }
            Set<ObjectId> packs = new HashSet<>();
            similar.forEach(segment -> packs.addAll(segment.packs()));
            Segment merged = write(packs, new SegmentMerge(similar)::writeTo);
            List<Segment> left = new ArrayList<>(segments);
            left.removeAll(similar);
            left.add(merged);
            segments = List.copyOf(left);
            for (Segment segment : similar) {
                segment.close();
                store.delete(segment.name());
            }
        }
    }

    private List<Segment> mostAlike() {
        Map<Integer, List<Segment>> tiers = new HashMap<>();
        for (Segment segment : segments) {
            // Tiers by powers of eight, so that an entry is rewritten once per tier.
            int tier = (Long.SIZE - Long.numberOfLeadingZeros(segment.entries())) / 3;
            tiers.computeIfAbsent(tier, ignored -> new ArrayList<>()).add(segment);
        }
        return tiers.values().stream().max(Comparator.comparingInt(List::size)).orElse(List.of());
    }

    @FunctionalInterface
    private interface Filler {
        void fill(SegmentWriter writer);
    }

    private Segment write(Set<ObjectId> packs, Filler filler) {
        try (SegmentWriter writer =
                new SegmentWriter(store, keys, ObjectId.random(randomness), packs)) {
            filler.fill(writer);
            writtenBytes.addAndGet(writer.commit());
            return Segment.open(store, keys, writer.name());
        }
    }

    /// Notes the items of packs that no segment lists: those of a run that crashed before its index was
    /// written, or of a vault whose index was lost. Looks once; when this returns
    /// they are noted, whichever thread did it.
    public synchronized void adoptUnlisted() {
        if (adopted) {
            return;
        }
        adopted = true;
        Set<ObjectId> known = new HashSet<>(durable.keySet());
        segments.forEach(segment -> known.addAll(segment.packs()));
        List<ObjectId> unlisted = new ArrayList<>();
        store.list(
                ObjectName.Area.PACKS,
                listed -> {
                    if (!known.contains(listed.name().id())) {
                        unlisted.add(listed.name().id());
                    }
                });
        try (FrameReader reader = new FrameReader()) {
            for (ObjectId pack : unlisted) {
                adopt(pack, reader);
            }
        }
    }

    private void adopt(ObjectId pack, FrameReader reader) {
        try (PackFile file = PackFile.open(store, keys, pack)) {
            durable(pack, file.directory(reader));
        } catch (VaultException e) {
            // A damaged pack offers nothing; verification names it. Anything else is a real
            // failure.
            if (e.kind() != VaultException.Kind.DAMAGED
                    && e.kind() != VaultException.Kind.MISSING) {
                throw e;
            }
        }
    }

    /// Bytes of segments written by this process.
    public long writtenBytes() {
        return writtenBytes.get();
    }

    /// Items in all segments; an item that stands in two counts twice.
    public long entries() {
        return segments.stream().mapToLong(Segment::entries).sum();
    }

    /// Checks every byte of every segment and returns, in words, all damage found since the index was opened.
    public List<String> checkSegments() {
        for (Segment segment : segments) {
            try {
                segment.checkWhole();
            } catch (VaultException e) {
                noteDamage(e);
            }
        }
        return List.copyOf(damage);
    }

    @Override
    public synchronized void close() {
        segments.forEach(Segment::close);
        setAside.forEach(Segment::close);
        segments = List.of();
        setAside.clear();
    }
}
