package io.stillpoint.vault.index;

import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.ObjectId;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// What the index knows at one moment; immutable. Whoever looks something up takes one view and uses no part of another beside
/// it: a pack that is no longer gone was dropped from the segments of that view, not from older ones.
///
/// @param segments in no particular order; one that was retired since can't be held any more
/// @param gone packs that a verdict deletes, or that do not exist
/// @param missing those of them that segments list and the store does not have
/// @param damaged frames known to be damaged
record View(
        List<Segment> segments, Set<ObjectId> gone, Set<ObjectId> missing, DamagedFrames damaged) {
    static final View EMPTY = new View(List.of(), Set.of(), Set.of(), DamagedFrames.NONE);

    View {
        segments = List.copyOf(segments);
        gone = Set.copyOf(gone);
        missing = Set.copyOf(missing);
        if (!gone.containsAll(missing)) {
            throw new IllegalArgumentException("packs that are missing and not gone");
        }
    }

    View with(List<Segment> others) {
        return new View(others, gone, missing, damaged);
    }

    View withMissing(Set<ObjectId> more) {
        return new View(segments, union(gone, more), union(missing, more), damaged);
    }

    boolean isGone(ObjectId pack) {
        return gone.contains(pack);
    }

    boolean isSound(Place place) {
        return !damaged.contains(place);
    }

    static Set<ObjectId> union(Set<ObjectId> some, Set<ObjectId> more) {
        if (some.containsAll(more)) {
            return some;
        }
        Set<ObjectId> all = new HashSet<>(some);
        all.addAll(more);
        return all;
    }
}
