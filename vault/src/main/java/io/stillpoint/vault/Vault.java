package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.vault.VaultException.Kind;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.crypto.KeySlot;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.PackFiles;
import io.stillpoint.vault.pack.PackWriter;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.pack.ZstdLibrary;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.record.DamagedFrames;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.RescueStore;
import io.stillpoint.vault.tree.TreeDifference;
import io.stillpoint.vault.tree.TreeShape;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// An open vault: where recovery points are made, listed, verified and restored from. The index is opened when it
/// is first needed. Safe for use by several threads; several processes may use one vault at once.
public final class Vault implements AutoCloseable {
    private final ObjectStore store;
    private final VaultHeader header;
    private final VaultKeys keys;
    private final KeySlots keySlots;
    private final Randomness randomness;
    private final InstantSource clock;
    private final PackFiles packs;
    private final Records records;
    private final Points points;
    private final Upkeep upkeep = new Upkeep();
    private final Map<String, VaultException> junk = new ConcurrentSkipListMap<>();
    private final Map<String, Long> ordinals = new ConcurrentHashMap<>();
    private volatile VaultSettings settings = VaultSettings.DEFAULT;
    private @Nullable ItemIndex index;
    private MemoryBudget.@Nullable Shares indexMemory;
    private @Nullable NodeStore nodes;

    private Vault(
            ObjectStore store,
            VaultHeader header,
            VaultKeys keys,
            ObjectId opener,
            Randomness randomness,
            InstantSource clock,
            Consumer<VaultException> unreadable) {
        this.store = store;
        this.header = header;
        this.keys = keys;
        keySlots = new KeySlots(this, opener);
        this.randomness = randomness;
        this.clock = clock;
        packs = new PackFiles(store, keys);
        records = new Records(store, keys, e -> noteJunk(e, unreadable));
        points = new Points(store, keys, records, randomness, this::clocks);
    }

    /// Makes a new vault; it exists when this returns. Throws kind `EXISTS` as [#requireNone] does, `KEY_FILE` if the
    /// passphrase won't do.
    public static Vault init(
            ObjectStore store, Credential credential, Randomness randomness, InstantSource clock) {
        requireNone(store);
        VaultHeader header = new VaultHeader(ObjectId.random(randomness), clock.instant());
        VaultKeys keys = new VaultKeys(header.id(), randomness.bytes(VaultKeys.KEY_LENGTH));
        KeySlot.Title title =
                new KeySlot.Title(
                        ObjectId.random(randomness), header.id(), "first", header.createdAt());
        boolean done = false;
        try {
            store.making(true);
            // Of a making that was cut off: no key of this vault wraps them.
            List<ObjectName> relics = new ArrayList<>();
            store.list(Area.KEYS, listed -> relics.add(listed.name()));
            relics.forEach(store::delete);
            KeySlots.write(store, title, credential, keys, randomness);
            // The header last: without it there is no vault, so a crash before leaves none.
            store.put(ObjectName.vault(), header.encode(keys));
            done = true;
            if (!store.exists(new ObjectName(Area.KEYS, title.id()))) {
                // Another making that began meanwhile took ours for one that was cut off; it has
                // lost.
                KeySlots.write(store, title, credential, keys, randomness);
            }
            store.making(false);
        } finally {
            if (!done) {
                takeBack(store, title.id());
            }
        }
        return new Vault(store, header, keys, title.id(), randomness, clock, _ -> {});
    }

    /// Removes the slot of a vault that could not be made, so that the next attempt finds nothing in its way.
    private static void takeBack(ObjectStore store, ObjectId slot) {
        try {
            if (!store.exists(ObjectName.vault())) {
                store.delete(new ObjectName(Area.KEYS, slot));
            }
        } catch (StillpointException _) {
            // What failed before is what to tell; the next attempt says what is in its way.
        }
    }

    /// Throws kind `EXISTS` if anything lies where the vault would be made: a vault, what is left of one, or something of others.
    public static void requireNone(ObjectStore store) {
        VaultHeader.requireNone(store);
    }

