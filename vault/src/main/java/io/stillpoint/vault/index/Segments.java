package io.stillpoint.vault.index;

import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The segments in view: opens those that appear, and lets go of those that were replaced. Safe for use by several threads.
///
/// The lock covers the exchange of one [View] for the next, and which names are set aside. The store is asked outside of it, so
/// what was read is put together with what changed meanwhile when it is shown. Whoever looks up takes no lock.
final class Segments implements AutoCloseable {
    static final int OPEN_ATTEMPTS = 5;

    private final SegmentFolder folder;
    private final Supplier<Set<ObjectId>> verdicts;
    private final Supplier<DamagedFrames> quarantine;
    private final Rounds refreshes = new Rounds(this::readAgain);
    private final Queue<Text> damage = new ConcurrentLinkedQueue<>();
    private final AtomicLong generation = new AtomicLong();
    private final AtomicLong suspicions = new AtomicLong();
    private final ReentrantLock changing = new ReentrantLock();
    // In view, and not found when they were read: a late listing may tell of them for longer.
    private final Set<Segment> missed = ConcurrentHashMap.newKeySet();
    // Not to be opened again: damaged, or replaced by this process and about to vanish.
    private final Set<ObjectName> setAside = new HashSet<>();
    private volatile View view = View.EMPTY;
    private boolean isClosed;

    Segments(
            SegmentFolder folder,
            Supplier<Set<ObjectId>> verdicts,
            Supplier<DamagedFrames> quarantine) {
        this.folder = folder;
        this.verdicts = verdicts;
        this.quarantine = quarantine;
    }

    View view() {
        return view;
    }

    /// Changes whenever packs may be listed no longer that were listed before, or the store was looked at anew.
    long generation() {
        return generation.get();
    }

    /// Takes note of what other processes have made or replaced, and of verdicts. What was durable before the call is in view
    /// after it.
    void refresh() {
        refreshes.join();
    }

    private void readAgain() {
        // Before the segments: a verdict that has gone since was dropped from all segments before.
        Set<ObjectId> dead = verdicts.get();
        DamagedFrames damaged = quarantine.get();
        Reading reading = new Reading(view.segments(), asideNow());
        boolean isShown = false;
        try {
            // Between listing and opening another process may have merged a segment into a new one.
            // Where listings are late it may be listed for longer; what it tells is in its packs
            // too.
            int attempt = 1;
            boolean isWhole = reading.read();
            while (!isWhole && attempt < OPEN_ATTEMPTS) {
                isWhole = reading.read();
                attempt++;
            }
            if (!isWhole) {
                suspicions.incrementAndGet();
            }
            reading.show(dead, damaged);
            isShown = true;
        } finally {
            if (!isShown) {
                reading.drop();
            }
        }
    }

    private Set<ObjectName> asideNow() {
        changing.lock();
        try {
            return Set.copyOf(setAside);
        } finally {
            changing.unlock();
        }
    }

    /// One look at what the store has. For one thread; nobody sees any of it before it is shown.
    private final class Reading {
        private final Map<ObjectName, Segment> known = new HashMap<>();
        private final Set<ObjectName> aside;
        private final Map<ObjectName, Segment> fresh = new HashMap<>();
        private final Set<Segment> vanished = new HashSet<>();
        private final Set<ObjectName> damaged = new HashSet<>();
        private Set<ObjectName> listed = Set.of();

        Reading(List<Segment> known, Set<ObjectName> aside) {
            known.forEach(segment -> this.known.put(segment.name(), segment));
            this.aside = aside;
        }

