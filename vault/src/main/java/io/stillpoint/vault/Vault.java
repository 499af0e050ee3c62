package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.vault.copy.VaultCopy;
import io.stillpoint.vault.copy.VaultRepair;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.key.KeySlots;
import io.stillpoint.vault.key.Unlocked;
import io.stillpoint.vault.key.VaultHeader;
import io.stillpoint.vault.key.VaultMaking;
import io.stillpoint.vault.pack.ZstdLibrary;
import io.stillpoint.vault.point.Clocks;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.point.Points;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.point.SealedPoint;
import io.stillpoint.vault.point.VaultClock;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.prune.Pruner;
import io.stillpoint.vault.read.Contents;
import io.stillpoint.vault.read.DiskRestore;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.IntakeProgress;
import io.stillpoint.vault.session.SessionRecord;
import io.stillpoint.vault.session.VaultParts;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.RescueStore;
import io.stillpoint.vault.store.Uses;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.tree.TreeDifference;
import io.stillpoint.vault.tree.TreeShape;
import io.stillpoint.vault.verify.Verification;
import io.stillpoint.vault.verify.Verifier;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// An open vault: where recovery points are made, listed, verified and restored from. The index is opened when it
/// is first needed. Safe for use by several threads, for any number of sessions, restores, verifications and prunes at
/// once, and for months; several processes may use one vault at once.
///
/// Nobody waits for a store's answer that somebody else has asked for, unless it is about the same object, or would have
/// been asked for anyway (`docs/locking.md`, "In one process"). What is kept in memory is bounded by
/// [CacheBounds][io.stillpoint.vault.store.CacheBounds].
public final class Vault implements AutoCloseable {
    /// The code of a refusal: the point that is asked for is forgotten.
    public static final String POINT_FORGOTTEN = "vault.point-forgotten";

    /// For how long [#close()] waits.
    private static final Duration CLOSING_MAX = Duration.ofMinutes(10);

    /// How many points of one beginning are enough to say that it is not one.
    private static final int MATCHES_MAX = 100;

    private final VaultHeader header;
    private final KeySlots keySlots;
    private final Contents contents;
    private final Points points;
    private final Records records;
    private final VaultClock clock;
    private final VaultParts parts;

    private Vault(
            ObjectStore store,
            Unlocked unlocked,
            Surroundings surroundings,
            Consumer<VaultException> unreadable) {
        header = unlocked.header();
        Randomness randomness = surroundings.randomness();
        keySlots = KeySlots.of(store, unlocked, surroundings.clock(), randomness);
        records = new Records(store, unlocked.keys(), unreadable);
        clock = new VaultClock(store.description(), records, surroundings.clock(), randomness);
        points = new Points(store, unlocked.keys(), records, randomness, clock);
        VaultSettings settings = surroundings.settings();
        contents =
                new Contents(store, unlocked.keys(), records, randomness, surroundings.process());
        parts = new VaultParts(header.id(), contents, points, records, clock, randomness, settings);
    }

    /// What a vault gets from the process that opens it.
    ///
    /// @param clock this machine's
    /// @param process what this vault's jobs share with all others of the process
    /// @param settings of all who work on the vault and say nothing else
    public record Surroundings(
            Randomness randomness,
            InstantSource clock,
            ProcessResources process,
            VaultSettings settings) {
        /// With the usual settings.
        public Surroundings(Randomness randomness, InstantSource clock, ProcessResources process) {
            this(randomness, clock, process, VaultSettings.DEFAULT);
        }
    }

    /// Makes a new vault; it exists when this returns. Throws kind `EXISTS` as [#requireNone] does, `KEY_FILE` if the
    /// passphrase won't do.
    public static Vault init(ObjectStore store, Credential credential, Surroundings surroundings) {
        Unlocked made =
                VaultMaking.make(
                        store, credential, surroundings.randomness(), surroundings.clock());
        return new Vault(store, made, surroundings, _ -> {});
    }

    /// Throws kind `EXISTS` if anything lies where the vault would be made: a vault, what is left of one, or something of others.
    public static void requireNone(ObjectStore store) {
        VaultMaking.requireNone(store);
    }

    /// Makes sure that the native library is there without which no vault can be read or written. Throws a
    /// [MachineException][io.stillpoint.platform.MachineException] if it can't be loaded.
    public static void requireLibrary() {
        ZstdLibrary.load();
    }

    /// Opens a vault. Throws kinds `NOT_A_VAULT`, `WRONG_KEY`, `TOO_NEW`, `DAMAGED`.
    public static Vault open(ObjectStore store, Credential credential, Surroundings surroundings) {
        return new Vault(store, Unlocked.by(credential, store), surroundings, _ -> {});
    }

