package io.stillpoint.vault.copy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Crew;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.Processors;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.PointOrigin;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.read.ChunkReader;
import io.stillpoint.vault.read.ChunkReaders;
import io.stillpoint.vault.read.ChunkRuns;
import io.stillpoint.vault.read.VaultDisk;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.IntakeProgress;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultParts;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.Uses;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Copies recovery points from one vault to another, which has a key, a store and a retention of its own. Only what
/// differs from the point copied before moves; what was interrupted is taken up again, since the packs that it stored are
/// found. Each copied disk is read back from the other vault and compared before its point is made.
public final class VaultCopy {
    private static final int PIECE = 1 << 20;

    private final VaultParts from;
    private final VaultParts to;
    private final Optional<Duration> lock;
    private final Cancellation cancellation;
    private final IntakeProgress progress;

    /// @param lock for how long from now the copies can't be forgotten
    public VaultCopy(
            VaultParts from,
            VaultParts to,
            Optional<Duration> lock,
            Cancellation cancellation,
            IntakeProgress progress) {
        this.lock = lock;
        this.from = from;
        this.to = to;
        this.cancellation = cancellation;
        this.progress = progress;
        if (from.id().equals(to.id())) {
            throw new VaultException(
                    Kind.EXISTS, "vault.copy-of-itself", null, to.contents().location());
        }
    }

    /// The points that the other vault lacks, by VM, of each the oldest first. Whichever of them were copied first: those
    /// that it has, or had until its own retention removed them, do not count, and nothing else does.
    public List<RecoveryPoint> missing() {
        try (Uses.Use _ = from.contents().uses().begin("a copy");
                Uses.Use _ = to.contents().uses().begin("a copy")) {
            Set<ObjectId> had = had(to.points().all());
            return from.points().offered().stream()
                    .filter(point -> !had.contains(point.id()))
                    .toList();
        }
    }

    /// The points of this vault of which the other one has a copy, or had one that a later copy tells of.
    private Set<ObjectId> had(List<RecoveryPoint> copies) {
        Set<ObjectId> had = new HashSet<>();
        for (RecoveryPoint copy : copies) {
            copy.copiedFrom()
                    .filter(origin -> origin.vault().equals(from.id()))
                    .ifPresent(origin -> {
                        had.add(origin.point());
                        had.addAll(origin.had());
                    });
        }
        return had;
    }

    /// What the copy of a point must tell of others, so that they are known though their copies are gone: those of its VM
    /// that still exist here. What does not will never be asked for.
    private Set<ObjectId> hadBeside(RecoveryPoint point) {
        Set<ObjectId> beside = new HashSet<>();
        from.points().all(point.vm()).stream()
                .map(RecoveryPoint::id)
                .filter(id -> !id.equals(point.id()))
                .forEach(beside::add);
        beside.retainAll(had(to.points().all(point.vm())));
        return beside;
    }

    /// Copies one point, unless another process has done so since. Its copy stands when this returns. Throws kind `DAMAGED` if
    /// the other vault gives back something else than was stored; no point is made then.
    public RecoveryPoint copy(RecoveryPoint point) {
        try (Uses.Use _ = from.contents().uses().begin("a copy");
                Uses.Use _ = to.contents().uses().begin("a copy")) {
            List<RecoveryPoint> there = copiesOf(point);
            return there.isEmpty() ? withoutTwins(copy(point, pair(point))) : there.getFirst();
        }
    }

    /// The copies of a point, in an order that all processes agree on.
    private List<RecoveryPoint> copiesOf(RecoveryPoint point) {
        return to.points().offered(point.vm()).stream()
                .filter(copy ->
                        copy.copiedFrom()
                                .filter(origin -> origin.vault().equals(from.id()))
                                .filter(origin -> origin.point().equals(point.id()))
                                .isPresent())
                .sorted(Comparator.comparing(RecoveryPoint::id))
                .toList();
    }

    /// Nobody waits for anybody, so two processes may have copied a point at once. Whoever sees two copies forgets all but
    /// the first; who made the last of them does. Those that are locked stay.
    private RecoveryPoint withoutTwins(Copied copied) {
        List<RecoveryPoint> copies = copiesOf(copied.point);
        for (RecoveryPoint twin : copies.subList(Math.min(1, copies.size()), copies.size())) {
            try {
                ForgottenPoint _ = to.points().forget(twin, Duration.ZERO);
            } catch (VaultException e) {
                // The other process may have been quicker.
                if (e.kind() != Kind.RETAINED && e.kind() != Kind.EXISTS) {
                    throw e;
                }
            }
        }
        return copies.isEmpty() ? copied.copy : copies.getFirst();
    }

    /// A point and the copy that was made of it.
    private record Copied(RecoveryPoint point, RecoveryPoint copy) {}

