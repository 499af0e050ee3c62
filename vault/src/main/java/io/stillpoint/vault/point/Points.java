package io.stillpoint.vault.point;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.record.Forgotten;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.record.Undone;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The recovery points of a vault. Safe for use by several threads.
public final class Points {
    private final ObjectStore store;
    private final PointCodec codec;
    private final Records records;
    private final Randomness randomness;
    private final VaultClock clock;
    // Points never change, so what was read once need not be read again.
    private final Map<ObjectId, RecoveryPoint> read = new ConcurrentHashMap<>();

    private final Map<String, Long> ordinals = new ConcurrentHashMap<>();

    public Points(
            ObjectStore store,
            VaultKeys keys,
            Records records,
            Randomness randomness,
            VaultClock clock) {
        this.store = store;
        this.randomness = randomness;
        this.records = records;
        this.clock = clock;
        codec = new PointCodec(keys, store.description());
    }

    /// Is told of each point, or of the damage to it.
    @FunctionalInterface
    public interface Visitor {
        void visit(ObjectId id, @Nullable RecoveryPoint point, @Nullable VaultException damage);
    }

    /// Reads all points anew, forgotten ones too.
    public void forEach(Visitor visitor) {
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
                    if (!e.isJunk()) {
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
    public Map<ObjectId, VaultException> unreadable() {
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
    public void discard(ObjectId id) {
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

    /// All points that can be read, forgotten ones too, by VM, of each the oldest first: one that is damaged must not hide the others.
    public List<RecoveryPoint> all() {
        List<RecoveryPoint> points = new ArrayList<>();
        forEach(
                true,
                (_, point, _) -> {
                    if (point != null) {
                        points.add(point);
                    }
                });
        points.sort(RecoveryPoint.OLDEST_FIRST);
        return points;
    }

    /// Points that are offered, by VM, of each the oldest first.
    public List<RecoveryPoint> offered() {
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

    /// Forgotten points, by VM, of each the oldest first.
    public List<ForgottenPoint> forgotten() {
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
    public Optional<RecoveryPoint> byId(ObjectId id) {
        return Optional.ofNullable(load(new ObjectName(Area.POINTS, id)));
    }

    /// Whether nobody can make a point of this id any more: it was made, or revoked, by a holder of the key and before an
    /// instant. Whatever else has the name was not, and means nothing.
    public boolean isDecided(ObjectId id, Instant before) {
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
            if (!e.isDamage()) {
                throw e;
            }
            return false;
        }
    }

    /// Makes a point. Returns false if there is an object of its name that no holder of the key made; the point does not
    /// exist then. Throws kind `OVERTAKEN` if a holder of the key took the name to keep the point from being made, `STORE` if there is no
    /// telling whether it was made.
    public boolean commit(RecoveryPoint point) {
        ObjectName name = new ObjectName(Area.POINTS, point.id());
        byte[] bytes = codec.encode(point);
        try {
            store.put(name, bytes);
        } catch (VaultException e) {
            if (e.kind() == Kind.STORE) {
                requireMade(point, e);
                return true;
            }
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
            if (!e.isDamage()) {
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

    /// After a failure that may have come when the object was there already.
    private void requireMade(RecoveryPoint point, VaultException failure) {
        try {
            if (byId(point.id()).filter(point::equals).isPresent()) {
                return;
            }
        } catch (VaultException e) {
            failure.addSuppressed(e);
        }
        throw new VaultException(
                Kind.STORE,
                "vault.commit-unknown",
                failure,
                store.description(),
                point.id(),
                failure.getMessage());
    }

    /// Forgets a point: it is offered no longer, and may be purged once `keep` has passed.
    public ForgottenPoint forget(RecoveryPoint point, Duration keep) {
        Clocks now = clock.clocks();
        requireUnlocked(point, now.earlier());
        Instant proven = provenBy(point);
        Instant from = proven.isAfter(now.later().plus(Clocks.TOLERANCE)) ? proven : now.later();
        Forgotten record =
                new Forgotten(
                        point.id(), ObjectId.random(randomness), now.store(), from.plus(keep));
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

    /// A time that has passed for certain, whatever clocks show now: the point was there then. Unless a point that is newer
    /// by lineage shows that the clock had leaped.
    private Instant provenBy(RecoveryPoint point) {
        return all().stream()
                .filter(other -> other.vm().equals(point.vm()) && other.line().equals(point.line()))
                .filter(other -> RecoveryPoint.OLDEST_FIRST.compare(other, point) > 0)
                .map(RecoveryPoint::createdAt)
                .reduce(point.createdAt(), (one, other) -> one.isBefore(other) ? one : other);
    }

    private static void requireUnlocked(RecoveryPoint point, Instant now) {
        Instant until = point.lockedUntil().orElse(Instant.MIN);
        if (now.isBefore(until)) {
            throw new VaultException(Kind.RETAINED, "vault.point-locked", null, point.id(), until);
        }
    }

    /// Brings a forgotten point back. Throws kind `NOT_FOUND` if it is too late.
    public void bringBack(ForgottenPoint forgotten) {
        Instant now = requireInTime(forgotten);
        ObjectId point = forgotten.point().id();
        // This stays: else whoever kept the forgotten record could put it back.
        records.forgotten(point)
                .ifPresent(record ->
                        records.put(
                                new Undone(
                                        ObjectId.random(randomness),
                                        point,
                                        record.forgetting(),
                                        now)));
        records.deleteForgotten(point);
        // Purging begins at the date and looks for the record after it; so if the date has not come
        // yet, nobody purges.
        requireInTime(forgotten);
    }

    private Instant requireInTime(ForgottenPoint forgotten) {
        Instant now = clock.clocks().store();
        if (!now.isBefore(forgotten.purgeAt())) {
            throw new VaultException(
                    Kind.NOT_FOUND,
                    "vault.too-late",
                    null,
                    forgotten.point().id(),
                    forgotten.purgeAt());
        }
        return now;
    }

    /// Has new points of a VM get ordinals above one that was seen, though the point that had it may be gone.
    public void numberAbove(String vm, long ordinal) {
        ordinals.merge(vm, ordinal, Math::max);
    }

    /// The highest ordinal that was seen of a VM, as far as somebody told; else 0.
    public long highestOrdinal(String vm) {
        return ordinals.getOrDefault(vm, 0L);
    }
}
