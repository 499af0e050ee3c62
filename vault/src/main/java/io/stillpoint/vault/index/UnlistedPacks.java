package io.stillpoint.vault.index;

import io.stillpoint.vault.pack.FrameReader;
import io.stillpoint.vault.pack.PackFile;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.VaultException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

/// Packs that no segment lists: those of a run that crashed before its index was written, or of a vault whose index was lost.
/// Their own directories tell what is in them. Safe for use by several threads, without a lock: they are looked for in
/// [Rounds], and to note one twice changes nothing.
final class UnlistedPacks {
    private static final long NEVER = -1;

    private final SegmentFolder folder;
    private final Segments segments;
    private final Recent recent;
    private final Adopter adopter;
    private final Rounds lookingForAll = new Rounds(() -> look(_ -> true));
    private final Rounds lookingForGone = new Rounds(this::lookForGone);
    // Of the segments, when all was found.
    private volatile long allFoundAt = NEVER;
    private volatile long goneFoundAt = NEVER;
    private volatile long suspicionsSettled;

    UnlistedPacks(SegmentFolder folder, Segments segments, Recent recent, Adopter adopter) {
        this.folder = folder;
        this.segments = segments;
        this.recent = recent;
        this.adopter = adopter;
    }

    /// Notes what stands in a pack, unless it is noted already. May write a segment.
    @FunctionalInterface
    interface Adopter {
        void note(ObjectId pack, List<PackGroup> groups);
    }

    /// Packs that segments list, and those noted since.
    Set<ObjectId> known() {
        // In this order: what leaves the notes is in a segment by then.
        Set<ObjectId> known = recent.packs();
        known.addAll(segments.packs());
        return known;
    }

    /// Notes the items of all such packs, unless that was done since the segments were looked at last. When this returns they
    /// are noted, whichever thread did it.
    void adopt() {
        if (allFoundAt != segments.generation()) {
            lookingForAll.join();
        }
    }

    /// As above, for some of the packs.
    void adopt(Predicate<Listed> wanted) {
        if (allFoundAt != segments.generation()) {
            look(wanted);
        }
    }

    /// Whether the segments themselves show that there may be such packs: none is there, or one was damaged or vanished since they
    /// were looked for last. Asks no store. That somebody deleted some of the segments it does not show.
    boolean isSuspected() {
        return segments.view().segments().isEmpty() || segments.suspicions() > suspicionsSettled;
    }

    private void look(Predicate<Listed> wanted) {
        long generation = segments.generation();
        long suspicions = segments.suspicions();
        Set<ObjectId> known = known();
        View view = segments.view();
        Set<ObjectId> absent = new HashSet<>(known);
        List<ObjectId> unlisted = new ArrayList<>();
        List<ObjectId> unwanted = new ArrayList<>();
        folder.store()
                .list(
                        ObjectName.Area.PACKS,
                        listed -> {
                            ObjectId pack = listed.name().id();
                            absent.remove(pack);
                            if (!known.contains(pack) && !view.isGone(pack)) {
                                (wanted.test(listed) ? unlisted : unwanted).add(pack);
                            }
                        });
        dropMissing(absent, view);
        adopt(unlisted);
        // Not before: had it failed halfway, what was left out would be taken for missing.
        if (unwanted.isEmpty()) {
            allFoundAt = generation;
            suspicionsSettled = suspicions;
        }
    }

    /// A pack that does not exist is as good as gone (see [ItemIndex#exists]).
    private void dropMissing(Set<ObjectId> absent, View view) {
        Set<ObjectId> missing = new HashSet<>();
        for (ObjectId pack : absent) {
            if (!view.isGone(pack) && !folder.hasPack(pack)) {
                missing.add(pack);
            }
        }
        segments.addMissing(missing);
    }

    /// Notes the items of packs that a verdict deletes and that are there all the same.
    void adoptGone() {
        if (goneFoundAt != segments.generation()) {
            lookingForGone.join();
        }
    }

    private void lookForGone() {
        long generation = segments.generation();
        View view = segments.view();
        Set<ObjectId> unlisted = new HashSet<>(view.gone());
        unlisted.removeAll(known());
        unlisted.removeAll(view.missing());
        adopt(unlisted);
        goneFoundAt = generation;
    }

    private void adopt(Iterable<ObjectId> unlisted) {
        try (FrameReader reader = new FrameReader()) {
            for (ObjectId pack : unlisted) {
                adopt(pack, reader);
            }
        }
    }

    private void adopt(ObjectId id, FrameReader reader) {
        // Whoever stored it may have noted it since.
        if (recent.has(id)) {
            return;
        }
        try (PackFile pack = folder.openPack(id)) {
            adopter.note(id, pack.directory(reader));
        } catch (VaultException e) {
            // A damaged pack offers nothing, nor does one of a version that anybody could write
            // there; verification names it. Anything else is a real failure.
            e.requireDamage();
        }
    }
}
