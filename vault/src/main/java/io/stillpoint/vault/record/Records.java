package io.stillpoint.vault.record;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.pack.Where;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.ObjectStore.Listed;
import io.stillpoint.vault.store.ObjectStore.StoredObject;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/// A vault's records. Safe for use by several threads. Throws what the store throws.
///
/// A record means nothing unless a holder of the key made it under the very name that it has. Anything else is junk: it is
/// named and passed over, so that it neither hides a point, nor has something deleted, nor stops whoever owns the vault.
public final class Records {
    /// How many records that can't be read are remembered.
    private static final int JUNK_MAX = 1000;

    private static final Duration PROBE_PATIENCE = Duration.ofHours(1);

    private final ObjectStore store;
    private final RecordCodec codec;
    private final Consumer<VaultException> unreadable;
    private final ReadRecords lately = new ReadRecords();
    private final Map<String, VaultException> junk = new ConcurrentSkipListMap<>();

    /// @param unreadable is told of records that can't be read, perhaps more than once
    public Records(ObjectStore store, VaultKeys keys, Consumer<VaultException> unreadable) {
        this.store = store;
        this.unreadable = unreadable;
        codec = new RecordCodec(store.description(), keys);
    }

    /// A record as the store has it.
    ///
    /// @param madeAt by the store's clock
    public record Found<T>(T record, Instant madeAt) {}

    public void put(Session session) {
        ObjectName name = new ObjectName(Area.SESSIONS, session.id());
        store.put(name, codec.encode(ObjectKind.SESSION, name, session.toJson()));
    }

    public List<Found<Session>> sessions() {
        return all(ObjectKind.SESSION, Session::fromJson);
    }

    /// The names of all objects that may be session records, as they are listed; none is read.
    public List<Listed> sessionNames() {
        List<Listed> names = new ArrayList<>();
        store.list(Area.SESSIONS, names::add);
        return names;
    }

    public void deleteSession(ObjectId id) {
        store.delete(new ObjectName(Area.SESSIONS, id));
    }

    /// Session records that can't be read: when they were made, by the store's clock. Somebody's session may be among
    /// them, so what it would keep must not go soon.
    public List<Instant> unreadableSessions() {
        List<Instant> unread = new ArrayList<>();
        all(ObjectKind.SESSION, Session::fromJson, listed -> unread.add(listed.modifiedAt()));
        return unread;
    }

    /// Throws kind `EXISTS` if the name is taken; see [#forgotten(ObjectId)].
    public void put(Forgotten forgotten) {
        ObjectName name = new ObjectName(Area.FORGOTTEN, forgotten.point());
        store.put(name, codec.encode(ObjectKind.FORGOTTEN_POINT, name, forgotten.toJson()));
    }

    /// Those that count: not undone since.
    public List<Found<Forgotten>> forgotten() {
        return forgotten(true);
    }

    /// Those that somebody put back, or that a crash left, though the point was brought back.
    public List<Found<Forgotten>> undoneForgotten() {
        return forgotten(false);
    }

    private List<Found<Forgotten>> forgotten(boolean counting) {
        // In this order: a forgetting that is undone meanwhile may count, one that is new can't be
        // undone yet.
        List<Found<Forgotten>> found = all(ObjectKind.FORGOTTEN_POINT, Forgotten::fromJson);
        if (!found.isEmpty()) {
            Set<Undoing> undone = undoings();
            found.removeIf(each -> undone.contains(Undoing.of(each.record())) == counting);
        }
        return found;
    }

    private record Undoing(ObjectId point, ObjectId forgetting) {
        static Undoing of(Forgotten forgotten) {
            return new Undoing(forgotten.point(), forgotten.forgetting());
        }
    }

    private Set<Undoing> undoings() {
        Set<Undoing> undoings = new HashSet<>();
        undone().forEach(undone -> undoings.add(new Undoing(undone.point(), undone.forgetting())));
        return undoings;
    }

    /// The record by which the point is forgotten now, unless that was undone. Never late, but for what was undone less than
    /// a listing delay ago and whose forgotten record was put back.
    public Optional<Forgotten> forgotten(ObjectId point) {
        ObjectName name = new ObjectName(Area.FORGOTTEN, point);
        Forgotten record =
                readable(
                        ObjectKind.FORGOTTEN_POINT,
                        name,
                        json -> Forgotten.fromJson(point, json),
                        () -> {});
        return record == null || undoings().contains(Undoing.of(record))
                ? Optional.empty()
                : Optional.of(record);
    }

    /// Points of which somebody says that they are forgotten; [#isForgotten] tells whether that counts.
    public Set<ObjectId> forgottenNames() {
        Set<ObjectId> names = new HashSet<>();
        store.list(Area.FORGOTTEN, listed -> names.add(listed.name().id()));
        return names;
    }

    /// Whether the point is forgotten now; see [#forgotten(ObjectId)].
    public boolean isForgotten(ObjectId point) {
        return forgotten(point).isPresent();
    }