    /// Makes sure that the native library is there without which no vault can be read or written. Throws a
    /// [MachineException][io.stillpoint.platform.MachineException] if it can't be loaded.
    public static void requireLibrary() {
        ZstdLibrary.load();
    }

    /// Opens a vault. Throws kinds `NOT_A_VAULT`, `WRONG_KEY`, `TOO_NEW`, `DAMAGED`.
    public static Vault open(
            ObjectStore store, Credential credential, Randomness randomness, InstantSource clock) {
        return open(store, credential, randomness, clock, _ -> {});
    }

    /// Opens a vault that may be damaged, to list, verify and restore what is left of it and nothing else; it is never
    /// written to. Records that can't be read count as if they were not there. Throws as [#open] does.
    ///
    /// @param unreadable is told of such records, perhaps more than once
    public static Vault rescue(
            RescueStore store,
            Credential credential,
            Randomness randomness,
            InstantSource clock,
            Consumer<VaultException> unreadable) {
        return open(store, credential, randomness, clock, unreadable);
    }

    private static Vault open(
            ObjectStore store,
            Credential credential,
            Randomness randomness,
            InstantSource clock,
            Consumer<VaultException> unreadable) {
        Unlocked unlocked = Unlocked.by(credential, store);
        return new Vault(
                store,
                unlocked.header(),
                unlocked.keys(),
                unlocked.slotId(),
                randomness,
                clock,
                unreadable);
    }

    private void noteJunk(VaultException e, Consumer<VaultException> unreadable) {
        junk.put(String.valueOf(e.getMessage()), e);
        unreadable.accept(e);
    }

    /// Records met so far that no holder of the key made, or that are damaged, each once: kinds `DAMAGED`, `TOO_NEW`. They
    /// were passed over; [#verify] names all that there are.
    public List<VaultException> junk() {
        return List.copyOf(junk.values());
    }

    /// The credentials that open this vault.
    public KeySlots keySlots() {
        return keySlots;
    }

    /// Changes how this process works with the vault from now on.
    public void set(VaultSettings changed) {
        settings = changed;
    }

    VaultSettings settings() {
        return settings;
    }

    public ObjectId id() {
        return header.id();
    }

    /// What this host's clock and the store's show now.
    public Clocks clocks() {
        Instant ofStore = records.now(randomness);
        return new Clocks(clock.instant(), ofStore);
    }

    /// Until when something is locked that is locked from now on. Throws kind `REFUSED` if the clocks are too far apart to
    /// tell: a lock that a wrong clock made can't be taken back.
    public Instant lockedUntil(Duration lock) {
        Clocks clocks = clocks();
        if (clocks.apart().compareTo(Clocks.LOCK_ERROR_MAX) > 0) {
            throw new VaultException(
                    Kind.REFUSED,
                    "vault.clocks-apart",
                    null,
                    store.description(),
                    clocks.store(),
                    clocks.host());
        }
        return clocks.later().plus(lock);
    }

    /// Where it lies, in the store's words.
    public String location() {
        return store.description();
    }

    public Instant createdAt() {
        return header.createdAt();
    }

    /// All recovery points but forgotten ones, by VM, of each the oldest first. Those that can't be read are told by
    /// [#unreadablePoints].
    public List<RecoveryPoint> points() {
        return points.offered();
    }

    /// Points that can't be read, and why: kind `DAMAGED` or `TOO_NEW`.
    public Map<ObjectId, VaultException> unreadablePoints() {
        return points.unreadable();
    }

    /// Deletes a point that is damaged, so that pruning can go on; what only it reached is lost then. Throws kind `EXISTS` if
    /// it can be read, `TOO_NEW` if a newer program can read it.
    public void discard(ObjectId damagedPoint) {
        withReserve(() -> {
            points.discard(damagedPoint);
            return true;
        });
    }