        /// Returns whether every segment that is listed could be opened.
        boolean read() {
            listed = Set.copyOf(folder.list());
            boolean isWhole = true;
            dropVanished();
            for (ObjectName name : listed) {
                if (!known.containsKey(name)
                        && !fresh.containsKey(name)
                        && !aside.contains(name)
                        && !damaged.contains(name)) {
                    isWhole &= open(name);
                }
            }
            // Kept although not listed: a late listing may not tell of it yet, and if it was
            // merged, its entries are as good as before. What does not exist never comes again.
            for (Segment segment : known.values()) {
                boolean isDoubted = !listed.contains(segment.name()) || missed.contains(segment);
                if (isDoubted && !vanished.contains(segment) && !folder.exists(segment)) {
                    vanished.add(segment);
                }
            }
            return isWhole;
        }

        /// Lets go of what was opened at an earlier attempt and was replaced since.
        private void dropVanished() {
            for (Segment segment : List.copyOf(fresh.values())) {
                if (!listed.contains(segment.name()) && !folder.exists(segment)) {
                    fresh.remove(segment.name());
                    segment.retire();
                }
            }
        }

        /// Returns false if the segment is not there any more.
        private boolean open(ObjectName name) {
            try {
                fresh.put(name, folder.open(name));
                return true;
            } catch (VaultException e) {
                if (e.kind() == VaultException.Kind.MISSING) {
                    return false;
                }
                setAside(name, e);
                damaged.add(name);
                return true;
            }
        }

        void show(Set<ObjectId> dead, DamagedFrames damaged) {
            List<Segment> out = new ArrayList<>();
            changing.lock();
            try {
                List<Segment> now = new ArrayList<>();
                Set<ObjectName> names = new HashSet<>();
                for (Segment segment : view.segments()) {
                    (vanished.contains(segment) ? out : now).add(segment);
                    names.add(segment.name());
                }
                for (Segment segment : fresh.values()) {
                    // This process may have shown it, or merged it, since it was listed.
                    boolean isNew =
                            !isClosed
                                    && !names.contains(segment.name())
                                    && !setAside.contains(segment.name());
                    (isNew ? now : out).add(segment);
                }
                Set<ObjectId> missing = view.missing();
                view = new View(now, View.union(dead, missing), missing, damaged);
                setAside.removeIf(name -> aside.contains(name) && !listed.contains(name));
                generation.incrementAndGet();
            } finally {
                changing.unlock();
            }
            missed.removeAll(vanished);
            out.forEach(Segment::retire);
        }

        void drop() {
            fresh.values().forEach(Segment::retire);
        }
    }

    /// Looks again since a segment was not found when it was read: another process has merged it into a new one.
    void missed(Segment segment) {
        missed.add(segment);
        refresh();
    }

    /// Brings a segment into view that this process has written.
    ///
    /// @param packs that it lists
    void show(ObjectName written, Set<ObjectId> packs) {
        Segment opened;
        try {
            opened = folder.open(written);
        } catch (VaultException e) {
            if (e.kind() != VaultException.Kind.MISSING) {
                throw e;
            }
            // Another process has merged it into a larger one since.
            refresh();
            return;
        }
        boolean isShown = false;
        try {
            requireSame(packs, opened);
            isShown = add(opened);
        } finally {
            if (!isShown) {
                opened.retire();
            }
        }
    }

    /// What is about to leave the heap must be what stands there.
    private static void requireSame(Set<ObjectId> packs, Segment written) {
        if (!packs.equals(Set.copyOf(written.packs()))) {
            throw new IllegalStateException(written.name() + " lists other packs than were noted");
        }
    }

    private boolean add(Segment segment) {
        changing.lock();
        try {
            boolean isKnown =
                    setAside.contains(segment.name())
                            || view.segments().stream()
                                    .anyMatch(each -> each.name().equals(segment.name()));
            if (isClosed || isKnown) {
                return false;
            }
            List<Segment> more = new ArrayList<>(view.segments());
            more.add(segment);
            view = view.with(more);
            return true;
        } finally {
            changing.unlock();
        }
    }

