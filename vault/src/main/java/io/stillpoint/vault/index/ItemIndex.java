package io.stillpoint.vault.index;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.pack.Where;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.tree.TreeShape;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// From item ids to places: the vault's segments, and what this process stored since. An item may have several places, as
/// copies in several packs. Safe for use by several threads.
///
/// On the heap are at most [#RECENT_MAX] recent items of some 250 bytes each, for each older one 1.6 bytes of fences and filters, and 36 bytes
/// for each pack. While segments are merged there are 1.6 bytes more for each of their entries, and 16 MiB.
///
/// Packs that a verdict deleted, or that do not exist, are *gone*: no place in them is ever told, and merging drops them. Nothing else is
/// dropped: another process may count on any other place.
public final class ItemIndex implements AutoCloseable {
    /// What an entry takes on the heap, rounded up.
    public static final long BYTES_PER_ENTRY = 2;

    /// What all entries may take without being asked for: the index of two terabytes.
    public static final long BYTES_OF_ALL = 64 << 20;

    /// How many placed items are kept on the heap before a segment is written.
    private static final int RECENT_MAX = 1 << 18;

    /// How many segments of about the same size there may be before they are merged.
    private static final int MERGE_WIDTH = 8;

    /// Smaller segments count as of one size: to merge a megabyte costs less than to look into more segments. There are five tiers
    /// more up to 100 million entries, so at most 42 segments, most of them small.
    private static final int SMALLEST_TIER = 4;

    /// A segment is rewritten when this part of its packs is gone: one in so many.
    private static final int GONE_PART = 4;

    private static final int OPEN_ATTEMPTS = 5;

    private final ObjectStore store;
    private final VaultKeys keys;
    private final Randomness randomness;
    private final Supplier<Set<ObjectId>> verdicts;
    private final Supplier<DamagedFrames> quarantine;
    private final Map<ItemId, Place> recent = new ConcurrentHashMap<>();
    // Further places of recent items.
    private final Map<ItemId, Set<Place>> copies = new ConcurrentHashMap<>();
    private final Queue<Text> damage = new ConcurrentLinkedQueue<>();
    // Not to be opened again: damaged, or replaced by this process and about to vanish.
    private final Set<ObjectName> setAside = new HashSet<>();
    private final ReentrantLock merging = new ReentrantLock();
    private volatile List<Segment> segments = List.of();
    private volatile Set<ObjectId> gone = Set.of();
    // Packs that segments list and the store does not have.
    private final Set<ObjectId> missing = new HashSet<>();
    private volatile DamagedFrames damaged = DamagedFrames.NONE;
    private Map<ObjectId, Noted> durable = new ConcurrentHashMap<>();
    private int durableItems;
    private boolean adopted;
    private boolean goneAdopted;

    private ItemIndex(
            ObjectStore store,
            VaultKeys keys,
            Randomness randomness,
            Supplier<Set<ObjectId>> verdicts,
            Supplier<DamagedFrames> quarantine) {
        this.store = store;
        this.keys = keys;
        this.randomness = randomness;
        this.verdicts = verdicts;
        this.quarantine = quarantine;
    }

