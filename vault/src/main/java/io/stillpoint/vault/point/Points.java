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
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The recovery points of a vault. Safe for use by several threads.
public final class Points {
    /// So many objects are asked for one by one before a listing of all names costs less: a page has a thousand.
    private static final int FEW = 64;

    private final ObjectStore store;
    private final PointCodec codec;
    private final Records records;
    private final Randomness randomness;
    private final VaultClock clock;
    private final Catalogue catalogue;
    private final PointCache read = new PointCache();

    private volatile boolean isComplete;
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
        catalogue = new Catalogue(keys, records);
    }

    public Catalogue catalogue() {
        return catalogue;
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
            read.put(point, bytes.length);
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
        there(forgotten.keySet())
                .forEach((id, point) -> {
                    Forgotten record = Objects.requireNonNull(forgotten.get(id));
                    points.add(new ForgottenPoint(point, record.at(), record.purgeAt()));
                });
        points.sort(Comparator.comparing(ForgottenPoint::point, RecoveryPoint.OLDEST_FIRST));
        return points;
    }

    /// Makes entries that the catalogue lacks: it may have been lost, or left behind when the vault was moved, and then a VM's newest
    /// point would not be found. Lists all points and entries, and reads the points that seem to have none. Throws what the
    /// store throws.
    public void complete() {
        Map<Integer, Integer> entered = new HashMap<>();
        catalogue.all().forEach(listed -> count(Catalogue.rest(listed.name().id()), entered));
        List<ObjectId> points = new ArrayList<>();
        Map<Integer, Integer> there = new HashMap<>();
        store.list(
                Area.POINTS,
                listed -> {
                    points.add(listed.name().id());
                    count(Catalogue.restOf(listed.name().id()), there);
                });
        for (ObjectId id : points) {
            int rest = Catalogue.restOf(id);
            // Of points that names can't tell apart each is entered.
            boolean isEntered = entered.getOrDefault(rest, 0) >= there.getOrDefault(rest, 0);
            RecoveryPoint point = isEntered ? null : readable(id);
            if (point != null) {
                catalogue.enter(point.vm(), point.lineage().ordinal(), point.id());
            }
        }
        isComplete = true;
    }

    private static void count(int rest, Map<Integer, Integer> counts) {
        counts.merge(rest, 1, Integer::sum);
    }

    /// A VM's entries, the newest first. A VM that has none may be new; or the catalogue was lost, which is looked into
    /// once in an open vault. Empty if it was and can't be mended here.
    private Optional<List<Catalogue.Entry>> entries(String vm) {
        List<Catalogue.Entry> entries = catalogue.entries(vm);
        if (!entries.isEmpty() || isComplete) {
            return Optional.of(entries);
        }
        try {
            complete();
        } catch (VaultException e) {
            boolean mayOnlyRead =
                    switch (e.kind()) {
                        case DENIED, REFUSED, STORE_FULL, UNSUPPORTED -> true;
                        default -> false;
                    };
            if (!mayOnlyRead) {
                throw e;
            }
            return Optional.empty();
        }
        return Optional.of(catalogue.entries(vm));
    }

    /// Points of a VM that are offered, the oldest first. What it costs grows with the points of this VM, up to what it costs to
    /// list all names.
    public List<RecoveryPoint> offered(String vm) {
        List<RecoveryPoint> points = all(vm);
        // Where most are not forgotten, names tell which may be.
        Predicate<ObjectId> mayBeForgotten =
                points.size() > FEW ? records.forgottenNames()::contains : _ -> true;
        points.removeIf(
                point -> mayBeForgotten.test(point.id()) && records.isForgotten(point.id()));
        return points;
    }

    /// Points of a VM that can be read, forgotten ones too, the oldest first.
    public List<RecoveryPoint> all(String vm) {
        Optional<List<Catalogue.Entry>> entries = entries(vm);
        if (entries.isEmpty()) {
            List<RecoveryPoint> all = all();
            all.removeIf(point -> !point.vm().equals(vm));
            return all;
        }
        Map<ObjectId, Long> ordinals = new HashMap<>();
        for (Catalogue.Entry entry : entries.get()) {
            catalogue.point(entry.listed()).ifPresent(id -> ordinals.put(id, entry.ordinal()));
        }
        List<RecoveryPoint> points = new ArrayList<>(there(ordinals.keySet()).values());
        points.removeIf(
                point -> !isOf(vm, Objects.requireNonNull(ordinals.get(point.id())), point));
        points.sort(RecoveryPoint.OLDEST_FIRST);
        return points;
    }

    /// Whether an entry of this VM and ordinal may be of this point.
    private static boolean isOf(String vm, long ordinal, RecoveryPoint point) {
        return point.vm().equals(vm) && point.lineage().ordinal() == ordinal;
    }

    /// The newest point of a VM that is offered, by lineage. What it costs grows with neither the vault nor the VM's points, but
    /// with how many newer ones are forgotten.
    public Optional<RecoveryPoint> newest(String vm) {
        return newest(vm, entries(vm), point -> !records.isForgotten(point.id()));
    }

    private Optional<RecoveryPoint> newest(
            String vm, Optional<List<Catalogue.Entry>> entries, Predicate<RecoveryPoint> wanted) {
        if (entries.isEmpty()) {
            return all(vm).stream().filter(wanted).reduce((_, newer) -> newer);
        }
        RecoveryPoint newest = null;
        for (Catalogue.Entry entry : entries.get()) {
            if (newest != null && entry.ordinal() < newest.lineage().ordinal()) {
                break;
            }
            RecoveryPoint point = of(vm, entry).filter(wanted).orElse(null);
            if (point != null
                    && (newest == null || RecoveryPoint.OLDEST_FIRST.compare(point, newest) > 0)) {
                newest = point;
            }
        }
        return Optional.ofNullable(newest);
    }

    /// The place of the VM's next point: after all that it has or had, forgotten ones included, since they may be brought back.
    public Lineage next(String vm) {
        Optional<List<Catalogue.Entry>> entries = entries(vm);
        long entered = 0;
        for (Catalogue.Entry entry : entries.orElse(List.of())) {
            if (catalogue.point(entry.listed()).isPresent()) {
                entered = entry.ordinal();
                break;
            }
        }
        return Lineage.after(newest(vm, entries, _ -> true), Math.max(entered, highestOrdinal(vm)));
    }

    /// The VM's point that an entry is of. Empty if it is not there, can't be read, or is another's.
    private Optional<RecoveryPoint> of(String vm, Catalogue.Entry entry) {
        return catalogue
                .point(entry.listed())
                .flatMap(this::there)
                .filter(point -> isOf(vm, entry.ordinal(), point));
    }

    /// The point of this id, if there is one now that can be read.
    private Optional<RecoveryPoint> there(ObjectId id) {
        return there(Set.of(id)).values().stream().findFirst();
    }

    /// Those of these points that there are now and that can be read. A point that was read before may be gone since: the store is
    /// asked for each, or for the names of all where that is less.
    private Map<ObjectId, RecoveryPoint> there(Set<ObjectId> ids) {
        Predicate<ObjectId> exists = id -> store.exists(new ObjectName(Area.POINTS, id));
        if (ids.size() > FEW) {
            Set<ObjectId> listed = new HashSet<>();
            store.list(Area.POINTS, each -> listed.add(each.name().id()));
            exists = listed::contains;
        }
        Map<ObjectId, RecoveryPoint> points = new HashMap<>();
        for (ObjectId id : ids) {
            RecoveryPoint point = exists.test(id) ? readable(id) : null;
            if (point != null) {
                points.put(id, point);
            }
        }
        return points;
    }

    /// Null if it is junk, or gone.
    private @Nullable RecoveryPoint readable(ObjectId id) {
        try {
            RecoveryPoint known = read.get(id);
            return known == null ? load(new ObjectName(Area.POINTS, id)) : known;
        } catch (VaultException e) {
            if (!e.isJunk()) {
                throw e;
            }
            return null;
        }
    }

    /// The point of this id, if it is offered and can be read.
    public Optional<RecoveryPoint> offered(ObjectId id) {
        return there(id).filter(point -> !records.isForgotten(point.id()));
    }

    /// Points whose ids begin with `prefix` and that can be read, forgotten ones too: all, or if they are many only some.
    ///
    /// @param max how many are enough
    public List<RecoveryPoint> beginningWith(String prefix, int max) {
        List<ObjectId> ids = new ArrayList<>();
        if (prefix.matches("[0-9a-f]{1,32}")) {
            store.list(Area.POINTS, prefix, listed -> ids.add(listed.name().id()));
        }
        List<RecoveryPoint> found = new ArrayList<>();
        for (ObjectId id : ids) {
            RecoveryPoint point = found.size() < max ? readable(id) : null;
            if (point != null) {
                found.add(point);
            }
        }
        return found;
    }

    public boolean isForgotten(ObjectId point) {
        return records.isForgotten(point);
    }

    /// When and until when the point is forgotten; empty if it is not.
    public Optional<ForgottenPoint> forgotten(RecoveryPoint point) {
        return records.forgotten(point.id())
                .map(record -> new ForgottenPoint(point, record.at(), record.purgeAt()));
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
            e.requireDamage();
            return false;
        }
    }

    /// Gives a point the bytes of its object. Once for each id: the key and the nonce come from the id alone, so to seal other
    /// content under it would give both away (section 8 of the format).
    public SealedPoint seal(RecoveryPoint point) {
        return new SealedPoint(point.id(), codec.encode(point));
    }

    /// What was sealed. Throws kind `DAMAGED` if that was not for this vault.
    public RecoveryPoint opened(SealedPoint sealed) {
        ObjectName name = new ObjectName(Area.POINTS, sealed.id());
        RecoveryPoint point = codec.decode(sealed.bytes(), name);
        if (point == null) {
            throw VaultException.damaged(name, store.description(), "record");
        }
        return point;
    }

    /// Makes a point, or finds it made: it may be called again, by whichever process. Returns false if there is an object of its
    /// name that no holder of the key made; the point does not exist then. Throws kind `OVERTAKEN` if a holder of the key took
    /// the name to keep the point from being made, `STORE` if there is no telling whether it was made.
    public boolean commit(SealedPoint sealed) {
        RecoveryPoint point = opened(sealed);
        catalogue.enter(point.vm(), point.lineage().ordinal(), point.id());
        ObjectName name = new ObjectName(Area.POINTS, point.id());
        try {
            store.put(name, sealed.bytes());
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
            e.requireDamage();
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
                failure);
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

    /// Has a forgotten point purged once `keep` has passed from now, if that is earlier than it would be; nothing makes it
    /// later but bringing it back. If the process ends between two steps, the point is not forgotten any more.
    public ForgottenPoint purgeEarlier(ForgottenPoint forgotten, Duration keep) {
        Clocks now = clock.clocks();
        RecoveryPoint point = forgotten.point();
        requireUnlocked(point, now.earlier());
        if (!now.later().plus(keep).isBefore(forgotten.purgeAt())) {
            return forgotten;
        }
        records.deleteForgotten(point.id());
        return forget(point, keep);
    }

    /// A time that has passed for certain, whatever clocks show now: the point was there then. Unless a point that is newer
    /// by lineage shows that the clock had leaped.
    private Instant provenBy(RecoveryPoint point) {
        return all(point.vm()).stream()
                .filter(other -> other.line().equals(point.line()))
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
