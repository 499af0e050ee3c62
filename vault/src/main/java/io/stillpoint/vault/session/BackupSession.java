package io.stillpoint.vault.session;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Crew;
import io.stillpoint.platform.JobShare;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.PackWriter;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.point.SealedPoint;
import io.stillpoint.vault.read.ChunkReader;
import io.stillpoint.vault.read.DamageSearch;
import io.stillpoint.vault.read.NodeStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.Uses;
import io.stillpoint.vault.store.VaultException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Stores disks and makes a recovery point of them. Nothing of it is visible before [#commit] returns; a session
/// that is closed without leaves only packs that the next one uses or pruning removes. For one thread at a
/// time; uses all cores.
public final class BackupSession implements AutoCloseable {
    private final VaultParts parts;
    private final VaultSettings settings;
    private final SessionGuard guard;
    private final JobShare job;
    private final Optional<RecoveryPoint> base;
    private final boolean baseIsDamaged;
    private final ItemIndex index;
    private final Claims claims;
    private final NodeStore nodes;
    private final PackWriter data;
    private final PackWriter metadata;
    private final NodeSink nodeSink;
    private final Cancellation cancellation;
    private final IntakeProgress progress;
    private final CipherWarmUp warmUp;
    private final Uses.Use use;
    private @Nullable VaultException unfinished;
    private boolean isIndexed;
    private boolean isClosed;

    private BackupSession(
            Terms terms,
            Uses.Use use,
            SessionGuard guard,
            Optional<RecoveryPoint> base,
            boolean isResumed) {
        parts = terms.parts;
        this.use = use;
        settings = terms.settings;
        job = terms.job;
        cancellation = job.cancellation();
        progress = terms.progress;
        this.guard = guard;
        warmUp = CipherWarmUp.start(job.threads());
        index = parts.contents().refreshedIndex();
        parts.contents().mergeInBackground();
        if (isResumed) {
            // Its own packs are among them.
            index.adoptUnlisted();
        } else {
            parts.contents().strays().adopt(index, parts.clock().instant());
        }
        nodes = parts.contents().nodes();
        baseIsDamaged = base.isPresent() && reachesDamage(base.get());
        this.base = baseIsDamaged ? Optional.empty() : base;
        claims = new Claims(index, isResumed);
        data = parts.packWriter(settings, ObjectKind.DATA_PACK, job, claims::durable);
        metadata = parts.packWriter(settings, ObjectKind.METADATA_PACK, job, claims::durable);
        nodeSink =
                new NodeSink(
                        metadata, claims, index.lookup(guard.avoided()), parts.contents().keys());
    }

    /// What a session can't work without, in bytes: a pack of each kind, and a worker.
    public static long leastMemory(VaultSettings settings) {
        return (long) settings.dataPack() + settings.metadataPack() + workerMemory(settings);
    }

    private static long workerMemory(VaultSettings settings) {
        return IntakeWorker.MEMORY + (settings.differences() ? ChunkReader.MEMORY : 0);
    }

    /// What a session works with.
    ///
    /// @param job with at least [#leastMemory] for the session alone, which closes it; its cancellation ends the session where
    ///     that is safe
    /// @param progress is told of what is read
    public record Terms(
            VaultParts parts, VaultSettings settings, JobShare job, IntakeProgress progress) {}

    /// @param base the point to build on, if there is one
    public static BackupSession open(Terms terms, Optional<RecoveryPoint> base) {
        Set<ObjectId> bases = base.map(point -> Set.of(point.id())).orElse(Set.of());
        return open(
                terms,
                () -> SessionGuard.open(terms.parts, terms.settings.patience(), bases),
                base.map(RecoveryPoint::id),
                false);
    }

    /// Takes up a session whose process has died or has let go of it; nothing of it was sealed. What it stored is not stored
    /// again. Throws kind `OVERTAKEN` if it is over.
    public static BackupSession resume(Terms terms, SessionRecord record) {
        return open(
                terms,
                () -> SessionGuard.resume(terms.parts, record.point(), false),
                record.base(),
                true);
    }

    private static BackupSession open(
            Terms terms,
            Supplier<SessionGuard> guarding,
            Optional<ObjectId> base,
            boolean isResumed) {
        VaultParts parts = terms.parts;
        Uses.Use use = null;
        SessionGuard guard = null;
        try {
            use = parts.contents().uses().begin("a backup");
            guard = guarding.get();
            // Only now: whoever purges a point looks for sessions that build on it before.
            Optional<RecoveryPoint> usable =
                    base.filter(point -> !parts.records().isForgotten(point))
                            .flatMap(parts.points()::byId);
            return new BackupSession(terms, use, guard, usable, isResumed);
        } catch (RuntimeException | Error e) {
            try {
                if (guard != null) {
                    guard.close();
                }
            } finally {
                if (use != null) {
                    use.close();
                }
                terms.job.close();
            }
            throw e;
        }
    }

    /// What another process needs to go on with this session. Known before anything is stored.
    public SessionRecord record() {
        return new SessionRecord(guard.point(), base.map(RecoveryPoint::id));
    }

    /// Lets go of the session without ending it: what was stored is durable and found, and another process can go on.
    public void detach() {
        flush();
        closeWriters();
        end(guard::detach);
    }

    /// Whether the point can't be restored whole, as far as is known. Costs nothing while no damage is known.
    private boolean reachesDamage(RecoveryPoint point) {
        return !index.damagedFrames().isEmpty()
                && new DamageSearch(nodes, index.lookup(guard.avoided())).isIn(point);
    }

    /// Whether the point asked for was refused because some of it is damaged. A backup that then reads everything stores
    /// again what it meets of that, which mends older points too.
    public boolean baseIsDamaged() {
        return baseIsDamaged;
    }

    /// The point to build on: the one asked for, unless it is damaged, or was forgotten or purged meanwhile.
    public Optional<RecoveryPoint> base() {
        return base;
    }

    /// Tells other processes at once that this session lives; it tells them every hour by itself.
    public void renew() {
        guard.renew();
    }

    /// Stores disks, all at once. Throws what a source or the store failed with.
    public List<StoredDisk> store(List<DiskInput> inputs) {
        List<DiskIntake> disks =
                inputs.stream()
                        .map(input -> new DiskIntake(input, nodes, nodeSink, progress))
                        .toList();
        Deque<DiskIntake> turns = new ArrayDeque<>(disks);
        IntakeWorker.Shared shared =
                new IntakeWorker.Shared(
                        data,
                        nodes,
                        nodeSink,
                        claims,
                        warmUp,
                        parts.contents().keys(),
                        settings.frame());
        Crew crew =
                new Crew(
                                "backup",
                                parts.contents().process().processors().count(),
                                workerMemory(settings))
                        .leaving(data.wanted() + metadata.wanted())
                        .resting(this::rest);
        try (Cancellation.Scope _ = cancellation.interruptible()) {
            job.work(crew, worker -> work(shared, turns, worker));
        }
        return disks.stream().map(DiskIntake::finish).toList();
    }

    /// Others get the memory; what is in packs is stored.
    private void rest() {
        data.rest();
        metadata.rest();
    }

    private void work(IntakeWorker.Shared shared, Deque<DiskIntake> turns, Crew.Worker member) {
        try (IntakeWorker worker =
                new IntakeWorker(
                        shared,
                        index.lookup(guard.avoided()),
                        settings.differences()
                                ? new ChunkReader(parts.contents(), index.lookup(guard.avoided()))
                                : null)) {
            DiskIntake.Unit unit;
            while (member.goesOn() && (unit = next(turns)) != null) {
                worker.process(unit);
                data.makeRoom();
                metadata.makeRoom();
                cancellation.check();
            }
            worker.finish();
        }
    }

    /// The next unit of the disk whose turn it is.
    private static DiskIntake.@Nullable Unit next(Deque<DiskIntake> turns) {
        while (true) {
            DiskIntake disk;
            synchronized (turns) {
                disk = turns.poll();
                if (disk == null) {
                    return null;
                }
                // Back in line before its unit is fetched, so that another worker never misses the
                // last disk.
                turns.add(disk);
            }
            DiskIntake.Unit unit = disk.next();
            if (unit != null) {
                return unit;
            }
            synchronized (turns) {
                turns.remove(disk);
            }
        }
    }

    /// Whether some ranges that the hypervisor calls unchanged are really as before. A sample, bounded however large
    /// the disk; a hypervisor that loses changes is found sooner or later, not at once.
    public boolean unchangedRangesHold(DiskInput input) {
        return switch (input.scan()) {
            case Scan.Everything _ -> true;
            case Scan.Changed changed ->
                    new CleanSample(nodes, parts.contents().keys(), parts.randomness())
                            .holds(input.source(), changed);
        };
    }

    /// Makes everything stored durable and lets others find it. Nothing can be stored afterwards.
    public void flush() {
        nodeSink.finish();
        data.finish();
        metadata.finish();
        index.flush(claims.packs());
        isIndexed = true;
    }

    /// Makes everything stored durable, then the recovery point. The point exists when this returns, whatever else went
    /// wrong (see [#unfinished]), and never if this throws, but for a store that does not tell: then the message says so.
    /// Throws kind `OVERTAKEN` if the session was taken for dead.
    public RecoveryPoint commit(PointDraft draft) {
        return commit(draft, _ -> {});
    }

    /// As above, by way of a journal.
    ///
    /// @param journal is given the sealed point before it is made, perhaps more than once if its name was taken; when it
    ///     returns the point is kept, so that it can be made by [#commit(Terms, SealedPoint, Consumer)] if this process dies
    public RecoveryPoint commit(PointDraft draft, Consumer<SealedPoint> journal) {
        flush();
        cancellation.check();
        Committed committed =
                new Commit(parts, guard, cancellation).run(point(draft), base, journal);
        unfinished = committed.unfinished().orElse(null);
        return committed.point();
    }

    /// A point that was made.
    ///
    /// @param unfinished what did not succeed afterwards: the store may not yet keep it from being deleted. Prune does it later
    public record Committed(RecoveryPoint point, Optional<VaultException> unfinished) {}

    /// Makes a point that was sealed, or finds it made: for a process that died in between. Throws as
    /// [#commit(PointDraft, Consumer)] does.
    public static Committed commit(Terms terms, SealedPoint sealed, Consumer<SealedPoint> journal) {
        VaultParts parts = terms.parts;
        RecoveryPoint point = parts.points().opened(sealed);
        if (parts.points().byId(point.id()).filter(point::equals).isPresent()) {
            return new Committed(point, Commit.keep(parts, point, terms.job.cancellation()));
        }
        try (SessionGuard guard = SessionGuard.resume(parts, sealed.id(), true)) {
            return new Commit(parts, guard, terms.job.cancellation()).run(sealed, journal);
        }
    }

    private RecoveryPoint point(PointDraft draft) {
        return new RecoveryPoint(
                guard.point(),
                draft.vm(),
                draft.configuration(),
                draft.startedAt(),
                draft.snapshotAt(),
                parts.clock().instant(),
                draft.consistency(),
                draft.consistencyReason(),
                draft.frozenMillis(),
                draft.disks(),
                data.storedBytes() + metadata.storedBytes() + claims.indexBytes(),
                draft.writer(),
                draft.lockedUntil(),
                Optional.empty(),
                draft.copiedFrom(),
                draft.lineage().orElseGet(() -> parts.points().next(draft.vm())));
    }

    /// What did not succeed after the point was made: the store may not yet keep it from being deleted. Prune does it
    /// later.
    public Optional<VaultException> unfinished() {
        return Optional.ofNullable(unfinished);
    }

    @Override
    public void close() {
        if (isClosed) {
            return;
        }
        try {
            closeWriters();
            index();
        } finally {
            end(guard::close);
        }
    }

    /// Last: until then what is stored here may still become a point.
    private void end(Runnable letGo) {
        isClosed = true;
        try {
            letGo.run();
        } finally {
            use.close();
        }
    }

    /// What was stored for nothing serves the next session if the index tells of it, or if this one's record says that there may be
    /// something to look for.
    private void index() {
        if (isIndexed || claims.packs().isEmpty()) {
            return;
        }
        try {
            index.flush(claims.packs());
        } catch (VaultException | CancelledException e) {
            guard.leave();
        }
    }

    private void closeWriters() {
        warmUp.close();
        data.close();
        metadata.close();
        nodeSink.close();
        job.close();
    }
}
