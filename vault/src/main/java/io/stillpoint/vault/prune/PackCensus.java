package io.stillpoint.vault.prune;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.ObjectId;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// How much of each pack points need. Of an item with several places one is *kept*: that in the pack of which most
/// is needed; the other places count as not needed.
public final class PackCensus {
    private final Reachable reachable;
    private final DamagedFrames damaged;
    private final Set<ObjectId> condemned;
    private final Map<ObjectId, Count> counts = new HashMap<>();
    private final Set<ObjectId> needed = new HashSet<>();
    private boolean hasCopies;

    private static final class Count {
        long bytes;
        long reachableBytes;
        long copyBytes;
        long lostBytes;

        /// What the choice of the kept place goes by: it does not change while copies are being discounted.
        double reachablePart() {
            return (double) reachableBytes / bytes;
        }

        long neededBytes() {
            return reachableBytes - copyBytes;
        }

        double neededPart() {
            return (double) neededBytes() / bytes;
        }
    }

    private PackCensus(Reachable reachable, DamagedFrames damaged, Set<ObjectId> condemned) {
        this.reachable = reachable;
        this.damaged = damaged;
        this.condemned = Set.copyOf(condemned);
    }

    /// Reads the whole index.
    ///
    /// @param condemned packs of all condemnations: they are not counted, and nothing else relies on them
    public static PackCensus take(ItemIndex index, Reachable reachable, Set<ObjectId> condemned) {
        PackCensus census = new PackCensus(reachable, index.damagedFrames(), condemned);
        index.forEach(census::count);
        if (census.hasCopies) {
            index.forEach(census::discountCopies);
        }
        return census;
    }

    private void count(ItemId id, Set<Place> all) {
        Set<Place> places = damaged.sound(all);
        boolean isNeeded = reachable.contains(id);
        int usable = 0;
        for (Place place : all) {
            if (!condemned.contains(place.pack())) {
                counts.computeIfAbsent(place.pack(), _ -> new Count()).bytes += place.itemLength();
            }
        }
        for (Place place : places) {
            if (!condemned.contains(place.pack())) {
                usable++;
                Count count = counts.computeIfAbsent(place.pack(), _ -> new Count());
                count.reachableBytes += isNeeded ? place.itemLength() : 0;
                count.lostBytes += isNeeded && damaged.contains(place) ? place.itemLength() : 0;
            }
        }
        hasCopies |= isNeeded && usable > 1;
        if (isNeeded && usable == 0) {
            places.forEach(place -> needed.add(place.pack()));
        }
    }

    private void discountCopies(ItemId id, Set<Place> all) {
        Set<Place> places = damaged.sound(all);
        if (places.size() > 1 && reachable.contains(id)) {
            ObjectId kept = kept(places);
            for (Place place : places) {
                Count count = counts.get(place.pack());
                if (count != null && !place.pack().equals(kept)) {
                    count.copyBytes += place.itemLength();
                }
            }
        }
    }

    /// Condemned packs that have an item which is reachable and in no other pack.
    public Set<ObjectId> needed() {
        return Set.copyOf(needed);
    }

    /// Counted packs of which less than a part is needed, and damaged ones of which nothing needed is lost; those of which
    /// least is needed first.
    ///
    /// @param percent of the plain bytes
    public List<ObjectId> sparse(int percent) {
        return counts.entrySet().stream()
                .filter(entry -> isSparse(entry.getKey(), entry.getValue(), percent))
                .sorted(
                        Comparator.comparingDouble((Map.Entry<ObjectId, Count> entry) ->
                                        entry.getValue().neededPart())
                                .thenComparing(Map.Entry::getKey))
                .map(Map.Entry::getKey)
                .collect(Collectors.toList());
    }

    private boolean isSparse(ObjectId pack, Count count, int percent) {
        // What is needed of it but can't be read may yet be mended.
        return count.lostBytes == 0
                && (count.neededBytes() == 0
                        || count.neededBytes() * 100 < count.bytes * percent
                        || damaged.frames().containsKey(pack));
    }

    /// How many plain bytes of the pack are needed.
    public long neededBytes(ObjectId pack) {
        Count count = counts.get(pack);
        return count == null ? 0 : count.neededBytes();
    }

    /// Whether the item in this pack is the one that is kept. Safe for use by several threads.
    ///
    /// @param places all places of the item
    public boolean keeps(ItemId id, ObjectId pack, Set<Place> places) {
        return reachable.contains(id) && pack.equals(kept(damaged.sound(places)));
    }

    // Copies made since the census are in packs that it does not know; they are never chosen, so
    // the
    // choice lasts while packs are being rewritten.
    private @Nullable ObjectId kept(Set<Place> places) {
        ObjectId best = null;
        double bestPart = -1;
        for (Place place : places) {
            Count count = counts.get(place.pack());
            double part = count == null ? -1 : count.reachablePart();
            if (count != null
                    && (part > bestPart
                            || (part == bestPart
                                    && best != null
                                    && place.pack().compareTo(best) < 0))) {
                best = place.pack();
                bestPart = part;
            }
        }
        return best;
    }
}
