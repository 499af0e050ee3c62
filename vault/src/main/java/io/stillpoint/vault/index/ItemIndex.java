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
import io.stillpoint.vault.store.ObjectStore.Listed;
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
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// From item ids to places: the vault's segments, and what this process stored since. An item may have several places, as
/// copies in several packs. Safe for use by several threads. On the heap are at most [#RECENT_MAX] recent items and a
/// tenth of a byte for each older one.
///
/// Packs that a verdict deleted, or that do not exist, are *gone*: no place in them is ever told, and merging drops them. Nothing
/// else is dropped: another process may count on any other place.
public final class ItemIndex implements AutoCloseable {
    /// How many placed items are kept on the heap before a segment is written.
    private static final int RECENT_MAX = 1 << 18;

    /// How many segments of about the same size there may be before they are merged.
    private static final int MERGE_WIDTH = 8;

    /// A segment is rewritten when this part of its packs is gone: one in so many.
    private static final int GONE_PART = 4;

    private static final int OPEN_ATTEMPTS = 5;

    private final ObjectStore store;
    private final VaultKeys keys;
    private final Randomness randomness;
    private final Supplier<Set<ObjectId>> verdicts;
    private final Map<ItemId, Place> recent = new ConcurrentHashMap<>();
    private final AtomicLong writtenBytes = new AtomicLong();
    private final Queue<String> damage = new ConcurrentLinkedQueue<>();
    // Out of use, but perhaps being read by another thread.
    private final List<Segment> retired = new ArrayList<>();
    private final Set<ObjectName> setAside = new HashSet<>();
    private final ReentrantLock merging = new ReentrantLock();
    private volatile List<Segment> segments = List.of();
    private volatile Set<ObjectId> gone = Set.of();
    // Packs that segments list and the store does not have.
    private final Set<ObjectId> missing = new HashSet<>();
    private Map<ObjectId, List<PackGroup>> durable = new ConcurrentHashMap<>();
    private int durableItems;
    private boolean adopted;

    private ItemIndex(
            ObjectStore store,
            VaultKeys keys,
            Randomness randomness,
            Supplier<Set<ObjectId>> verdicts) {
        this.store = store;
        this.keys = keys;
        this.randomness = randomness;
        this.verdicts = verdicts;
    }

    /// Opens all segments of a vault.
    ///
    /// @param verdicts gives the packs of all verdicts that stand
    public static ItemIndex open(
            ObjectStore store,
            VaultKeys keys,
            Randomness randomness,
            Supplier<Set<ObjectId>> verdicts) {
        ItemIndex index = new ItemIndex(store, keys, randomness, verdicts);
        try {
            index.refresh();
            return index;
        } catch (RuntimeException | Error e) {
            index.close();
            throw e;
        }
    }

    /// Takes note of segments that other processes have made or replaced, and of verdicts. What was durable before the
    /// call is found after it.
    public synchronized void refresh() {
        // Before the segments: a verdict that has gone since was dropped from all segments before.
        Set<ObjectId> now = new HashSet<>(verdicts.get());
        now.addAll(missing);
        gone = Set.copyOf(now);
        adopted = false;
        int attempt = 1;
        // Between listing and opening another process may have merged a segment into a new one.
        // Where
        // listings are late it may be listed for longer; what it tells is in its packs too.
        while (!reopen() && attempt < OPEN_ATTEMPTS) {
            attempt++;
        }
    }

    /// Returns whether every segment that is listed could be opened.
    private boolean reopen() {
        List<ObjectName> names = new ArrayList<>();
        store.list(ObjectName.Area.INDEX, listed -> names.add(listed.name()));
        Map<ObjectName, Segment> open = new HashMap<>();
        segments.forEach(segment -> open.put(segment.name(), segment));
        List<Segment> fresh = new ArrayList<>();
        List<Segment> now = new ArrayList<>();
        boolean done = false;
        boolean isWhole = true;
        try {
            for (ObjectName name : names) {
                Segment known = open.remove(name);
                if (known == null && !setAside.contains(name)) {
                    try {
                        Segment opened = open(name);
                        if (opened != null) {
                            fresh.add(opened);
                            now.add(opened);
                        }
                    } catch (VaultException e) {
                        requireMissing(e);
                        isWhole = false;
                    }
                } else if (known != null) {
                    now.add(known);
                }
            }
            done = true;
        } finally {
            if (!done) {
                fresh.forEach(Segment::close);
            }
        }
        // Kept although not listed: a late listing may not tell of it yet, and if it was merged,
        // its
        // entries are as good as before.
        retireUnlisted(open.values(), now);
        segments = List.copyOf(now);
        return isWhole;
    }

    private static void requireMissing(VaultException e) {
        if (e.kind() != VaultException.Kind.MISSING) {
            throw e;
        }
    }