    /// Points that were forgotten and are not purged yet, by VM, of each the oldest first.
    public List<ForgottenPoint> forgotten() {
        return points.forgotten();
    }

    /// The one forgotten point whose id begins with `prefix`. Throws kind `NOT_FOUND` as [#point] does.
    public ForgottenPoint forgottenPoint(String prefix) {
        List<ForgottenPoint> all = forgotten();
        if (matching(all, each -> each.point().id(), prefix).isEmpty()) {
            matching(points(), RecoveryPoint::id, prefix).stream()
                    .findFirst()
                    .ifPresent(point -> {
                        throw new VaultException(
                                Kind.NOT_FOUND, "vault.not-forgotten", null, point.id());
                    });
        }
        return one(all, forgotten -> forgotten.point().id(), prefix);
    }

    /// Forgets a point: it is not offered any more. Until `keep` has passed, by the later of the store's clock and this
    /// host's, it can be brought back; then [#prune] deletes it and what only it needs. Throws kinds `RETAINED` if it is locked, `EXISTS` if it is forgotten
    /// already.
    public ForgottenPoint forget(RecoveryPoint point, Duration keep) {
        return withReserve(() -> points.forget(point, keep));
    }

    /// Brings a forgotten point back. Throws kind `NOT_FOUND` if it is too late.
    public void bringBack(ForgottenPoint point) {
        points.bringBack(point);
    }

    void forEachPoint(Points.Visitor visitor) {
        points.forEach(visitor);
    }

    Optional<RecoveryPoint> pointById(ObjectId id) {
        return points.byId(id);
    }

    /// Returns false if the point's name is taken by what no holder of the key made.
    boolean commit(RecoveryPoint point) {
        return points.commit(point);
    }

    /// The one point whose id begins with `prefix`. Throws kind `NOT_FOUND` if there is none or more than one.
    public RecoveryPoint point(String prefix) {
        List<RecoveryPoint> offered = points();
        if (matching(offered, RecoveryPoint::id, prefix).isEmpty()) {
            // So that nobody takes it for lost.
            matching(forgotten(), each -> each.point().id(), prefix).stream()
                    .findFirst()
                    .ifPresent(each -> {
                        throw new VaultException(
                                Kind.NOT_FOUND,
                                "vault.point-forgotten",
                                null,
                                each.point().id(),
                                each.purgeAt());
                    });
        }
        return one(offered, RecoveryPoint::id, prefix);
    }

    private static <T> List<T> matching(List<T> points, Function<T, ObjectId> id, String prefix) {
        return points.stream()
                .filter(point -> id.apply(point).toString().startsWith(prefix))
                .filter(_ -> !prefix.isEmpty())
                .toList();
    }

    private <T> T one(List<T> points, Function<T, ObjectId> id, String prefix) {
        List<T> found = matching(points, id, prefix);
        if (found.size() != 1) {
            throw new VaultException(
                    Kind.NOT_FOUND,
                    found.isEmpty() ? "vault.no-such-point" : "vault.ambiguous-point",
                    null,
                    store.description(),
                    prefix,
                    found.size());
        }
        return found.getFirst();
    }

    /// The newest point of a VM, by lineage.
    public Optional<RecoveryPoint> newest(String vm) {
        return points().stream()
                .filter(point -> point.vm().equals(vm))
                .reduce((older, newer) -> newer);
    }

    /// Has new points of a VM get ordinals above one that was seen, though the point that had it may be gone.
    public void numberAbove(String vm, long ordinal) {
        ordinals.merge(vm, ordinal, Math::max);
    }

    /// The highest ordinal that was seen of a VM, as far as somebody told; else 0.
    long highestOrdinal(String vm) {
        return ordinals.getOrDefault(vm, 0L);
    }

    /// Begins a backup.
    ///
    /// @param base the point that the new one builds on, if there is one; see [BackupSession#base]
    public BackupSession backup(
            Optional<RecoveryPoint> base, Cancellation cancellation, IntakeProgress progress) {
        return BackupSession.open(this, base, cancellation, progress);
    }

