package io.stillpoint.vault;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.VaultException.Kind;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.record.Forgotten;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.record.Undone;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The recovery points of a vault. Safe for use by several threads.
final class Points {
    private static final Comparator<RecoveryPoint> BY_TIME =
            Comparator.comparing(RecoveryPoint::snapshotAt).thenComparing(RecoveryPoint::id);

    private final ObjectStore store;
    private final PointCodec codec;
    private final Records records;
    private final Randomness randomness;
    private final InstantSource clock;
    // Points never change, so what was read once need not be read again.
    private final Map<ObjectId, RecoveryPoint> read = new ConcurrentHashMap<>();

    Points(ObjectStore store, VaultKeys keys, Records records, Randomness randomness, InstantSource clock) {
        this.store = store;
        this.clock = clock;
        this.records = records;
        this.randomness = randomness;
        codec = new PointCodec(keys, store.description());
    }

    /// Is told of each point, or of the damage to it.
    @FunctionalInterface
    interface Visitor {
        void visit(ObjectId id, @Nullable RecoveryPoint point, @Nullable VaultException damage);
    }

    /// Reads all points anew, forgotten ones too.
    void forEach(Visitor visitor) {
        forEach(false, visitor);
    }

    private void forEach(boolean readBefore, Visitor visitor) {
        List<ObjectName> names = new ArrayList<>();
        store.list(Area.POINTS, listed -> names.add(listed.name()));
        for (ObjectName name : names) {
            RecoveryPoint point = readBefore ? read.get(name.id()) : null;
            if (point == null) {
                try {
                    point = load(name);
                } catch (VaultException e) {
                    if (e.kind() != Kind.DAMAGED && e.kind() != Kind.TOO_NEW) {
                        throw e;
                    }
                    visitor.visit(name.id(), null, e);
                    continue;
                }
            }
            if (point != null) {
                visitor.visit(name.id(), point, null);
            }
        }
    }

    /// Null if it was deleted since it was listed, or only keeps the name from being used.
    private @Nullable RecoveryPoint load(ObjectName name) {
        byte[] bytes;
        try {
            bytes = store.get(name);
        } catch (VaultException e) {
            if (e.kind() == Kind.MISSING) {
                return null;
            }
            throw e;
        }
        RecoveryPoint point = codec.decode(bytes, name);
        if (point != null) {
            read.put(name.id(), point);
        }
        return point;
    }

    /// Points that can't be read, and why.
    Map<ObjectId, VaultException> unreadable() {
        Map<ObjectId, VaultException> unreadable = new HashMap<>();
        forEach(
                true,
                (id, _, damage) -> {
                    if (damage != null) {
                        unreadable.put(id, damage);
                    }
                });
        return unreadable;
    }

    /// Deletes a point that can't be read. Throws kind `EXISTS` if it can.
    void discard(ObjectId id) {
        ObjectName name = new ObjectName(Area.POINTS, id);
        try {
            if (load(name) != null) {
                throw new VaultException(Kind.EXISTS, "vault.point-readable", null, id);
            }
        } catch (VaultException e) {
            if (e.kind() != Kind.DAMAGED) {
                throw e;
            }
            store.delete(name);
            records.deleteForgotten(id);
        }
    }

    /// All points that can be read, forgotten ones too, oldest first: one that is damaged must not hide the others.
    List<RecoveryPoint> all() {
        List<RecoveryPoint> points = new ArrayList<>();
        forEach(
                true,
                (_, point, _) -> {
                    if (point != null) {
                        points.add(point);
                    }
                });
        points.sort(BY_TIME);
        return points;
    }

    /// Points that are offered, oldest first.
    List<RecoveryPoint> offered() {
        // Points first: one that is forgotten meanwhile is not offered, rather than offered as if
        // it
        // were new.
        List<RecoveryPoint> points = all();
        Set<ObjectId> forgotten =
                records.forgotten().stream()
                        .map(found -> found.record().point())
                        .collect(Collectors.toSet());
        points.removeIf(point -> forgotten.contains(point.id()));
        return points;
    }

    /// Forgotten points, oldest first.
    List<ForgottenPoint> forgotten() {
        Map<ObjectId, Forgotten> forgotten = new HashMap<>();
        records.forgotten().forEach(found -> forgotten.put(found.record().point(), found.record()));
        List<ForgottenPoint> points = new ArrayList<>();
        for (RecoveryPoint point : all()) {
            Forgotten record = forgotten.get(point.id());
            if (record != null) {
                points.add(new ForgottenPoint(point, record.at(), record.purgeAt()));
            }
        }
        return points;
    }

