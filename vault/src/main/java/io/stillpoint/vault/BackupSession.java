package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Workers;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.crypto.ObjectKind;
import io.stillpoint.vault.index.ItemIndex;
import io.stillpoint.vault.pack.PackWriter;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectStore;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Stores disks and makes a recovery point of them. Nothing of it is visible before [#commit] returns; a session
/// that is closed without leaves only packs that the next one uses or pruning removes. For one thread at a
/// time; uses all cores.
public final class BackupSession implements AutoCloseable {
    private static final int DATA_PACK = 32 << 20;
    private static final int METADATA_PACK = 8 << 20;

    private final Vault vault;
    private final ItemIndex index;
    private final Claims claims;
    private final NodeStore nodes;
    private final PackWriter data;
    private final PackWriter metadata;
    private final NodeSink nodeSink;
    private final Cancellation cancellation;
    private final IntakeProgress progress;
    private final CipherWarmUp warmUp;

    BackupSession(Vault vault, Cancellation cancellation, IntakeProgress progress) {
        this.vault = vault;
        this.cancellation = cancellation;
        this.progress = progress;
        warmUp = CipherWarmUp.start();
        index = vault.index();
        index.adoptUnlisted();
        claims = new Claims(index);
        nodes = vault.nodes();
        data = writer(ObjectKind.DATA_PACK, DATA_PACK);
        metadata = writer(ObjectKind.METADATA_PACK, METADATA_PACK);
        nodeSink = new NodeSink(metadata, claims, index.lookup(), vault.keys());
    }

    private PackWriter writer(ObjectKind kind, int capacity) {
        return new PackWriter(
                vault.store(), vault.keys(), kind, capacity, vault.randomness(), claims::durable);
    }

    /// Stores disks, all at once. Throws what a source or the store failed with.
    public List<StoredDisk> store(List<DiskInput> inputs) {
        List<DiskIntake> disks =
                inputs.stream()
                        .map(input -> new DiskIntake(input, nodes, nodeSink, progress))
                        .toList();
        Deque<DiskIntake> turns = new ArrayDeque<>(disks);
        Workers.run(Runtime.getRuntime().availableProcessors(), "backup", () -> work(turns));
        return disks.stream().map(DiskIntake::finish).toList();
    }

    private void work(Deque<DiskIntake> turns) throws InterruptedException {
        try (IntakeWorker worker =
                new IntakeWorker(
                        data, nodes, nodeSink, claims, index.lookup(), vault.keys(), warmUp)) {
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
                    new CleanSample(nodes, vault.keys(), vault.randomness())
                            .holds(input.source(), changed);
        };
    }

    /// Makes everything stored durable, then the recovery point. The point exists when this returns, and never if
    /// this throws, but for a store that fails after it has written.
    public RecoveryPoint commit(PointDraft draft) {
        nodeSink.finish();
        data.finish();
        metadata.finish();
        index.flush();
        cancellation.check();
        RecoveryPoint point =
                new RecoveryPoint(
                        ObjectId.random(vault.randomness()),
                        draft.vm(),
                        draft.configuration(),
                        draft.startedAt(),
                        draft.snapshotAt(),
                        vault.clock().instant(),
                        draft.consistency(),
                        draft.consistencyReason(),
                        draft.frozenMillis(),
                        draft.disks(),
                        data.storedBytes() + metadata.storedBytes() + index.writtenBytes(),
                        draft.writer());
        byte[] object = new PointCodec(vault.keys(), vault.store().description()).encode(point);
        try (ObjectStore.Upload upload =
                vault.store().create(new ObjectName(ObjectName.Area.POINTS, point.id()))) {
            upload.write(object, 0, object.length);
            upload.commit();
        }
        merge();
        return point;
    }

    /// Housekeeping comes after the commit: should it fail, the point stands and the next backup tries again. To throw
    /// would have the caller drop what belongs to the point. Damage that it meets is verification's to tell.
    private void merge() {
        try {
            index.merge();
        } catch (VaultException _) {
            // Nothing is lost: segments are deleted only once what replaces them is durable.
        }
    }

    @Override
    public void close() {
        warmUp.close();
        data.close();
        metadata.close();
        nodeSink.close();
    }
}