    /// Opens all segments of a vault.
    ///
    /// @param verdicts gives the packs of all verdicts that stand
    /// @param quarantine gives the frames known to be damaged
    public static ItemIndex open(
            ObjectStore store,
            VaultKeys keys,
            Randomness randomness,
            Supplier<Set<ObjectId>> verdicts,
            Supplier<DamagedFrames> quarantine) {
        ItemIndex index = new ItemIndex(store, keys, randomness, verdicts, quarantine);
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
        damaged = quarantine.get();
        adopted = false;
        goneAdopted = false;
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
                        if (e.kind() != VaultException.Kind.MISSING) {
                            throw e;
                        }
                        isWhole = false;
                    }
                } else if (known != null) {
                    now.add(known);
                }
            }
            // Kept although not listed: a late listing may not tell of it yet, and if it was
            // merged, its
            // entries are as good as before.
            for (Segment unlisted : List.copyOf(open.values())) {
                if (store.exists(unlisted.name())) {
                    open.remove(unlisted.name());
                    now.add(unlisted);
                }
            }
            done = true;
        } finally {
            if (!done) {
                fresh.forEach(Segment::retire);
            }
        }
        segments = List.copyOf(now);
        open.values().forEach(Segment::retire);
        setAside.retainAll(names);
        return isWhole;
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
        private final Predicate<Place> usable;
        private final boolean onlySound;

        private Lookup(Set<ObjectId> avoided, boolean onlySound) {
            this.onlySound = onlySound;
            usable = place -> !avoided.contains(place.pack()) && !gone.contains(place.pack());
        }

        private Lookup(Predicate<Place> usable) {
            this.usable = usable;
            onlySound = false;
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
            Predicate<Place> sound = place -> usable.test(place) && !damaged.contains(place);
            Place place = findAccepted(id, sound);
            // Better what was found damaged once than nothing.
            return place == null && !onlySound && !damaged.isEmpty()
                    ? findAccepted(id, usable)
                    : place;
        }

        /// As [#findIndexed], but only where a chunk lies whole, rather than as a difference from another.
        public @Nullable Place findWhole(ItemId id) {
            return findAccepted(id, this::isWhole);
        }

        private boolean isWhole(Place place) {
            return place.itemLength() == TreeShape.CHUNK
                    && usable.test(place)
                    && !damaged.contains(place);
        }

        /// All places of the item, each once.
        public Set<Place> places(ItemId id) {
            Set<Place> places = new HashSet<>();
            findAccepted(
                    id,
                    place -> {
                        if (usable.test(place)) {
                            places.add(place);
                        }
                        return false;
                    });
            return places;
        }

        // First what is recent: it becomes part of a segment before it leaves the heap.
        private @Nullable Place findAccepted(ItemId id, Predicate<Place> accepted) {
            Place place = recent.get(id);
            if (place == null || accepted.test(place)) {
                return place == null ? search(id, accepted) : place;
            }
            for (Place copy : copies.getOrDefault(id, Set.of())) {
                if (accepted.test(copy)) {
                    return copy;
                }
            }
            return search(id, accepted);
        }

        private @Nullable Place search(ItemId id, Predicate<Place> accepted) {
            List<Segment> searched = segments;
            int attempts = 1;
            int at = 0;
            while (at < searched.size()) {
                Segment segment = searched.get(at);
                int candidate = segment.candidate(id);
                if (candidate < 0) {
                    at++;
                    continue;
                }
                if (!segment.hold()) {
                    // Retired since: what has taken its place is in the list by now.
                    searched = segments;
                    at = 0;
                    continue;
                }
                try {
                    Place place = segment.find(id, candidate, buffer, accepted);
                    if (place != null) {
                        return place;
                    }
                    at++;
                } catch (VaultException e) {
                    if (e.kind() == VaultException.Kind.MISSING && attempts < OPEN_ATTEMPTS) {
                        // Another process has merged it into a new one.
                        attempts++;
                        refresh();
                        searched = segments;
                        at = 0;
                    } else {
                        noteDamage(e);
                        setAside(segment);
                        at++;
                    }
                } finally {
                    segment.release();
                }
            }
            return null;
        }
    }

    /// Whether a segment lists the pack.
    public boolean isListed(ObjectId pack) {
        return segments.stream().anyMatch(segment -> segment.packs().contains(pack));
    }

    /// Whether a verdict deletes the pack.
    public boolean isGone(ObjectId pack) {
        return gone.contains(pack);
    }

    /// Frames known to be damaged.
    public DamagedFrames damagedFrames() {
        return damaged;
    }

    /// Checks a segment without a key: every byte against its checksum. Throws kind `DAMAGED`.
    public static void checkSealed(StoredObject segment, Where where) {
        Segment.checkWhole(segment, where);
    }

    /// Notes damage to a segment; throws anything else. The index is redundant: what a damaged segment listed is
    /// found through the packs.
    private void noteDamage(VaultException e) {
        // A version that is not ours is as easily forged as any other byte.
        if (!e.isJunk()) {
            throw e;
        }
        damage.add(e.text());
    }

    private synchronized void setAside(Segment segment) {
        List<Segment> left = new ArrayList<>(segments);
        if (left.remove(segment)) {
            segments = List.copyOf(left);
            setAside.add(segment.name());
            adopted = false;
            segment.retire();
        }
    }

    /// A way to look things up for one thread.
    public Lookup lookup() {
        return new Lookup(Set.of(), false);
    }

    /// As [#lookup()], as if the vault did not have certain packs, nor frames known to be damaged.
    public Lookup lookup(Set<ObjectId> avoided) {
        return new Lookup(avoided, true);
    }

    /// As [#lookup()], as if the vault did not have certain packs; what is known to be damaged is told too.
    public Lookup allPlaces(Set<ObjectId> avoided) {
        return new Lookup(avoided, false);
    }

    /// Places of the item in packs that a verdict deletes and that are there all the same. Nothing that is stored may rely
    /// on them; but what points need must be found even if somebody put an old verdict back.
    public Set<Place> placesOfGone(ItemId id) {
        adoptGone();
        return new Lookup(place -> gone.contains(place.pack())).places(id);
    }

    private synchronized void adoptGone() {
        if (goneAdopted) {
            return;
        }
        goneAdopted = true;
        Set<ObjectId> unlisted = new HashSet<>(gone);
        unlisted.removeAll(packs());
        unlisted.removeAll(missing);
        try (FrameReader reader = new FrameReader()) {
            unlisted.forEach(pack -> adopt(pack, reader));
        }
    }

    /// A pack that the next segment lists.
    ///
    /// @param account is told how many bytes of the segment are for it
    private record Noted(List<PackGroup> groups, LongConsumer account) {
        long items() {
            return groups.stream().mapToLong(group -> group.ids().length).sum();
        }
    }

    /// Takes note of a pack that has become durable. May write a segment.
    public void durable(ObjectId pack, List<PackGroup> groups) {
        durable(pack, groups, _ -> {});
    }

    /// As [#durable(ObjectId, List)].
    ///
    /// @param account is told how many bytes of a segment are for this pack, once it is written, by whichever thread
    public synchronized void durable(ObjectId pack, List<PackGroup> groups, LongConsumer account) {
        durable.put(pack, new Noted(groups, account));
        for (PackGroup group : groups) {
            group.forEachPlace(pack, this::addRecent);
            durableItems += group.ids().length;
        }
        if (durableItems >= RECENT_MAX) {
            flush();
        }
    }

    private void addRecent(ItemId id, Place place) {
        Place before = recent.get(id);
        if (before != null && !before.equals(place)) {
            copies.computeIfAbsent(id, _ -> ConcurrentHashMap.newKeySet()).add(before);
        }
        recent.put(id, place);
    }

    private record Entry(ItemId id, Place place) {}

    /// Writes a segment of everything noted since the last; durable when this returns.
    public synchronized void flush() {
        // What was adopted may have been condemned and deleted since.
        durable.keySet().removeIf(gone::contains);
        if (!durable.isEmpty()) {
            List<Entry> entries = new ArrayList<>(durableItems);
            durable.forEach((pack, noted) ->
                    noted.groups()
                            .forEach(group ->
                                    group.forEachPlace(
                                            pack,
                                            (id, place) -> entries.add(new Entry(id, place)))));
            entries.sort(Comparator.comparing(Entry::id));
            Written written =
                    write(
                            List.copyOf(durable.keySet()),
                            writer ->
                                    entries.forEach(
                                            entry -> writer.add(entry.id(), entry.place())));
            charge(written.bytes());
            // First visible in the segments, then gone from the heap: nobody misses it between.
            show(written.name());
        }
        recent.clear();
        copies.clear();
        durable = new ConcurrentHashMap<>();
        durableItems = 0;
    }

    private void show(ObjectName written) {
        List<Segment> more = new ArrayList<>(segments);
        try {
            more.add(Segment.open(store, keys, written));
        } catch (VaultException e) {
            if (e.kind() != VaultException.Kind.MISSING) {
                throw e;
            }
            // Another process has merged it into a larger one since.
            refresh();
            return;
        }
        segments = List.copyOf(more);
    }

    /// Shares a segment's bytes among the packs in it, by their items; they add up to all of them.
    private void charge(long bytes) {
        long itemsLeft = durable.values().stream().mapToLong(Noted::items).sum();
        long left = bytes;
        for (Noted noted : durable.values()) {
            long share = itemsLeft == 0 ? 0 : left * noted.items() / itemsLeft;
            noted.account().accept(share);
            left -= share;
            itemsLeft -= noted.items();
        }
    }

    /// Merges segments of about the same size when there are many of them, while others go on using the index. Does
    /// nothing if another thread is at it.
    public void merge() {
        if (!merging.tryLock()) {
            return;
        }
        try {
            // What prune drops from the index must not come back by way of what was read long ago.
            if (mostAlike().size() >= MERGE_WIDTH) {
                refresh();
            }
            List<Segment> alike = mostAlike();
            while (alike.size() >= MERGE_WIDTH && replace(alike)) {
                alike = mostAlike();
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
            for (int attempt = 1; !isRid(overdue) && attempt < OPEN_ATTEMPTS; attempt++) {
                refresh();
            }
            Set<ObjectId> left = new HashSet<>();
            segments.forEach(segment -> left.addAll(segment.packs()));
            left.retainAll(gone);
            return left;
        } finally {
            merging.unlock();
        }
    }

    /// Rewrites. Returns false if another process was at it too, so that there may be others to rewrite now.
    private boolean isRid(Set<ObjectId> overdue) {
        boolean isRid = true;
        for (Segment segment : segments) {
            List<ObjectId> dead = segment.packs().stream().filter(gone::contains).toList();
            boolean isDue =
                    dead.size() * GONE_PART >= segment.packs().size()
                            || dead.stream().anyMatch(overdue::contains);
            if (!dead.isEmpty() && isDue) {
                isRid &= replace(List.of(segment));
            }
        }
        return isRid;
    }

    /// Puts one segment into the place of others. Returns false if another process has replaced one of them meanwhile, or
    /// if one is damaged: then the index is as fresh as can be, and nothing was replaced.
    private boolean replace(List<Segment> old) {
        Optional<ObjectName> written = Optional.empty();
        try (SegmentMerge merge = SegmentMerge.begin(old, gone::contains)) {
            if (merge == null) {
                return false;
            }
            if (!merge.packs().isEmpty()) {
                written = merged(merge);
                if (written.isEmpty()) {
                    return false;
                }
            }
        }
        // Who replaced one of them meanwhile may know packs to be gone that are not known here;
        // nobody
        // shall be told of them again. Segments are deleted only after this look, so of two that
        // merge
        // the same at least one keeps what it wrote.
        if (!old.stream().allMatch(segment -> store.exists(segment.name()))) {
            written.ifPresent(store::delete);
            refresh();
            return false;
        }
        Optional<Segment> merged = written.map(name -> Segment.open(store, keys, name));
        swap(Set.copyOf(old), merged);
        for (Segment segment : old) {
            store.delete(segment.name());
        }
        return true;
    }

    /// Returns the name of what was written, or nothing if a segment could not be read.
    private Optional<ObjectName> merged(SegmentMerge merge) {
        try {
            return Optional.of(write(merge.packs(), merge::copyTo).name());
        } catch (VaultException e) {
            Segment failed = merge.failed();
            if (failed == null) {
                throw e;
            }
            if (e.kind() == VaultException.Kind.MISSING) {
                refresh();
            } else {
                noteDamage(e);
                setAside(failed);
            }
            return Optional.empty();
        }
    }

    private synchronized void swap(Set<Segment> old, Optional<Segment> merged) {
        List<Segment> left = new ArrayList<>();
        List<Segment> out = new ArrayList<>();
        for (Segment segment : segments) {
            // A refresh may have found the new one already.
            boolean isSame = merged.map(Segment::name).filter(segment.name()::equals).isPresent();
            (isSame || old.contains(segment) ? out : left).add(segment);
        }
        merged.ifPresent(left::add);
        old.forEach(segment -> setAside.add(segment.name()));
        segments = List.copyOf(left);
        out.forEach(Segment::retire);
    }

    private List<Segment> mostAlike() {
        Map<Integer, List<Segment>> tiers = new HashMap<>();
        for (Segment segment : segments) {
            // Tiers by powers of eight, so that an entry is rewritten once per tier.
            int tier = (Long.SIZE - Long.numberOfLeadingZeros(segment.entries())) / 3;
            tiers.computeIfAbsent(Math.max(tier, SMALLEST_TIER), _ -> new ArrayList<>())
                    .add(segment);
        }
        return tiers.values().stream().max(Comparator.comparingInt(List::size)).orElse(List.of());
    }

    private record Written(ObjectName name, long bytes) {}

    private Written write(List<ObjectId> packs, Consumer<SegmentWriter> filler) {
        try (SegmentWriter writer =
                new SegmentWriter(store, keys, ObjectId.random(randomness), packs)) {
            filler.accept(writer);
            long bytes = writer.commit();
            return new Written(writer.name(), bytes);
        }
    }

    /// Is told of each item.
    @FunctionalInterface
    public interface PlacesVisitor {
        /// @param places of the item, at least one
        void item(ItemId id, Set<Place> places);
    }

    /// Visits each item in segments once, in the order of ids, with all its places but those in packs that are gone. Reads
    /// the segments from one end to the other. Throws kind `DAMAGED`: the rest is unknown then.
    public void forEach(PlacesVisitor visitor) {
        Onward onward = new Onward(visitor);
        int attempt = 1;
        while (true) {
            try (SegmentMerge merge = SegmentMerge.begin(segments, gone::contains)) {
                if (merge != null && isVisited(merge, onward, attempt++)) {
                    return;
                }
            }
        }
    }

    private boolean isVisited(SegmentMerge merge, Onward onward, int attempt) {
        try {
            merge.forEach(onward);
            return true;
        } catch (VaultException e) {
            if (merge.failed() == null
                    || e.kind() != VaultException.Kind.MISSING
                    || attempt == OPEN_ATTEMPTS) {
                throw e;
            }
            // Another process has merged it into a new one.
            refresh();
            return false;
        }
    }

    /// Leaves out what was visited before, so that one can begin again.
    private static final class Onward implements PlacesVisitor {
        private final PlacesVisitor visitor;
        private @Nullable ItemId last;

        Onward(PlacesVisitor visitor) {
            this.visitor = visitor;
        }

        @Override
        public void item(ItemId id, Set<Place> places) {
            if (last == null || last.compareTo(id) < 0) {
                last = id;
                visitor.item(id, places);
            }
        }
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
        dropMissing(absent);
        try (FrameReader reader = new FrameReader()) {
            for (ObjectId pack : unlisted) {
                adopt(pack, reader);
            }
        }
        // Not before: had it failed halfway, what was left out would be taken for missing.
        adopted = unwanted.isEmpty();
    }

    /// A pack that does not exist is as good as gone: a process that was silent for long may have written a segment that
    /// lists a pack whose verdict nobody remembers. Whoever believed it would store nothing where nothing is.
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
            // A damaged pack offers nothing, nor does one of a version that anybody could write
            // there; verification names it. Anything else is a real failure.
            if (!e.isDamage()) {
                throw e;
            }
        }
    }

    /// Items in all segments; an item that stands in two counts twice.
    public long entries() {
        return segments.stream().mapToLong(Segment::entries).sum();
    }

    /// Checks every byte of every segment and returns all damage found since the index was opened.
    public List<Text> checkSegments() {
        for (Segment segment : segments) {
            try {
                segment.checkWhole();
            } catch (VaultException e) {
                // Merged by another process meanwhile: what it told is elsewhere.
                if (e.kind() != VaultException.Kind.MISSING) {
                    noteDamage(e);
                }
            }
        }
        return List.copyOf(damage);
    }

    @Override
    public synchronized void close() {
        List<Segment> open = segments;
        segments = List.of();
        open.forEach(Segment::retire);
    }
}