    public void put(Undone undone) {
        ObjectName name = new ObjectName(Area.UNDONE, undone.id());
        store.put(name, codec.encode(ObjectKind.UNDONE_FORGETTING, name, undone.toJson()));
    }

    public List<Undone> undone() {
        return all(ObjectKind.UNDONE_FORGETTING, Undone::fromJson).stream()
                .map(Found::record)
                .toList();
    }

    public void deleteUndone(ObjectId id) {
        store.delete(new ObjectName(Area.UNDONE, id));
    }

    public void deleteForgotten(ObjectId point) {
        store.delete(new ObjectName(Area.FORGOTTEN, point));
    }

    public void putCondemned(PackList packs) {
        ObjectName name = new ObjectName(Area.CONDEMNED, packs.id());
        store.put(name, codec.encode(ObjectKind.CONDEMNED_PACKS, name, packs.toJson()));
    }

    public List<Found<PackList>> condemned() {
        return all(ObjectKind.CONDEMNED_PACKS, PackList::fromJson);
    }

    /// Whether the condemnation still stands; never late.
    public boolean isCondemned(ObjectId id) {
        return store.exists(new ObjectName(Area.CONDEMNED, id));
    }

    public void deleteCondemned(ObjectId id) {
        store.delete(new ObjectName(Area.CONDEMNED, id));
    }

    /// Throws kind `EXISTS` if there is a verdict already.
    public void putExecuted(PackList packs) {
        ObjectName name = new ObjectName(Area.EXECUTED, packs.id());
        store.put(name, codec.encode(ObjectKind.EXECUTED_PACKS, name, packs.toJson()));
    }

    /// Whether there is a verdict; never late.
    public boolean isExecuted(ObjectId id) {
        return store.exists(new ObjectName(Area.EXECUTED, id));
    }

    public List<Found<PackList>> executed() {
        return all(ObjectKind.EXECUTED_PACKS, PackList::fromJson);
    }

    public void deleteExecuted(ObjectId id) {
        store.delete(new ObjectName(Area.EXECUTED, id));
    }

    public void putQuarantined(ObjectId id, DamagedFrames frames) {
        ObjectName name = new ObjectName(Area.QUARANTINE, id);
        store.put(name, codec.encode(ObjectKind.QUARANTINED_FRAMES, name, frames.toJson()));
    }

    /// Everything that was found damaged, by the records' ids.
    public Map<ObjectId, DamagedFrames> quarantined() {
        Map<ObjectId, DamagedFrames> quarantined = new HashMap<>();
        record Quarantined(ObjectId id, DamagedFrames frames) {}
        List<Found<Quarantined>> found =
                all(
                        ObjectKind.QUARANTINED_FRAMES,
                        (id, json) -> new Quarantined(id, DamagedFrames.fromJson(json)));
        found.forEach(each -> quarantined.put(each.record().id(), each.record().frames()));
        return quarantined;
    }

    public void deleteQuarantined(ObjectId id) {
        store.delete(new ObjectName(Area.QUARANTINE, id));
    }

    /// Throws kind `EXISTS` if the name is taken.
    public void put(CatalogueEntry entry) {
        ObjectName name = new ObjectName(Area.CATALOGUE, entry.id());
        store.put(name, codec.encode(ObjectKind.CATALOGUE_ENTRY, name, entry.toJson()));
    }

    /// All entries of the catalogue that a holder of the key made. Reads each.
    public List<CatalogueEntry> catalogue() {
        return all(ObjectKind.CATALOGUE_ENTRY, CatalogueEntry::fromJson).stream()
                .map(Found::record)
                .toList();
    }

    /// The names of the catalogue's entries that begin with `prefix`, whoever made them.
    public List<Listed> catalogueNames(String prefix) {
        List<Listed> names = new ArrayList<>();
        store.list(Area.CATALOGUE, prefix, names::add);
        return names;
    }

    /// As [#catalogueEntry(ObjectId)], of one that was listed: asks the store only for what was not read lately.
    public Optional<CatalogueEntry> catalogueEntry(Listed listed) {
        ObjectId id = listed.name().id();
        return Optional.ofNullable(
                readable(
                        () ->
                                read(
                                        ObjectKind.CATALOGUE_ENTRY,
                                        listed,
                                        json -> CatalogueEntry.fromJson(id, json)),
                        () -> {}));
    }

    /// The entry of this name; empty if there is none that a holder of the key made.
    public Optional<CatalogueEntry> catalogueEntry(ObjectId id) {
        return Optional.ofNullable(
                readable(
                        ObjectKind.CATALOGUE_ENTRY,
                        new ObjectName(Area.CATALOGUE, id),
                        json -> CatalogueEntry.fromJson(id, json),
                        () -> {}));
    }

    public void deleteCatalogueEntry(ObjectId id) {
        store.delete(new ObjectName(Area.CATALOGUE, id));
    }