    /// Opens a vault that may be damaged, to list, verify and restore what is left of it and nothing else; it is never
    /// written to. Records that can't be read count as if they were not there. Throws as [#open] does.
    ///
    /// @param unreadable is told of such records, perhaps more than once
    public static Vault rescue(
            RescueStore store,
            Credential credential,
            Surroundings surroundings,
            Consumer<VaultException> unreadable) {
        return new Vault(store, Unlocked.by(credential, store), surroundings, unreadable);
    }

    /// Records met so far that no holder of the key made, or that are damaged, each once: kinds `DAMAGED`, `TOO_NEW`. They
    /// were passed over; [#verify] names all that there are.
    public List<VaultException> junk() {
        return records.junk();
    }

    /// The credentials that open this vault.
    public KeySlots keySlots() {
        return keySlots;
    }

    public ObjectId id() {
        return header.id();
    }

    /// What this host's clock and the store's show now.
    public Clocks clocks() {
        try (Uses.Use _ = contents.uses().begin("looking at the clocks")) {
            return clock.clocks();
        }
    }

    /// Until when something is locked that is locked from now on. Throws kind `REFUSED` if the clocks are too far apart to
    /// tell: a lock that a wrong clock made can't be taken back.
    public Instant lockedUntil(Duration lock) {
        try (Uses.Use _ = contents.uses().begin("looking at the clocks")) {
            return clock.lockedUntil(lock);
        }
    }

    /// Where it lies, in the store's words.
    public String location() {
        return contents.location();
    }

    public Instant createdAt() {
        return header.createdAt();
    }

    /// All recovery points but forgotten ones, by VM, of each the oldest first. Those that can't be read are told by
    /// [#unreadablePoints].
    public List<RecoveryPoint> points() {
        try (Uses.Use _ = contents.uses().begin("listing points")) {
            return points.offered();
        }
    }

    /// Points that can't be read, and why: kind `DAMAGED` or `TOO_NEW`.
    public Map<ObjectId, VaultException> unreadablePoints() {
        try (Uses.Use _ = contents.uses().begin("listing points")) {
            return points.unreadable();
        }
    }

    /// Deletes a point that is damaged, so that pruning can go on; what only it reached is lost then. Throws kind `EXISTS` if
    /// it can be read, `TOO_NEW` if a newer program can read it.
    public void discard(ObjectId damagedPoint) {
        withReserve(
                "discarding a point",
                () -> {
                    points.discard(damagedPoint);
                    return true;
                });
    }

    /// Points that were forgotten and are not purged yet, by VM, of each the oldest first.
    public List<ForgottenPoint> forgotten() {
        try (Uses.Use _ = contents.uses().begin("listing points")) {
            return points.forgotten();
        }
    }

    /// The one forgotten point whose id begins with `prefix`. Throws kind `NOT_FOUND` as [#point] does.
    public ForgottenPoint forgottenPoint(String prefix) {
        try (Uses.Use _ = contents.uses().begin("looking for a point")) {
            List<RecoveryPoint> found = points.beginningWith(prefix, MATCHES_MAX);
            List<ForgottenPoint> forgotten =
                    found.stream().flatMap(point -> points.forgotten(point).stream()).toList();
            if (forgotten.isEmpty() && !found.isEmpty()) {
                throw new VaultException(
                        Kind.NOT_FOUND, "vault.not-forgotten", null, found.getFirst().id());
            }
            return one(forgotten, prefix);
        }
    }

    /// Forgets a point: it is not offered any more. Until `keep` has passed, by the later of the store's clock and this
    /// host's, it can be brought back; then [#prune] deletes it and what only it needs. Throws kinds `RETAINED` if it is
    /// locked, `EXISTS` if it is forgotten already.
    public ForgottenPoint forget(RecoveryPoint point, Duration keep) {
        return withReserve("forgetting a point", () -> points.forget(point, keep));
    }

    /// Has a forgotten point purged once `keep` has passed from now, if that is earlier than it would be. Returns until
    /// when it can be brought back. Throws kind `RETAINED` if it is locked.
    public ForgottenPoint purgeEarlier(ForgottenPoint point, Duration keep) {
        return withReserve("forgetting a point", () -> points.purgeEarlier(point, keep));
    }

    /// Brings a forgotten point back. Throws kind `NOT_FOUND` if it is too late.
    public void bringBack(ForgottenPoint point) {
        try (Uses.Use _ = contents.uses().begin("bringing a point back")) {
            points.bringBack(point);
        }
    }

    /// The point of this id, unless there is none, it can't be read, or it is forgotten.
    public Optional<RecoveryPoint> point(ObjectId id) {
        try (Uses.Use _ = contents.uses().begin("looking for a point")) {
            return points.offered(id);
        }
    }