    private Copied copy(RecoveryPoint point, Optional<Pair> pair) {
        List<BlockSource> sources = new ArrayList<>();
        JobShare job = to.contents().process().begin(leastMemory(), cancellation);
        try (BackupSession session =
                        BackupSession.open(
                                new BackupSession.Terms(to, to.settings(), job, progress),
                                pair.map(Pair::copy));
                ChunkReaders readers = new ChunkReaders(from.contents(), job)) {
            List<DiskInput> inputs = new ArrayList<>();
            for (PointDisk disk : point.disks()) {
                BlockSource source = new VaultDisk(from.contents(), disk.image(), readers);
                sources.add(source);
                inputs.add(
                        new DiskInput(
                                disk.name(),
                                source,
                                scan(disk, pair.filter(_ -> session.base().isPresent()))));
            }
            List<StoredDisk> stored = session.store(inputs);
            session.flush();
            List<PointDisk> disks = new ArrayList<>();
            for (int i = 0; i < inputs.size(); i++) {
                compare(inputs.get(i), stored.get(i), job);
                disks.add(record(point.disks().get(i), inputs.get(i), stored.get(i)));
            }
            List<RecoveryPoint> there = copiesOf(point);
            return new Copied(
                    point,
                    there.isEmpty() ? session.commit(draft(point, disks)) : there.getFirst());
        } finally {
            sources.forEach(BlockSource::close);
        }
    }

    /// Of both vaults at once: a session, one reader here, and for the comparison one reader and one worker there.
    private long leastMemory() {
        return BackupSession.leastMemory(to.settings()) + 2 * ChunkReader.MEMORY + 2L * PIECE;
    }

    /// A point and its copy.
    private record Pair(RecoveryPoint original, RecoveryPoint copy) {}

    /// The newest of the VM's older points of which there is a copy, from which the least differs; if there is none, the
    /// oldest of the newer ones.
    private Optional<Pair> pair(RecoveryPoint point) {
        Map<ObjectId, RecoveryPoint> copies = new HashMap<>();
        for (RecoveryPoint copy : to.points().offered(point.vm())) {
            copy.copiedFrom()
                    .filter(origin -> origin.vault().equals(from.id()))
                    .ifPresent(origin -> copies.put(origin.point(), copy));
        }
        Pair nearest = null;
        for (RecoveryPoint original : from.points().offered(point.vm())) {
            RecoveryPoint copy = copies.get(original.id());
            boolean isOlder = RecoveryPoint.OLDEST_FIRST.compare(original, point) < 0;
            if (copy != null && (isOlder || nearest == null)) {
                nearest = new Pair(original, copy);
            }
        }
        return Optional.ofNullable(nearest);
    }

    private Scan scan(PointDisk disk, Optional<Pair> pair) {
        Optional<DiskImage> copied =
                pair.flatMap(each -> each.copy.disk(disk.name())).map(PointDisk::image);
        Optional<DiskImage> original =
                pair.flatMap(each -> each.original.disk(disk.name())).map(PointDisk::image);
        if (copied.isEmpty()
                || original.isEmpty()
                || copied.get().size() != disk.image().size()
                || original.get().size() != disk.image().size()) {
            return new Scan.Everything(copied);
        }
        return new Scan.Changed(
                copied.get(),
                () -> new ChunkRuns(from.contents().nodes(), original.get(), disk.image()));
    }

    /// Reads back what was stored and compares it with the original.
    private void compare(DiskInput input, StoredDisk stored, JobShare job) {
        try (ChunkReaders readers = new ChunkReaders(to.contents(), job);
                VaultDisk copy = new VaultDisk(to.contents(), stored.image(), readers)) {
            Iterator<Extent> ranges =
                    switch (input.scan()) {
                        case Scan.Everything _ -> input.source().dataExtents();
                        case Scan.Changed changed -> changed.ranges().get();
                    };
            Crew crew =
                    new Crew("compare", to.contents().process().processors().count(), 2L * PIECE);
            job.work(
                    crew,
                    worker -> {
                        byte[] expected = new byte[PIECE];
                        byte[] found = new byte[PIECE];
                        Extent range;
                        while (worker.goesOn() && (range = next(ranges)) != null) {
                            compare(input, range, copy, expected, found);
                        }
                    });
        }
    }

    private static @Nullable Extent next(Iterator<Extent> ranges) {
        synchronized (ranges) {
            return ranges.hasNext() ? ranges.next() : null;
        }
    }

    private void compare(
            DiskInput input, Extent range, VaultDisk copy, byte[] expected, byte[] found) {
        for (long at = range.offset(); at < range.end(); at += PIECE) {
            cancellation.check();
            Processors.pass();
            int length = (int) Math.min(PIECE, range.end() - at);
            input.source().read(at, expected, 0, length);
            copy.read(at, found, 0, length);
            if (!Arrays.equals(expected, 0, length, found, 0, length)) {
                throw new VaultException(
                        Kind.DAMAGED,
                        "vault.copy-differs",
                        null,
                        to.contents().location(),
                        input.name(),
                        Long.toString(at));
            }
        }
    }

    private static PointDisk record(PointDisk original, DiskInput input, StoredDisk stored) {
        boolean isIncremental = input.scan() instanceof Scan.Changed;
        return new PointDisk(
                original.name(),
                stored.image(),
                original.format(),
                // The source's bitmaps go with the original's points.
                Optional.empty(),
                isIncremental ? PointDisk.Method.INCREMENTAL : PointDisk.Method.FULL,
                isIncremental ? "" : "copy",
                stored.changedBytes(),
                stored.readBytes(),
                stored.newBytes());
    }

    private PointDraft draft(RecoveryPoint point, List<PointDisk> disks) {
        return new PointDraft(
                point.vm(),
                point.configuration(),
                point.startedAt(),
                point.snapshotAt(),
                point.consistency(),
                point.consistencyReason(),
                point.frozenMillis(),
                disks,
                point.writer(),
                lock.map(to.clock()::lockedUntil),
                Optional.of(new PointOrigin(from.id(), point.id(), hadBeside(point))),
                Optional.of(point.lineage()));
    }
}