    /// Takes the name of a point that a session wanted to make, so that it can't any more. Throws kind `EXISTS` if
    /// the point was made, or revoked, before.
    public void revoke(ObjectId point) {
        ObjectName name = new ObjectName(Area.POINTS, point);
        store.put(name, codec.encode(ObjectKind.REVOKED_POINT, name, Json.object()));
    }

    /// What the store's clock shows, at the least: a record is made and deleted to learn it.
    public Instant now(Randomness randomness) {
        while (true) {
            Session probe =
                    new Session(
                            ObjectId.random(randomness),
                            ObjectId.random(randomness),
                            Instant.EPOCH,
                            Instant.EPOCH,
                            PROBE_PATIENCE.toSeconds(),
                            Set.of(),
                            Set.of());
            put(probe);
            try {
                return madeAt(probe);
            } catch (VaultException e) {
                if (e.kind() != Kind.MISSING) {
                    throw e;
                }
                // Taken for dead by prune, after a long sleep; once more.
            } finally {
                dropProbe(probe);
            }
        }
    }

    /// Who may not delete leaves it: it is that of a dead session, which prune gets rid of.
    private void dropProbe(Session probe) {
        try {
            deleteSession(probe.id());
        } catch (VaultException e) {
            if (e.kind() != Kind.DENIED && e.kind() != Kind.RETAINED) {
                throw e;
            }
        }
    }

    /// When the session's record was made, by the store's clock.
    public Instant madeAt(Session session) {
        try (StoredObject object = store.open(new ObjectName(Area.SESSIONS, session.id()))) {
            return object.modifiedAt();
        }
    }

    private <T> List<Found<T>> all(ObjectKind kind, BiFunction<ObjectId, JsonNode, T> parser) {
        return all(kind, parser, _ -> {});
    }

    /// @param unread is told of records that can't be read
    private <T> List<Found<T>> all(
            ObjectKind kind, BiFunction<ObjectId, JsonNode, T> parser, Consumer<Listed> unread) {
        List<Listed> listed = new ArrayList<>();
        store.list(kind.area(), listed::add);
        List<Found<T>> found = new ArrayList<>();
        for (Listed each : listed) {
            Function<JsonNode, T> ofJson = json -> parser.apply(each.name().id(), json);
            T record = readable(() -> read(kind, each, ofJson), () -> unread.accept(each));
            if (record != null) {
                found.add(new Found<>(record, each.modifiedAt()));
            }
        }
        return found;
    }

    private <T> @Nullable T readable(
            ObjectKind kind, ObjectName name, Function<JsonNode, T> parser, Runnable unread) {
        return readable(() -> read(kind, name, parser), unread);
    }

    /// What gives a record.
    @FunctionalInterface
    private interface Reading<T> {
        @Nullable T read();
    }

    private <T> @Nullable T readable(Reading<T> reading, Runnable unread) {
        try {
            return reading.read();
        } catch (VaultException e) {
            // A version that is not ours is as easily forged as anything else.
            if (!e.isJunk()) {
                throw e;
            }
            noteJunk(e);
            unread.run();
            return null;
        }
    }

    /// Null if the record was deleted since it was listed.
    private <T> @Nullable T read(ObjectKind kind, ObjectName name, Function<JsonNode, T> parser) {
        byte[] bytes = bytes(name);
        return bytes == null ? null : decode(kind, name, bytes, parser);
    }

    /// As above; asks the store only for what was not read lately.
    private <T> @Nullable T read(ObjectKind kind, Listed listed, Function<JsonNode, T> parser) {
        byte[] kept = lately.get(listed);
        byte[] bytes = kept == null ? bytes(listed.name()) : kept;
        if (bytes == null) {
            return null;
        }
        T record = decode(kind, listed.name(), bytes, parser);
        if (kept == null) {
            // Only what is genuine: a read that went wrong may go right the next time.
            lately.put(listed, bytes);
        }
        return record;
    }

    private byte @Nullable [] bytes(ObjectName name) {
        try {
            return store.get(name);
        } catch (VaultException e) {
            if (e.kind() == Kind.MISSING) {
                return null;
            }
            throw e;
        }
    }

    private <T> T decode(
            ObjectKind kind, ObjectName name, byte[] bytes, Function<JsonNode, T> parser) {
        try {
            return parser.apply(codec.decode(kind, name, bytes));
        } catch (JacksonException | IllegalArgumentException | DateTimeException e) {
            throw new Where(store.description(), name).damaged("record");
        }
    }

    private void noteJunk(VaultException e) {
        if (junk.size() < JUNK_MAX) {
            junk.put(e.code() + e.arguments(), e);
        }
        unreadable.accept(e);
    }

    /// Records met so far that no holder of the key made, or that are damaged, each once and no more than [#JUNK_MAX]: kinds
    /// `DAMAGED`, `TOO_NEW`. They were passed over.
    public List<VaultException> junk() {
        return List.copyOf(junk.values());
    }
}