    private void retireUnlisted(Iterable<Segment> unlisted, List<Segment> now) {
        for (Segment segment : unlisted) {
            if (store.exists(segment.name())) {
                now.add(segment);
            } else {
                retired.add(segment);
            }
        }
    }

    private @Nullable Segment open(ObjectName name) {
        try {
            return Segment.open(store, keys, name);
        } catch (VaultException e) {
            noteDamage(e);
            setAside.add(name);
            return null;
        }
    }

    /// One thread's way to look things up.
    public final class Lookup {
        private final Segment.BlockBuffer buffer = new Segment.BlockBuffer();
        private final Predicate<ObjectId> usable;

        private Lookup(Set<ObjectId> avoided) {
            usable = pack -> !avoided.contains(pack) && !gone.contains(pack);
        }

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
            return place == null || !usable.test(place.pack()) ? findInSegments(id) : place;
        }

        /// All places of the item, each once.
        public Set<Place> places(ItemId id) {
            Set<Place> places = new HashSet<>();
            search(
                    id,
                    place -> {
                        places.add(place);
                        return false;
                    });
            Place newest = recent.get(id);
            if (newest != null) {
                places.add(newest);
            }
            places.removeIf(place -> !usable.test(place.pack()));
            return places;
        }

        private @Nullable Place findInSegments(ItemId id) {
            return search(id, place -> usable.test(place.pack()));
        }

