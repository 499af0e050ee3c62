package io.stillpoint.vault.index;

import io.stillpoint.platform.Processors;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.pack.PackGroup;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.SharedAnswer;
import io.stillpoint.vault.store.VaultException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// Packs that were noted since the last segment was written, and where their items lie. Safe for use by several threads.
///
/// Notes go into one batch; whoever writes takes all batches that nobody writes, while others go on noting in a fresh one. A batch
/// leaves the heap when a segment in view tells of it, so nobody misses it between; if writing fails it stays, for the next who
/// writes. The lock covers the list of batches and what is put into them; nothing is written under it, and whoever looks up takes
/// none.
final class Recent {
    private final int itemsMax;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    // The first is being filled, and never written.
    private volatile List<Batch> batches = List.of(new Batch());
    private int items;

    /// @param itemsMax how many items to keep on the heap
    Recent(int itemsMax) {
        this.itemsMax = itemsMax;
    }

    /// A pack that the next segment lists.
    ///
    /// @param account is told how many bytes of the segment are for it
    record Noted(List<PackGroup> groups, LongConsumer account) {
        int items() {
            return groups.stream().mapToInt(group -> group.ids().length).sum();
        }
    }

    private static final class Batch {
        final Map<ItemId, Place> places = new ConcurrentHashMap<>();
        // Further places of the same items.
        final Map<ItemId, Set<Place>> copies = new ConcurrentHashMap<>();
        final Map<ObjectId, Noted> packs = new ConcurrentHashMap<>();
        int items;
        @Nullable SharedAnswer<Boolean> writing;

        void add(ItemId id, Place place) {
            Place before = places.put(id, place);
            if (before != null && !before.equals(place)) {
                copies.computeIfAbsent(id, _ -> ConcurrentHashMap.newKeySet()).add(before);
            }
        }

        @Nullable Place find(ItemId id, Predicate<Place> accepted) {
            Place place = places.get(id);
            if (place == null || accepted.test(place)) {
                return place;
            }
            for (Place copy : copies.getOrDefault(id, Set.of())) {
                if (accepted.test(copy)) {
                    return copy;
                }
            }
            return null;
        }
    }

    /// Writes noted packs to a segment and brings it into view.
    @FunctionalInterface
    interface Writer {
        void write(Map<ObjectId, Noted> packs);
    }

    /// Notes a pack that is durable.
    ///
    /// @param onlyIfNew whether to do nothing if it is noted already
    void note(ObjectId pack, Noted noted, boolean onlyIfNew) {
        lock.lock();
        try {
            if (onlyIfNew && has(pack)) {
                return;
            }
            Batch filling = batches.getFirst();
            // Noted twice in one batch: with the account of whoever stored it.
            if (filling.packs.put(pack, noted) == null) {
                for (PackGroup group : noted.groups()) {
                    group.forEachPlace(pack, filling::add);
                }
                filling.items += noted.items();
                items += noted.items();
            }
        } finally {
            lock.unlock();
        }
    }

    /// Whether the pack is noted and in no segment yet, as far as this process knows.
    boolean has(ObjectId pack) {
        for (Batch batch : batches) {
            if (batch.packs.containsKey(pack)) {
                return true;
            }
        }
        return false;
    }

    /// The packs noted.
    Set<ObjectId> packs() {
        Set<ObjectId> noted = new HashSet<>();
        batches.forEach(batch -> noted.addAll(batch.packs.keySet()));
        return noted;
    }

    /// The first place that is accepted, or null.
    @Nullable Place find(ItemId id, Predicate<Place> accepted) {
        for (Batch batch : batches) {
            Place place = batch.find(id, accepted);
            if (place != null) {
                return place;
            }
        }
        return null;
    }

    /// Keeps the heap bounded: writes when half of it is to be written, and while it is full of what others are writing, waits for
    /// them. Throws what writing failed with.
    void limit(Writer writer) {
        while (isToBeWritten()) {
            flush(Set.of(), writer);
        }
    }

    private boolean isToBeWritten() {
        lock.lock();
        try {
            while (items >= itemsMax && unwrittenItems() < itemsMax / 2) {
                Processors.await(changed::await);
            }
            return unwrittenItems() >= itemsMax / 2;
        } finally {
            lock.unlock();
        }
    }

    private int unwrittenItems() {
        return unwritten().stream().mapToInt(batch -> batch.items).sum();
    }

    /// Batches with something in them that nobody writes now. Under the lock.
    private List<Batch> unwritten() {
        return batches.stream()
                .filter(batch -> batch.writing == null && !batch.packs.isEmpty())
                .toList();
    }

    /// Writes everything noted that nobody else is writing, and waits for those who write any of certain packs. When this returns,
    /// segments tell of all that was noted of these.
    void flush(Set<ObjectId> needed, Writer writer) {
        while (true) {
            SharedAnswer<Boolean> mine = new SharedAnswer<>();
            List<Batch> taken;
            Set<SharedAnswer<Boolean>> others = new HashSet<>();
            lock.lock();
            try {
                for (Batch batch : batches) {
                    if (batch.writing != null
                            && needed.stream().anyMatch(batch.packs::containsKey)) {
                        others.add(batch.writing);
                    }
                }
                taken = take(mine);
            } finally {
                lock.unlock();
            }
            if (!taken.isEmpty()) {
                mine.ask(() -> write(taken, writer), done -> settle(taken, done != null));
            }
            if (others.stream().allMatch(Recent::isWritten)) {
                return;
            }
        }
    }

    private List<Batch> take(SharedAnswer<Boolean> answer) {
        List<Batch> taken = unwritten();
        taken.forEach(batch -> batch.writing = answer);
        if (batches.getFirst().writing != null) {
            List<Batch> more = new ArrayList<>();
            more.add(new Batch());
            more.addAll(batches);
            batches = List.copyOf(more);
        }
        return taken;
    }

    private static Boolean write(List<Batch> taken, Writer writer) {
        Map<ObjectId, Noted> packs = new ConcurrentHashMap<>();
        // The newest comes first, and nothing is noted twice with another content.
        taken.forEach(batch -> batch.packs.forEach(packs::putIfAbsent));
        writer.write(packs);
        return true;
    }

    private void settle(List<Batch> taken, boolean isDone) {
        lock.lock();
        try {
            for (Batch batch : taken) {
                if (batch.writing == null) {
                    throw new IllegalStateException("a batch was written that nobody had taken");
                }
                batch.writing = null;
                items -= isDone ? batch.items : 0;
            }
            if (isDone) {
                batches = batches.stream().filter(batch -> !taken.contains(batch)).toList();
            }
            if (items < 0 || batches.isEmpty()) {
                throw new IllegalStateException(items + " items in " + batches.size() + " batches");
            }
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /// Waits for another thread that writes. Returns false if it did not come to an end: what it had taken is to be written by
    /// whoever needs it.
    private static boolean isWritten(SharedAnswer<Boolean> other) {
        try {
            return other.await().isPresent();
        } catch (VaultException e) {
            return false;
        }
    }
}