    /// The one point whose id begins with `prefix`. Throws kind `NOT_FOUND` if there is none or more than one, with the
    /// code [#POINT_FORGOTTEN] if it is forgotten.
    public RecoveryPoint point(String prefix) {
        try (Uses.Use _ = contents.uses().begin("looking for a point")) {
            List<RecoveryPoint> offered = new ArrayList<>();
            List<ForgottenPoint> forgotten = new ArrayList<>();
            for (RecoveryPoint point : points.beginningWith(prefix, MATCHES_MAX)) {
                points.forgotten(point).ifPresentOrElse(forgotten::add, () -> offered.add(point));
            }
            if (offered.isEmpty() && forgotten.isEmpty()) {
                requireNoneDamaged(prefix);
            }
            if (offered.isEmpty() && !forgotten.isEmpty()) {
                // So that nobody takes it for lost.
                ForgottenPoint each = forgotten.getFirst();
                throw new VaultException(
                        Kind.NOT_FOUND, POINT_FORGOTTEN, null, each.point().id(), each.purgeAt());
            }
            return one(offered, prefix);
        }
    }

    /// A point that can't be read is no point that is not there.
    private void requireNoneDamaged(String prefix) {
        points.unreadable()
                .forEach((id, damage) -> {
                    if (id.toString().startsWith(prefix)) {
                        throw damage;
                    }
                });
    }

    private <T> T one(List<T> found, String prefix) {
        if (found.size() != 1) {
            throw new VaultException(
                    Kind.NOT_FOUND,
                    found.isEmpty() ? "vault.no-such-point" : "vault.ambiguous-point",
                    null,
                    contents.location(),
                    prefix,
                    found.size());
        }
        return found.getFirst();
    }

    /// Points of a VM, the oldest first, but forgotten ones. What it costs grows with this VM's points alone.
    public List<RecoveryPoint> points(String vm) {
        try (Uses.Use _ = contents.uses().begin("listing points")) {
            return points.offered(vm);
        }
    }

    /// The newest point of a VM, by lineage. What it costs does not grow with the vault.
    public Optional<RecoveryPoint> newest(String vm) {
        try (Uses.Use _ = contents.uses().begin("looking for a point")) {
            return points.newest(vm);
        }
    }

    /// Makes entries that the catalogue of points by VM lacks, so that what was lost of it misleads nobody. Lists all points.
    public void completeCatalogue() {
        try (Uses.Use _ = contents.uses().begin("completing the catalogue")) {
            points.complete();
        }
    }

    /// Has new points of a VM get ordinals above one that was seen, though the point that had it may be gone.
    public void numberAbove(String vm, long ordinal) {
        try (Uses.Use _ = contents.uses().begin("looking for a point")) {
            points.numberAbove(vm, ordinal);
        }
    }

    /// Begins a backup with the vault's settings.
    ///
    /// @param base the point that the new one builds on, if there is one; see [BackupSession#base]
    public BackupSession backup(
            Optional<RecoveryPoint> base, Cancellation cancellation, IntakeProgress progress) {
        return backup(parts.settings(), base, cancellation, progress);
    }

    /// Begins a backup with settings of its own.
    public BackupSession backup(
            VaultSettings settings,
            Optional<RecoveryPoint> base,
            Cancellation cancellation,
            IntakeProgress progress) {
        JobShare job = begin(BackupSession.leastMemory(settings), cancellation);
        return BackupSession.open(new BackupSession.Terms(parts, settings, job, progress), base);
    }

    /// Goes on with a backup whose process has died or has let go of it, before anything was sealed. What it stored is not stored
    /// again. Throws kind `OVERTAKEN` if the session is over: then only a new backup helps.
    public BackupSession resume(
            SessionRecord record, Cancellation cancellation, IntakeProgress progress) {
        JobShare job = begin(BackupSession.leastMemory(parts.settings()), cancellation);
        return BackupSession.resume(
                new BackupSession.Terms(parts, parts.settings(), job, progress), record);
    }

    /// Makes a point that was sealed before the process died, or finds it made. Throws as [BackupSession#commit] does.
    ///
    /// @param journal see [BackupSession#commit]
    public BackupSession.Committed commit(
            SealedPoint sealed, Cancellation cancellation, Consumer<SealedPoint> journal) {
        try (Uses.Use _ = contents.uses().begin("making a point");
                JobShare job = begin(0, cancellation)) {
            return BackupSession.commit(
                    new BackupSession.Terms(parts, parts.settings(), job, (_, _) -> {}),
                    sealed,
                    journal);
        }
    }

    /// Copies points of this vault to another one; see [VaultCopy].
    ///
    /// @param lock for how long from now the copies can't be forgotten
    public VaultCopy copyTo(
            Vault other,
            Optional<Duration> lock,
            Cancellation cancellation,
            IntakeProgress progress) {
        return new VaultCopy(parts, other.parts, lock, cancellation, progress);
    }

