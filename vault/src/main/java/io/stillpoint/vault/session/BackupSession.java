package io.stillpoint.vault.session;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.MemoryBudget;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.Workers;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.PackWriter;
import io.stillpoint.vault.point.Lineage;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.read.ChunkReader;
import io.stillpoint.vault.read.DamageSearch;
import io.stillpoint.vault.read.NodeStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Stores disks and makes a recovery point of them. Nothing of it is visible before [#commit] returns; a session
/// that is closed without leaves only packs that the next one uses or pruning removes. For one thread at a
/// time; uses all cores.
public final class BackupSession implements AutoCloseable {
    /// How many names of points to try if others keep taking them.
    private static final int NAMES_MAX = 3;

    private final VaultParts parts;
    private final VaultSettings settings;
    private final SessionGuard guard;
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
    private final List<RecoveryPoint> before;
    private @Nullable VaultException unfinished;

    private BackupSession(
            VaultParts parts,
            VaultSettings settings,
            SessionGuard guard,
            Optional<RecoveryPoint> base,
            Cancellation cancellation,
            IntakeProgress progress) {
        this.parts = parts;
        this.settings = settings;
        this.guard = guard;
        this.cancellation = cancellation;
        this.progress = progress;
        before = parts.points().all();
        warmUp = CipherWarmUp.start();
        index = parts.contents().refreshedIndex();
        index.adoptUnlisted();
        nodes = parts.contents().nodes();
        baseIsDamaged = base.isPresent() && reachesDamage(base.get());
        this.base = baseIsDamaged ? Optional.empty() : base;
        claims = new Claims(index);
        data = parts.packWriter(settings, ObjectKind.DATA_PACK, claims::durable);
        metadata = parts.packWriter(settings, ObjectKind.METADATA_PACK, claims::durable);
        nodeSink =
                new NodeSink(
                        metadata, claims, index.lookup(guard.avoided()), parts.contents().keys());
    }

    /// @param base the point to build on, if there is one
    public static BackupSession open(
            VaultParts parts,
            VaultSettings settings,
            Optional<RecoveryPoint> base,
            Cancellation cancellation,
            IntakeProgress progress) {
        Set<ObjectId> bases = base.map(point -> Set.of(point.id())).orElse(Set.of());
        SessionGuard guard = SessionGuard.open(parts, settings.patience(), bases);
        try {
            // Only now: whoever purges a point looks for sessions that build on it before.
            Optional<RecoveryPoint> usable =
                    base.filter(point -> !parts.records().isForgotten(point.id()))
                            .flatMap(point -> parts.points().byId(point.id()));
            parts.contents().mergeInBackground();
            return new BackupSession(parts, settings, guard, usable, cancellation, progress);
        } catch (RuntimeException | Error e) {
            guard.close();
            throw e;
        }
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
        long each = IntakeWorker.MEMORY + (settings.differences() ? ChunkReader.MEMORY : 0);
        try (MemoryBudget.Shares shares =
                        MemoryBudget.ofProcess().take(1, settings.workers(), each);
                Cancellation.Scope _ = cancellation.interruptible()) {
            Workers.run(shares.count(), "backup", () -> work(turns));
        }
        return disks.stream().map(DiskIntake::finish).toList();
    }

    private void work(Deque<DiskIntake> turns) throws InterruptedException {
        try (IntakeWorker worker =
                new IntakeWorker(
                        data,
                        nodes,
                        nodeSink,
                        claims,
                        index.lookup(guard.avoided()),
                        parts.contents().keys(),
                        warmUp,
                        settings.differences()
                                ? new ChunkReader(parts.contents(), index.lookup(guard.avoided()))
                                : null,
                        settings.frame())) {
            DiskIntake.Unit unit;
            while ((unit = next(turns)) != null) {
                worker.process(unit);
                cancellation.check();
            }
            worker.finish();
        }
    }

    /// The next unit of the disk whose turn it is.
    private static DiskIntake.@Nullable Unit next(Deque<DiskIntake> turns)
            throws InterruptedException {
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
        index.flush();
    }

    /// Makes everything stored durable, then the recovery point. The point exists when this returns, whatever else went
    /// wrong (see [#unfinished]), and never if this throws, but for a store that does not tell: then the message says so.
    /// Throws kind `OVERTAKEN` if the session was taken for dead.
    public RecoveryPoint commit(PointDraft draft) {
        flush();
        cancellation.check();
        RecoveryPoint point = commit(draft, 1);
        retain(point);
        return point;
    }

    private RecoveryPoint commit(PointDraft draft, int attempt) {
        RecoveryPoint point = point(draft);
        guard.committing();
        if (parts.points().commit(point)) {
            guard.committed();
            return point;
        }
        // Somebody who can write to the store took the name; who only adds can't know the next one
        // before it is promised.
        guard.promiseAnother();
        if (attempt == NAMES_MAX) {
            throw new VaultException(
                    VaultException.Kind.OVERTAKEN,
                    "vault.name-taken",
                    null,
                    parts.contents().location(),
                    new ObjectName(ObjectName.Area.POINTS, point.id()),
                    attempt);
        }
        return commit(draft, attempt + 1);
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
                draft.copiedFrom(),
                draft.lineage().orElseGet(() -> next(draft.vm())));
    }

    /// Has the store keep what the point needs. From here on nothing may throw: the point exists.
    private void retain(RecoveryPoint point) {
        if (point.lockedUntil().isEmpty()) {
            return;
        }
        try {
            new Retention(parts, cancellation).extend(List.of(point));
        } catch (CancelledException e) {
            unfinished = new VaultException(Kind.STORE, "vault.lock-cancelled", e, point.id());
        } catch (StillpointException e) {
            unfinished =
                    new VaultException(
                            Kind.STORE, "vault.lock-failed", e, point.id(), e.getMessage());
        }
    }

    /// What did not succeed after the point was made: the store may not yet keep it from being deleted. Prune does it
    /// later.
    public Optional<VaultException> unfinished() {
        return Optional.ofNullable(unfinished);
    }

    /// After all points that the VM had when the session began: forgotten ones may be brought back.
    private Lineage next(String vm) {
        return Lineage.after(
                before.stream()
                        .filter(point -> point.vm().equals(vm))
                        .max(RecoveryPoint.OLDEST_FIRST),
                parts.points().highestOrdinal(vm));
    }

    @Override
    public void close() {
        warmUp.close();
        data.close();
        metadata.close();
        nodeSink.close();
        // Last: until then what is stored here may still become a point.
        guard.close();
    }
}