    /// Has one segment take the place of others.
    void swap(Set<Segment> old, Optional<Segment> merged) {
        List<Segment> out = new ArrayList<>();
        changing.lock();
        try {
            List<Segment> left = new ArrayList<>();
            for (Segment segment : view.segments()) {
                // A refresh may have found the new one already.
                boolean isSame =
                        merged.map(Segment::name).filter(segment.name()::equals).isPresent();
                (isSame || old.contains(segment) ? out : left).add(segment);
            }
            merged.ifPresent(isClosed ? out::add : left::add);
            old.forEach(segment -> setAside.add(segment.name()));
            view = view.with(left);
        } finally {
            changing.unlock();
        }
        out.forEach(Segment::retire);
    }

    /// Takes a segment that was found damaged out of view. Throws anything else than damage.
    void setAside(Segment segment, VaultException why) {
        noteDamage(why);
        boolean isMine = false;
        changing.lock();
        try {
            List<Segment> left = new ArrayList<>(view.segments());
            isMine = left.remove(segment);
            if (isMine) {
                view = view.with(left);
                setAside.add(segment.name());
                generation.incrementAndGet();
            }
        } finally {
            changing.unlock();
        }
        if (isMine) {
            segment.retire();
        }
    }

    private void setAside(ObjectName name, VaultException why) {
        noteDamage(why);
        changing.lock();
        try {
            setAside.add(name);
        } finally {
            changing.unlock();
        }
    }

    /// Takes note of packs that segments list and the store does not have.
    void addMissing(Set<ObjectId> packs) {
        changing.lock();
        try {
            view = view.withMissing(packs);
        } finally {
            changing.unlock();
        }
    }

    /// Notes damage to a segment; throws anything else. The index is redundant: what a damaged segment listed is
    /// found through the packs.
    void noteDamage(VaultException e) {
        // A version that is not ours is as easily forged as any other byte.
        if (!e.isJunk()) {
            throw e;
        }
        damage.add(e.text());
        suspicions.incrementAndGet();
    }

    /// Grows whenever something shows that there may be packs that no segment lists any more.
    long suspicions() {
        return suspicions.get();
    }

    /// All damage found so far.
    List<Text> damage() {
        return List.copyOf(damage);
    }

    /// Packs that segments list.
    Set<ObjectId> packs() {
        Set<ObjectId> listed = new HashSet<>();
        view.segments().forEach(segment -> listed.addAll(segment.packs()));
        return listed;
    }

    /// Which places of an item count, as far as one view tells.
    @FunctionalInterface
    interface Accepted {
        boolean test(View view, Place place);
    }

    /// The first place that is accepted of those that segments tell, or null.
    @Nullable Place find(ItemId id, Segment.BlockBuffer buffer, Accepted accepted) {
        View searched = view;
        int attempts = 1;
        int at = 0;
        while (at < searched.segments().size()) {
            Segment segment = searched.segments().get(at);
            int candidate = segment.candidate(id);
            if (candidate < 0) {
                at++;
                continue;
            }
            if (!segment.hold()) {
                // Retired since: what has taken its place is in view by now.
                searched = view;
                at = 0;
                continue;
            }
            View current = searched;
            try {
                Place place =
                        segment.find(id, candidate, buffer, found -> accepted.test(current, found));
                if (place != null) {
                    return place;
                }
                at++;
            } catch (VaultException e) {
                if (e.kind() == VaultException.Kind.MISSING && attempts < OPEN_ATTEMPTS) {
                    attempts++;
                    missed(segment);
                    searched = view;
                    at = 0;
                } else {
                    setAside(segment, e);
                    at++;
                }
            } finally {
                segment.release();
            }
        }
        return null;
    }

    /// Lets go of all segments; those in use are closed when they are not any more. Nothing comes into view afterwards.
    @Override
    public void close() {
        List<Segment> open;
        changing.lock();
        try {
            isClosed = true;
            open = view.segments();
            view = view.with(List.of());
        } finally {
            changing.unlock();
        }
        open.forEach(Segment::retire);
    }
}
