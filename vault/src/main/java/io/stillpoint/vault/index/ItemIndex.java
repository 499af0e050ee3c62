package io.stillpoint.vault.index;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.index.Recent.Noted;
import io.stillpoint.vault.index.SegmentFolder.Written;
import io.stillpoint.vault.index.Segments.Accepted;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.pack.Where;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.CacheBounds;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.tree.TreeShape;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// From item ids to places: the vault's segments, and what this process stored since. An item may have several places, as
/// copies in several packs. Safe for use by several threads.
///
/// Looking up takes no lock, and no lock but that of [#merge] is held while a store answers: who needs what another thread is
/// reading or writing waits for that, and nobody else waits. What is looked for, in this order: [Recent], then [Segments]; beside
/// them are [UnlistedPacks] and [Merging].
///
/// On the heap are at most [CacheBounds#recentItems] recent items of some 250 bytes each, for each older one 1.6 bytes of fences
/// and filters, and 36 bytes for each pack. While segments are merged there are 1.6 bytes more for each of their entries, and 16
/// MiB.
///
/// Packs that a verdict deleted, or that do not exist, are *gone*: no place in them is ever told, and merging drops them. Nothing else is
/// dropped: another process may count on any other place.
public final class ItemIndex implements AutoCloseable {
    /// What an entry takes on the heap, rounded up.
    public static final long BYTES_PER_ENTRY = 2;

    /// What all entries may take without being asked for: the index of two terabytes.
    public static final long BYTES_OF_ALL = 64 << 20;

    private final SegmentFolder folder;
    private final Segments segments;
    private final Recent recent = new Recent(CacheBounds.USUAL.recentItems());
    private final UnlistedPacks unlisted;
    private final Merging merging;

    private ItemIndex(SegmentFolder folder, Segments segments) {
        this.folder = folder;
        this.segments = segments;
        unlisted = new UnlistedPacks(folder, segments, recent, this::adopted);
        merging = new Merging(folder, segments);
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
        SegmentFolder folder = new SegmentFolder(store, keys, randomness);
        ItemIndex index = new ItemIndex(folder, new Segments(folder, verdicts, quarantine));
        try {
            index.refresh();
            return index;
        } catch (RuntimeException | Error e) {
            index.close();
            throw e;
        }
    }

    /// Takes note of segments that other processes have made or replaced, and of verdicts. What was durable before the
    /// call is found after it. However many threads call at once, the store is looked at twice at most.
    public void refresh() {
        segments.refresh();
    }

    /// One thread's way to look things up.
    public final class Lookup {
        private final Segment.BlockBuffer buffer = new Segment.BlockBuffer();
        private final Accepted usable;
        private final Accepted sound;
        private final Accepted whole;
        private final boolean onlySound;

        private Lookup(Accepted usable, boolean onlySound) {
            this.usable = usable;
            this.onlySound = onlySound;
            sound = (view, place) -> usable.test(view, place) && view.isSound(place);
            whole =
                    (view, place) ->
                            place.itemLength() == TreeShape.CHUNK
                                    && usable.test(view, place)
                                    && view.isSound(place);
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
            Place place = find(id, sound);
            // Better what was found damaged once than nothing.
            return place == null && !onlySound && !damagedFrames().isEmpty()
                    ? find(id, usable)
                    : place;
        }

        /// As [#findIndexed], but only where a chunk lies whole, rather than as a difference from another.
        public @Nullable Place findWhole(ItemId id) {
            return find(id, whole);
        }

        /// All places of the item, each once.
        public Set<Place> places(ItemId id) {
            Set<Place> places = new HashSet<>();
            find(
                    id,
                    (view, place) -> {
                        if (usable.test(view, place)) {
                            places.add(place);
                        }
                        return false;
                    });
            return places;
        }

        // First what is recent: it becomes part of a segment before it leaves the heap.
        private @Nullable Place find(ItemId id, Accepted accepted) {
            View view = segments.view();
            Place place = recent.find(id, found -> accepted.test(view, found));
            return place == null ? segments.find(id, buffer, accepted) : place;
        }
    }

    /// Whether a segment lists the pack.
    public boolean isListed(ObjectId pack) {
        return segments.view().segments().stream()
                .anyMatch(segment -> segment.packs().contains(pack));
    }

    /// Whether the pack is noted, and in no segment yet as far as this process knows. Costs nothing worth speaking of.
    public boolean isNoted(ObjectId pack) {
        return recent.has(pack);
    }

    /// Whether the pack exists in the store now. If not, it is gone: no place in it is told any more. A process that was silent for
    /// long may have written a segment that lists a pack whose verdict nobody remembers; whoever believed it would store nothing
    /// where nothing is.
    public boolean exists(ObjectId pack) {
        if (folder.hasPack(pack)) {
            return true;
        }
        segments.addMissing(Set.of(pack));
        return false;
    }

    /// Whether a verdict deletes the pack.
    public boolean isGone(ObjectId pack) {
        return segments.view().isGone(pack);
    }

    /// Frames known to be damaged.
    public DamagedFrames damagedFrames() {
        return segments.view().damaged();
    }

    /// Checks a segment without a key: every byte against its checksum. Throws kind `DAMAGED`.
    public static void checkSealed(StoredObject segment, Where where) {
        Segment.checkWhole(segment, where);
    }

    /// A way to look things up for one thread.
    public Lookup lookup() {
        return lookup(Set.of(), false);
    }

    /// As [#lookup()], as if the vault did not have certain packs, nor frames known to be damaged.
    public Lookup lookup(Set<ObjectId> avoided) {
        return lookup(avoided, true);
    }