    /// The point of this id, read now. Empty if there is none.
    Optional<RecoveryPoint> byId(ObjectId id) {
        return Optional.ofNullable(load(new ObjectName(Area.POINTS, id)));
    }

    /// Whether nobody can make a point of this id any more: it was made, or revoked, by a holder of the key and before an
    /// instant. Whatever else has the name was not, and means nothing.
    boolean isDecided(ObjectId id, Instant before) {
        ObjectName name = new ObjectName(Area.POINTS, id);
        if (!store.exists(name)) {
            return false;
        }
        try (ObjectStore.StoredObject object = store.open(name)) {
            if (!object.modifiedAt().isBefore(before)) {
                return false;
            }
            codec.decode(store.get(name), name);
            return true;
        } catch (VaultException e) {
            if (e.kind() != Kind.MISSING && e.kind() != Kind.DAMAGED && e.kind() != Kind.TOO_NEW) {
                throw e;
            }
            return false;
        }
    }

    /// Makes a point. Returns false if there is an object of its name that no holder of the key made; the point does not
    /// exist then. Throws kind `OVERTAKEN` if a holder of the key took the name to keep the point from being made.
    boolean commit(RecoveryPoint point) {
        ObjectName name = new ObjectName(Area.POINTS, point.id());
        byte[] bytes = codec.encode(point);
        try {
            store.put(name, bytes);
        } catch (VaultException e) {
            if (e.kind() != Kind.EXISTS) {
                throw e;
            }
            if (!isOurs(name, point, e)) {
                return false;
            }
        }
        return true;
    }

    /// Whether a name is taken by this very point, as when an earlier try reached the store but its answer did not reach
    /// us. Returns false if it is taken by what no holder of the key made.
    private boolean isOurs(ObjectName name, RecoveryPoint point, VaultException taken) {
        RecoveryPoint found;
        try {
            found = codec.decode(store.get(name), name);
        } catch (VaultException e) {
            if (e.kind() != Kind.MISSING && e.kind() != Kind.DAMAGED && e.kind() != Kind.TOO_NEW) {
                throw e;
            }
            return false;
        }
        if (!point.equals(found)) {
            throw new VaultException(
                    Kind.OVERTAKEN, "vault.session-revoked", taken, store.description());
        }
        return true;
    }

    /// Forgets a point: it is offered no longer, and may be purged once `keep` has passed.
    ForgottenPoint forget(RecoveryPoint point, Duration keep) {
        Instant now = records.now(randomness);
        // A lock has run out when both clocks say so: no leap of one of them opens it.
        requireUnlocked(point, Clocks.earlier(now, clock.instant()));
        Forgotten record =
                new Forgotten(point.id(), ObjectId.random(randomness), now, now.plus(keep));
        try {
            records.put(record);
        } catch (VaultException e) {
            if (e.kind() != Kind.EXISTS) {
                throw e;
            }
            if (records.isForgotten(point.id())) {
                throw new VaultException(Kind.EXISTS, "vault.forgotten-already", e, point.id());
            }
            // Junk, or undone before: neither has a meaning that could be lost.
            records.deleteForgotten(point.id());
            records.put(record);
        }
        return new ForgottenPoint(point, record.at(), record.purgeAt());
    }

    private static void requireUnlocked(RecoveryPoint point, Instant now) {
        Instant until = point.lockedUntil().orElse(Instant.MIN);
        if (now.isBefore(until)) {
            throw new VaultException(Kind.RETAINED, "vault.point-locked", null, point.id(), until);
        }
    }

    /// Brings a forgotten point back. Throws kind `NOT_FOUND` if it is too late.
    void bringBack(ForgottenPoint forgotten) {
        requireInTime(forgotten);
        ObjectId point = forgotten.point().id();
        // This stays: else whoever kept the forgotten record could put it back.
        records.forgotten(point)
                .ifPresent(record ->
                        records.put(
                                new Undone(
                                        ObjectId.random(randomness),
                                        point,
                                        record.forgetting(),
                                        record.at())));
        records.deleteForgotten(point);
        // Purging begins at the date and looks for the record after it; so if the date has not come
        // yet, nobody purges.
        requireInTime(forgotten);
    }

    private void requireInTime(ForgottenPoint forgotten) {
        if (!records.now(randomness).isBefore(forgotten.purgeAt())) {
            throw new VaultException(
                    Kind.NOT_FOUND,
                    "vault.too-late",
                    null,
                    forgotten.point().id(),
                    forgotten.purgeAt());
        }
    }
}
