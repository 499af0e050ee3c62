package io.stillpoint.vault.index;

import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/// Puts one segment into the place of several, while others go on using the index. One merge at a time: the lock is held while the
/// store reads and writes segments, so whoever must rewrite some waits for whoever does; nobody else takes it. Safe for use by
/// several threads.
final class Merging {
    /// How many segments of about the same size there may be before they are merged.
    private static final int WIDTH = 8;

    /// Smaller segments count as of one size: to merge a megabyte costs less than to look into more segments. There are five tiers
    /// more up to 100 million entries, so at most 42 segments, most of them small.
    private static final int SMALLEST_TIER = 4;

    /// A segment is rewritten when this part of its packs is gone: one in so many.
    private static final int GONE_PART = 4;

    private final SegmentFolder folder;
    private final Segments segments;
    private final ReentrantLock merging = new ReentrantLock();

    Merging(SegmentFolder folder, Segments segments) {
        this.folder = folder;
        this.segments = segments;
    }

    /// Merges segments of about the same size when there are many of them. Does nothing if another thread is at it.
    void merge() {
        if (!merging.tryLock()) {
            return;
        }
        try {
            // What prune drops from the index must not come back by way of what was read long ago.
            if (mostAlike().size() >= WIDTH) {
                segments.refresh();
            }
            List<Segment> alike = mostAlike();
            while (alike.size() >= WIDTH && replace(alike)) {
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
    Set<ObjectId> dropGone(Set<ObjectId> overdue) {
        merging.lock();
        try {
            for (int attempt = 1; !isRid(overdue) && attempt < Segments.OPEN_ATTEMPTS; attempt++) {
                segments.refresh();
            }
            Set<ObjectId> left = new HashSet<>();
            View view = segments.view();
            view.segments().forEach(segment -> left.addAll(segment.packs()));
            left.retainAll(view.gone());
            return left;
        } finally {
            merging.unlock();
        }
    }

    /// Rewrites. Returns false if another process was at it too, so that there may be others to rewrite now.
    private boolean isRid(Set<ObjectId> overdue) {
        boolean isRid = true;
        View view = segments.view();
        for (Segment segment : view.segments()) {
            List<ObjectId> dead = segment.packs().stream().filter(view::isGone).toList();
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
        requireMine();
        Optional<ObjectName> written = Optional.empty();
        try (SegmentMerge merge = SegmentMerge.begin(old, segments.view()::isGone)) {
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
        // nobody shall be told of them again. Segments are deleted only after this look, so of two
        // that merge the same at least one keeps what it wrote.
        if (!old.stream().allMatch(folder::exists)) {
            written.ifPresent(folder.store()::delete);
            segments.refresh();
            return false;
        }
        Optional<Segment> merged;
        try {
            merged = written.map(folder::open);
        } catch (VaultException e) {
            if (e.kind() != VaultException.Kind.MISSING) {
                throw e;
            }
            // Another process has merged it into a larger one already. What it was made of is
            // merged again some other time.
            segments.refresh();
            return false;
        }
        segments.swap(Set.copyOf(old), merged);
        for (Segment segment : old) {
            folder.store().delete(segment.name());
        }
        return true;
    }

    private void requireMine() {
        if (!merging.isHeldByCurrentThread()) {
            throw new IllegalStateException("two merges at once");
        }
    }

    /// Returns the name of what was written, or nothing if a segment could not be read.
    private Optional<ObjectName> merged(SegmentMerge merge) {
        try {
            return Optional.of(folder.write(merge.packs(), merge::copyTo).name());
        } catch (VaultException e) {
            Segment failed = merge.failed();
            if (failed == null) {
                throw e;
            }
            if (e.kind() == VaultException.Kind.MISSING) {
                segments.missed(failed);
            } else {
                segments.setAside(failed, e);
            }
            return Optional.empty();
        }
    }

    private List<Segment> mostAlike() {
        Map<Integer, List<Segment>> tiers = new HashMap<>();
        for (Segment segment : segments.view().segments()) {
            // Tiers by powers of eight, so that an entry is rewritten once per tier.
            int tier = (Long.SIZE - Long.numberOfLeadingZeros(segment.entries())) / 3;
            tiers.computeIfAbsent(Math.max(tier, SMALLEST_TIER), _ -> new ArrayList<>())
                    .add(segment);
        }
        return tiers.values().stream().max(Comparator.comparingInt(List::size)).orElse(List.of());
    }
}