    /// As [#lookup()], as if the vault did not have certain packs; what is known to be damaged is told too.
    public Lookup allPlaces(Set<ObjectId> avoided) {
        return lookup(avoided, false);
    }

    private Lookup lookup(Set<ObjectId> avoided, boolean onlySound) {
        return new Lookup(
                (view, place) -> !avoided.contains(place.pack()) && !view.isGone(place.pack()),
                onlySound);
    }

    /// Places of the item in packs that a verdict deletes and that are there all the same. Nothing that is stored may rely
    /// on them; but what points need must be found even if somebody put an old verdict back.
    public Set<Place> placesOfGone(ItemId id) {
        unlisted.adoptGone();
        return new Lookup((view, place) -> view.isGone(place.pack()), false).places(id);
    }

    /// Takes note of a pack that has become durable. May write a segment.
    public void durable(ObjectId pack, List<PackGroup> groups) {
        durable(pack, groups, _ -> {});
    }

    /// As [#durable(ObjectId, List)]. Waits while too much is noted that other threads are writing.
    ///
    /// @param account is told how many bytes of a segment are for this pack, once it is written, by whichever thread
    public void durable(ObjectId pack, List<PackGroup> groups, LongConsumer account) {
        recent.note(pack, new Noted(groups, account), false);
        recent.limit(this::write);
    }

    private void adopted(ObjectId pack, List<PackGroup> groups) {
        recent.note(pack, new Noted(groups, _ -> {}), true);
        recent.limit(this::write);
    }

    /// Writes a segment of everything noted since the last. When this returns, segments tell of all that was noted before the
    /// call, and are durable.
    public void flush() {
        flush(recent.packs());
    }

    /// As [#flush()], but waits for other threads that write only if that is some of these packs: segments tell of them when this
    /// returns, as far as they were noted.
    public void flush(Set<ObjectId> packs) {
        recent.flush(packs, this::write);
    }

    private record Entry(ItemId id, Place place) {}

    private void write(Map<ObjectId, Noted> noted) {
        Map<ObjectId, Noted> packs = new HashMap<>(noted);
        // What was adopted may have been condemned and deleted since.
        packs.keySet().removeIf(this::isGone);
        if (packs.isEmpty()) {
            return;
        }
        List<Entry> entries = new ArrayList<>();
        packs.forEach((pack, each) ->
                each.groups()
                        .forEach(group ->
                                group.forEachPlace(
                                        pack, (id, place) -> entries.add(new Entry(id, place)))));
        entries.sort(Comparator.comparing(Entry::id));
        Written written =
                folder.write(
                        List.copyOf(packs.keySet()),
                        writer -> entries.forEach(entry -> writer.add(entry.id(), entry.place())));
        // First visible in the segments, then gone from the heap: nobody misses it between.
        segments.show(written.name(), packs.keySet());
        charge(packs.values(), written.bytes());
    }

    /// Shares a segment's bytes among the packs in it, by their items; they add up to all of them.
    private static void charge(Collection<Noted> packs, long bytes) {
        long itemsLeft = packs.stream().mapToLong(Noted::items).sum();
        long left = bytes;
        for (Noted noted : packs) {
            long share = itemsLeft == 0 ? 0 : left * noted.items() / itemsLeft;
            noted.account().accept(share);
            left -= share;
            itemsLeft -= noted.items();
        }
    }

    /// Merges segments of about the same size when there are many of them, while others go on using the index. Does
    /// nothing if another thread is at it.
    public void merge() {
        merging.merge();
    }

    /// Rewrites segments of which many packs are gone; waits for another thread that merges. Returns those gone that segments
    /// still list, with entries that nobody is told of.
    ///
    /// @param overdue packs that have been gone for so long that one of them is reason enough
    public Set<ObjectId> dropGone(Set<ObjectId> overdue) {
        return merging.dropGone(overdue);
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
        new Visit(segments, visitor).run();
    }

    /// Packs that segments list, and those noted since.
    public Set<ObjectId> packs() {
        return unlisted.known();
    }

    /// Notes the items of packs that no segment lists: those of a run that crashed before its index was
    /// written, or of a vault whose index was lost. Looks once since the last [#refresh]; when this returns
    /// they are noted, whichever thread did it.
    public void adoptUnlisted() {
        unlisted.adopt();
    }

    /// As [#adoptUnlisted()], for some of the packs.
    public void adoptUnlisted(Predicate<Listed> wanted) {
        unlisted.adopt(wanted);
    }

    /// Whether the segments show that there may be packs that none of them lists. Costs nothing.
    public boolean mayLackPacks() {
        return unlisted.isSuspected();
    }

    /// Items in all segments; an item that stands in two counts twice.
    public long entries() {
        return segments.view().segments().stream().mapToLong(Segment::entries).sum();
    }

    /// Checks every byte of every segment and returns all damage found since the index was opened.
    public List<Text> checkSegments() {
        for (Segment segment : segments.view().segments()) {
            // Retired meanwhile: what it told is elsewhere.
            if (segment.hold()) {
                try {
                    check(segment);
                } finally {
                    segment.release();
                }
            }
        }
        return segments.damage();
    }

    private void check(Segment segment) {
        try {
            segment.checkWhole();
        } catch (VaultException e) {
            // Merged by another process meanwhile, as above.
            if (e.kind() != VaultException.Kind.MISSING) {
                segments.noteDamage(e);
            }
        }
    }

    /// When nobody uses it any more.
    @Override
    public void close() {
        segments.close();
    }
}