    /// Writes a disk's content to a target that reads as zeros, and checks every chunk. Throws kinds `DAMAGED` and
    /// `MISSING`, or what the target failed with; the target's content is incomplete then.
    ///
    /// @param progress is told of bytes written, by many threads
    public void restore(
            DiskImage image, BlockTarget target, Cancellation cancellation, LongConsumer progress) {
        restore(image, target, cancellation, progress, Losses.REFUSED);
    }

    /// As above, but what can't be read may be left as zeros.
    ///
    /// @param losses is told what that is
    public void restore(
            DiskImage image,
            BlockTarget target,
            Cancellation cancellation,
            LongConsumer progress,
            Losses losses) {
        try (CipherWarmUp warmUp = CipherWarmUp.start()) {
            new DiskRestore(this, warmUp, cancellation, progress, losses).run(image, target);
        }
    }

    /// How much of a disk is not zeros, in whole chunks; of what can't be read nothing counts. Reads all of the disk's map.
    public long dataBytes(DiskImage image) {
        if (image.root() == null || image.size() == 0) {
            return 0;
        }
        AtomicLong chunks = new AtomicLong();
        TreeShape shape = image.shape();
        new TreeDifference(nodes())
                .walk(
                        null,
                        shape,
                        image.root(),
                        shape,
                        new TreeDifference.Visitor() {
                            @Override
                            public void chunk(
                                    long chunk, @Nullable ItemId before, @Nullable ItemId id) {
                                if (id != null) {
                                    chunks.incrementAndGet();
                                }
                            }

                            @Override
                            public void unreadable(int level, long index, VaultException why) {
                                // Whoever restores it is told.
                            }
                        });
        return Math.min(chunks.get() * TreeShape.CHUNK, image.size());
    }

    /// Reads and checks everything: every byte of every object, and that every point can be restored.
    ///
    /// @param progress is told of stored bytes checked, by many threads
    public Verification verify(Cancellation cancellation, LongConsumer progress) {
        return verify(Long.MAX_VALUE, cancellation, progress);
    }

    /// As [#verify(Cancellation, LongConsumer)], but reads only a sample of the packs, another one each time. That
    /// every point's blocks are where the index says is checked all the same.
    ///
    /// @param sampleBytes how much of the packs to read
    public Verification verify(long sampleBytes, Cancellation cancellation, LongConsumer progress) {
        try (CipherWarmUp warmUp = CipherWarmUp.start()) {
            return new Verifier(this, sampleBytes, warmUp, cancellation, progress).run();
        }
    }

    /// Notes in the vault what a verification found damaged, so that backups store again what lay there and rely on it
    /// no longer. Does nothing if that is known.
    public void quarantine(Verification found) {
        DamagedFrames known = damagedFrames();
        if (!known.and(found.damagedFrames()).equals(known)) {
            records.putQuarantined(ObjectId.random(randomness), found.damagedFrames());
        }
    }

    /// Deletes what no point needs any more, in two steps: this run deletes what earlier ones condemned, and condemns for
    /// later ones. Other processes go on with whatever they do. Throws kinds `DAMAGED`, `MISSING`, `TOO_NEW` and
    /// deletes no pack if something that a point needs can't be read, since then it is unknown what else the point needs.
    public PruneResult prune(PruneRules rules, Cancellation cancellation) {
        return withReserve(() -> new Pruner(this, rules, cancellation).run());
    }

    /// What makes room may use the room that is kept back for it.
    private <T> T withReserve(Supplier<T> work) {
        store.useReserve(true);
        try {
            return work.get();
        } finally {
            store.useReserve(false);
        }
    }

    /// What differs between two disks, ascending.
    public void difference(DiskImage before, DiskImage after, ChunkVisitor visitor) {
        new TreeDifference(nodes())
                .walk(
                        before.root(),
                        before.shape(),
                        after.root(),
                        after.shape(),
                        (chunk, _, _) -> visitor.chunk(chunk));
    }

