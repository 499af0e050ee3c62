package io.stillpoint.vault.read;

import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore.Listed;
import java.time.Duration;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;

/// Tells when to look for packs that no segment lists, so that a backup in a large vault need not list all packs to begin: a
/// session that ends without its index leaves its record. Safe for use by several threads; the lock covers the names known.
///
/// Sessions of this process need not be looked after: what they stored the index knows. Nothing but the room for what is stored
/// once more depends on this: prune, verification, and whoever misses an item look for such packs in any case.
public final class Strays {
    /// A session renews its record every hour, so one that is older was dead before.
    private static final Duration DEAD = Duration.ofHours(2);

    private final Records records;
    private final ReentrantLock lock = new ReentrantLock();
    // Names of records of sessions of this process: that go on, and that have left theirs.
    private final Set<ObjectId> open = new HashSet<>();
    private final Set<ObjectId> left = new HashSet<>();
    // Of dead sessions, whose packs were looked for.
    private Set<ObjectId> settled = Set.of();

    Strays(Records records) {
        this.records = records;
    }

    /// A session of this process is about to put this record.
    public void began(ObjectId record) {
        lock.lock();
        try {
            open.add(record);
        } finally {
            lock.unlock();
        }
    }

    /// The record is gone, or its session has ended, with all that it stored in the index.
    public void ended(ObjectId record) {
        lock.lock();
        try {
            if (open.remove(record)) {
                left.add(record);
            }
        } finally {
            lock.unlock();
        }
    }

    /// Has the index look for such packs if there may be some that were left before now.
    public void adopt(ItemIndex index, Instant now) {
        List<Listed> foreign = foreign();
        boolean isNeeded =
                index.mayLackPacks()
                        || foreign.stream()
                                .anyMatch(record ->
                                        !isDead(record, now) || !isSettled(record.name().id()));
        if (isNeeded) {
            index.adoptUnlisted();
            settle(foreign.stream().filter(record -> isDead(record, now)).toList());
        }
    }

    private List<Listed> foreign() {
        List<Listed> listed = records.sessionNames();
        Set<ObjectId> names = new HashSet<>();
        listed.forEach(record -> names.add(record.name().id()));
        lock.lock();
        try {
            // A late listing may not tell of one yet: then it is looked after once for nothing.
            left.retainAll(names);
            return listed.stream()
                    .filter(record -> !open.contains(record.name().id()))
                    .filter(record -> !left.contains(record.name().id()))
                    .toList();
        } finally {
            lock.unlock();
        }
    }

    private static boolean isDead(Listed record, Instant now) {
        return Duration.between(record.modifiedAt(), now).abs().compareTo(DEAD) > 0;
    }

    private boolean isSettled(ObjectId record) {
        lock.lock();
        try {
            return settled.contains(record);
        } finally {
            lock.unlock();
        }
    }

    private void settle(List<Listed> dead) {
        Set<ObjectId> names = new HashSet<>();
        dead.forEach(record -> names.add(record.name().id()));
        lock.lock();
        try {
            settled = Set.copyOf(names);
        } finally {
            lock.unlock();
        }
    }
}