    /// Mends this vault from a copy of it; see [VaultRepair].
    public VaultRepair repairFrom(Vault copy, Cancellation cancellation, IntakeProgress progress) {
        return new VaultRepair(parts, copy.parts, cancellation, progress);
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
        try (Uses.Use _ = contents.uses().begin("a restore");
                JobShare job = begin(DiskRestore.LEAST_MEMORY, cancellation);
                CipherWarmUp warmUp = CipherWarmUp.start(contents.process().threads())) {
            new DiskRestore(contents, warmUp, job, progress, losses).run(image, target);
        }
    }

    /// How much of a disk is not zeros, in whole chunks; of what can't be read nothing counts. Reads all of the disk's map.
    public long dataBytes(DiskImage image) {
        try (Uses.Use _ = contents.uses().begin("measuring a disk")) {
            if (image.root() == null || image.size() == 0) {
                return 0;
            }
            AtomicLong chunks = new AtomicLong();
            TreeShape shape = image.shape();
            new TreeDifference(contents.nodes())
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
        try (Uses.Use _ = contents.uses().begin("a verification");
                JobShare job = begin(Verifier.LEAST_MEMORY, cancellation);
                CipherWarmUp warmUp = CipherWarmUp.start(contents.process().threads())) {
            return new Verifier(
                            parts, keySlots, sampleBytes, warmUp, new Verifier.Watch(job, progress))
                    .run();
        }
    }

    /// Notes in the vault what a verification found damaged, so that backups store again what lay there and rely on it
    /// no longer. Does nothing if that is known.
    public void quarantine(Verification found) {
        try (Uses.Use _ = contents.uses().begin("noting damage")) {
            contents.quarantine(found.damagedFrames());
        }
    }

    /// Deletes what no point needs any more, in two steps: this run deletes what earlier ones condemned, and condemns for
    /// later ones. Other processes go on with whatever they do. Throws kinds `DAMAGED`, `MISSING`, `TOO_NEW` and
    /// deletes no pack if something that a point needs can't be read, since then it is unknown what else the point needs.
    public PruneResult prune(PruneRules rules, Cancellation cancellation) {
        return withReserve(
                "a prune",
                () -> {
                    try (JobShare job = begin(Pruner.leastMemory(parts.settings()), cancellation)) {
                        return new Pruner(parts, rules, job).run();
                    }
                });
    }

    private JobShare begin(long least, Cancellation cancellation) {
        return contents.process().begin(least, cancellation);
    }

    /// What makes room may use the room that is kept back for it.
    private <T> T withReserve(String what, Supplier<T> work) {
        try (Uses.Use _ = contents.uses().begin(what)) {
            contents.store().useReserve(true);
            try {
                return work.get();
            } finally {
                contents.store().useReserve(false);
            }
        }
    }

    /// What differs between two disks, ascending.
    public void difference(DiskImage before, DiskImage after, ChunkVisitor visitor) {
        try (Uses.Use _ = contents.uses().begin("comparing disks")) {
            new TreeDifference(contents.nodes())
                    .walk(
                            before.root(),
                            before.shape(),
                            after.root(),
                            after.shape(),
                            (chunk, _, _) -> visitor.chunk(chunk));
        }
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
        try (Uses.Use _ = contents.uses().begin("counting")) {
            long[] packFacts = count(Area.PACKS);
            long[] segmentFacts = count(Area.INDEX);
            return new Facts(
                    (int) count(Area.POINTS)[0],
                    packFacts[0],
                    packFacts[1],
                    segmentFacts[0],
                    segmentFacts[1],
                    contents.index().entries());
        }
    }

    private long[] count(Area area) {
        long[] counts = new long[2];
        contents.store()
                .list(
                        area,
                        listed -> {
                            counts[0]++;
                            counts[1] += listed.size();
                        });
        return counts;
    }

    /// For tests.
    VaultParts parts() {
        return parts;
    }

    /// What goes on in this vault now, in words.
    public List<String> uses() {
        return contents.uses().names();
    }

    /// Closes the vault when nothing goes on in it any more; waits for that, but not for ever. Nothing new begins meanwhile: it
    /// fails with kind `OVERTAKEN`.
    ///
    /// Throws [IllegalStateException], which names what goes on, if that takes too long, or at once if this thread itself has left
    /// a session open, since then nobody would end it. The vault stays open then for those who use it, and this may be called
    /// again. Throws [CancelledException][io.stillpoint.platform.CancelledException] if interrupted while it waits.
    public void close(Duration patience) {
        contents.uses().end(patience);
        contents.close();
    }

    /// As above, for ten minutes.
    @Override
    public void close() {
        close(CLOSING_MAX);
    }
}