    /// Is told of a differing chunk.
    @FunctionalInterface
    public interface ChunkVisitor {
        /// @param number of the chunk: its offset divided by 65,536
        void chunk(long number);
    }

    /// What lies in the store.
    ///
    /// @param packBytes of all packs together
    public record Facts(
            int points, long packs, long packBytes, long segments, long segmentBytes, long items) {}

    /// Counts what lies in the store.
    public Facts facts() {
        long[] packFacts = count(Area.PACKS);
        long[] segmentFacts = count(Area.INDEX);
        return new Facts(
                (int) count(Area.POINTS)[0],
                packFacts[0],
                packFacts[1],
                segmentFacts[0],
                segmentFacts[1],
                index().entries());
    }

    private long[] count(Area area) {
        long[] counts = new long[2];
        store.list(
                area,
                listed -> {
                    counts[0]++;
                    counts[1] += listed.size();
                });
        return counts;
    }

    PackWriter packWriter(ObjectKind kind, PackWriter.Sink sink) {
        int capacity = kind == ObjectKind.DATA_PACK ? settings.dataPack() : settings.metadataPack();
        return new PackWriter(store, keys, kind, capacity, randomness, sink);
    }

    ObjectStore store() {
        return store;
    }

    VaultKeys keys() {
        return keys;
    }

    Randomness randomness() {
        return randomness;
    }

    InstantSource clock() {
        return clock;
    }

    PackFiles packs() {
        return packs;
    }

    Records records() {
        return records;
    }

    Points allPoints() {
        return points;
    }

    synchronized ItemIndex index() {
        if (index == null) {
            index = ItemIndex.open(store, keys, randomness, this::gone, this::damagedFrames);
            long bytes = index.entries() * ItemIndex.BYTES_PER_ENTRY - ItemIndex.BYTES_OF_ALL;
            indexMemory = MemoryBudget.ofProcess().take(1, 1, Math.max(0, bytes));
        }
        return index;
    }

    /// The index as of now: what was durable before the call is found.
    ItemIndex refreshedIndex() {
        boolean isFresh;
        synchronized (this) {
            isFresh = index == null;
        }
        ItemIndex refreshed = index();
        if (!isFresh) {
            refreshed.refresh();
        }
        return refreshed;
    }

    private Set<ObjectId> gone() {
        Set<ObjectId> gone = new HashSet<>();
        records.executed().forEach(found -> gone.addAll(found.record().packs()));
        return gone;
    }

    /// Where an item lies by the index as of now, after it was not found or a place was found wanting.
    Set<Place> otherPlaces(ItemId id, @Nullable Place failed) {
        ItemIndex now = refreshedIndex();
        now.adoptUnlisted();
        Set<Place> places = now.lookup().places(id);
        if (failed != null) {
            places.remove(failed);
        }
        // A verdict that somebody put back must not hide what is there.
        return places.isEmpty() ? now.placesOfGone(id) : places;
    }

    private DamagedFrames damagedFrames() {
        DamagedFrames all = DamagedFrames.NONE;
        for (DamagedFrames frames : records.quarantined().values()) {
            all = all.and(frames);
        }
        return all;
    }

    /// Merges segments of the index if there are many; returns at once.
    void mergeInBackground() {
        ItemIndex merged = index();
        upkeep.start(merged::merge);
    }

    synchronized NodeStore nodes() {
        if (nodes == null) {
            nodes = new NodeStore(packs, index(), this::otherPlaces, keys, store.description());
        }
        return nodes;
    }

    @Override
    public void close() {
        // Before the index is closed under it.
        upkeep.close();
        closeAll();
    }

    private synchronized void closeAll() {
        if (nodes != null) {
            nodes.close();
        }
        if (index != null) {
            index.close();
        }
        if (indexMemory != null) {
            indexMemory.close();
        }
        packs.close();
        store.close();
    }
}