        private @Nullable Place search(ItemId id, Predicate<Place> accepted) {
            for (Segment segment : segments) {
                try {
                    Place place = segment.find(id, buffer, accepted);
                    if (place != null) {
                        return place;
                    }
                } catch (VaultException e) {
                    if (e.kind() == VaultException.Kind.MISSING) {
                        // Merged by another process. Whoever needs the item asks the index as of
                        // then.
                        retire(segment);
                    } else {
                        noteDamage(e);
                        setAside(segment);
                    }
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
        setAside.add(segment.name());
        retire(segment);
    }

    private synchronized void retire(Segment segment) {
        List<Segment> left = new ArrayList<>(segments);
        if (left.remove(segment)) {
            segments = List.copyOf(left);
            retired.add(segment);
            adopted = false;
        }
    }

    /// A way to look things up for one thread.
    public Lookup lookup() {
        return new Lookup(Set.of());
    }

    /// As [#lookup()], as if the vault did not have certain packs.
    public Lookup lookup(Set<ObjectId> avoided) {
        return new Lookup(avoided);
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
        // What was noted may have been deleted since.
        if (durable.keySet().removeIf(gone::contains)) {
            recent.values().removeIf(place -> gone.contains(place.pack()));
        }
        if (durable.isEmpty()) {
            return;
        }
        List<SegmentMerge.Entry> entries = new ArrayList<>(durableItems);
        durable.forEach((pack, groups) ->
                groups.forEach(group ->
                        group.forEachPlace(
                                pack,
                                (id, place) -> entries.add(new SegmentMerge.Entry(id, place)))));
        entries.sort(Comparator.comparing(SegmentMerge.Entry::id));
        Segment segment =
                write(
                        durable.keySet(),
                        writer -> entries.forEach(entry -> writer.add(entry.id(), entry.place())));
        List<Segment> more = new ArrayList<>(segments);
        more.add(segment);
        // First visible in the segments, then gone from the heap: nobody misses it between.
        segments = List.copyOf(more);
        entries.forEach(entry -> recent.remove(entry.id()));
        durable = new ConcurrentHashMap<>();
        durableItems = 0;
    }

    /// Merges segments of about the same size when there are many of them, while others go on using the index. Does
    /// nothing if another thread is at it.
    public void merge() {
        if (!merging.tryLock()) {
            return;
        }
        try {
            while (true) {
                List<Segment> similar = mostAlike();
                if (similar.size() < MERGE_WIDTH) {
                    return;
                }
                replace(similar);
            }
        } finally {
            merging.unlock();
        }
    }

    /// Rewrites segments of which many packs are gone. Returns those gone that segments still list, with entries
    /// that nobody is told of.
    ///
    /// @param overdue packs that have been gone for so long that one of them is reason enough
    public Set<ObjectId> dropGone(Set<ObjectId> overdue) {
        merging.lock();
        try {
            Set<ObjectId> left = new HashSet<>();
            for (Segment segment : segments) {
                List<ObjectId> dead = segment.packs().stream().filter(gone::contains).toList();
                boolean isDue =
                        dead.size() * GONE_PART >= segment.packs().size()
                                || dead.stream().anyMatch(overdue::contains);
                if (dead.isEmpty() || !isDue || !isReplaced(segment)) {
                    left.addAll(dead);
                }
            }
            return left;
        } finally {
            merging.unlock();
        }
    }

    /// Whether the segment could be replaced; another process may have done it.
    private boolean isReplaced(Segment segment) {
        try {
            replace(List.of(segment));
            return true;
        } catch (VaultException e) {
            requireMissing(e);
            return false;
        }
    }

    private void replace(List<Segment> old) {
        Set<ObjectId> without = gone;
        Set<ObjectId> packs = new HashSet<>();
        old.forEach(segment -> packs.addAll(segment.packs()));
        packs.removeAll(without);
        Segment merged =
                packs.isEmpty()
                        ? null
                        : write(
                                packs,
                                writer ->
                                        new SegmentMerge(old)
                                                .forEach((id, places) ->
                                                        places.stream()
                                                                .filter(place ->
                                                                        packs.contains(
                                                                                place.pack()))
                                                                .forEach(place ->
                                                                        writer.add(id, place))));
        synchronized (this) {
            List<Segment> left = new ArrayList<>(segments);
            left.removeAll(old);
            if (merged != null) {
                // A refresh may have found it already.
                left.removeIf(segment -> isSame(segment, merged));
                left.add(merged);
            }
            segments = List.copyOf(left);
            retired.addAll(old);
        }
        for (Segment segment : old) {
            store.delete(segment.name());
        }
    }

    private boolean isSame(Segment found, Segment written) {
        boolean isSame = found.name().equals(written.name());
        if (isSame) {
            retired.add(found);
        }
        return isSame;
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

    /// Is told of each item.
    @FunctionalInterface
    public interface PlacesVisitor {
        /// @param places of the item, at least one
        void item(ItemId id, Set<Place> places);
    }

    /// Visits each item in segments once, in the order of ids, with all its places but those in packs that are gone. Reads
    /// the segments from one end to the other. Throws kinds `DAMAGED`, and `MISSING` if another process replaced a segment
    /// meanwhile: the rest is unknown then.
    public void forEach(PlacesVisitor visitor) {
        new SegmentMerge(segments)
                .forEach((id, places) -> {
                    places.removeIf(place -> gone.contains(place.pack()));
                    if (!places.isEmpty()) {
                        visitor.item(id, places);
                    }
                });
    }

    /// Packs that segments list, and those noted since.
    public synchronized Set<ObjectId> packs() {
        Set<ObjectId> known = new HashSet<>(durable.keySet());
        segments.forEach(segment -> known.addAll(segment.packs()));
        return known;
    }

    /// Notes the items of packs that no segment lists: those of a run that crashed before its index was
    /// written, or of a vault whose index was lost. Looks once; when this returns
    /// they are noted, whichever thread did it.
    public void adoptUnlisted() {
        adoptUnlisted(listed -> true);
    }

    /// As [#adoptUnlisted()], for some of the packs.
    public synchronized void adoptUnlisted(Predicate<Listed> wanted) {
        if (adopted) {
            return;
        }
        Set<ObjectId> known = packs();
        Set<ObjectId> absent = new HashSet<>(known);
        List<ObjectId> unlisted = new ArrayList<>();
        List<ObjectId> unwanted = new ArrayList<>();
        store.list(
                ObjectName.Area.PACKS,
                listed -> {
                    ObjectId pack = listed.name().id();
                    absent.remove(pack);
                    if (!known.contains(pack) && !gone.contains(pack)) {
                        (wanted.test(listed) ? unlisted : unwanted).add(pack);
                    }
                });
        adopted = unwanted.isEmpty();
        dropMissing(absent);
        try (FrameReader reader = new FrameReader()) {
            for (ObjectId pack : unlisted) {
                adopt(pack, reader);
            }
        }
    }

    /// A pack that does not exist is as good as gone: a process that was silent for long may have written a segment that lists a
    /// pack whose verdict nobody remembers. Whoever believed it would store nothing where nothing is.
    private void dropMissing(Set<ObjectId> unlisted) {
        Set<ObjectId> fewer = new HashSet<>(gone);
        for (ObjectId pack : unlisted) {
            if (!fewer.contains(pack)
                    && !store.exists(new ObjectName(ObjectName.Area.PACKS, pack))) {
                missing.add(pack);
                fewer.add(pack);
            }
        }
        gone = Set.copyOf(fewer);
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

    /// Whether the pack was deleted, or is about to be.
    public boolean isGone(ObjectId pack) {
        return gone.contains(pack);
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
                if (e.kind() != VaultException.Kind.MISSING) {
                    noteDamage(e);
                }
            }
        }
        return List.copyOf(damage);
    }

    @Override
    public synchronized void close() {
        segments.forEach(Segment::close);
        retired.forEach(Segment::close);
        segments = List.of();
        retired.clear();
    }
}
