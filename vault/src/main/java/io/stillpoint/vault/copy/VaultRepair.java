package io.stillpoint.vault.copy;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.crypto.CipherWarmUp;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.read.ChunkReader;
import io.stillpoint.vault.read.ChunkReaders;
import io.stillpoint.vault.read.DiskRestore;
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
import io.stillpoint.vault.verify.Verification;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/// Mends recovery points from a copy of the vault. Since items are found by what they hold, to store a sound disk again
/// brings back whatever is lost of it, for every point that shares it; no point is changed.
public final class VaultRepair {
    private final VaultParts damaged;
    private final VaultParts copy;
    private final Cancellation cancellation;
    private final IntakeProgress progress;

    public VaultRepair(
            VaultParts damaged,
            VaultParts copy,
            Cancellation cancellation,
            IntakeProgress progress) {
        this.damaged = damaged;
        this.copy = copy;
        this.cancellation = cancellation;
        this.progress = progress;
    }

    /// What came of it.
    ///
    /// @param mended points that can be restored again
    /// @param problems what could not be mended, and why
    public record Outcome(List<ObjectId> mended, List<Text> problems) {}

    /// Puts what a verification found into quarantine and stores again, from the copy, what damaged points need.
    public Outcome run(Verification found) {
        try (Uses.Use _ = damaged.contents().uses().begin("a repair");
                Uses.Use _ = copy.contents().uses().begin("a repair")) {
            return mend(found);
        }
    }

    private Outcome mend(Verification found) {
        damaged.contents().quarantine(found.damagedFrames());
        List<ObjectId> mended = new ArrayList<>();
        Map<RecoveryPoint, List<Text>> failed = new LinkedHashMap<>();
        for (ObjectId id : found.damagedPoints()) {
            RecoveryPoint point = damaged.points().byId(id).orElse(null);
            if (point == null) {
                continue;
            }
            List<Text> problems = new ArrayList<>();
            Optional<RecoveryPoint> counterpart = counterpart(point);
            if (counterpart.isEmpty()) {
                problems.add(text("vault.repair-no-copy", id, copy.contents().location()));
            } else if (mend(point, counterpart.get(), problems)) {
                mended.add(id);
                continue;
            }
            failed.put(point, problems);
        }
        List<Text> problems = new ArrayList<>();
        failed.forEach((point, why) -> {
            // What it shares with points that were mended may be all that it lacked.
            if (isWhole(point)) {
                mended.add(point.id());
            } else {
                problems.addAll(why);
            }
        });
        return new Outcome(mended, problems);
    }

    /// Reads all of it, and checks each chunk.
    private boolean isWhole(RecoveryPoint point) {
        damaged.contents().refreshedIndex();
        JobShare job = damaged.contents().process().begin(DiskRestore.LEAST_MEMORY, cancellation);
        try (job;
                CipherWarmUp warmUp = CipherWarmUp.start(job.threads())) {
            for (PointDisk disk : point.disks()) {
                new DiskRestore(damaged.contents(), warmUp, job, _ -> {}, Losses.REFUSED)
                        .run(disk.image(), new Nowhere(disk.image().size()));
            }
            return true;
        } catch (VaultException e) {
            e.requireDamage();
            return false;
        }
    }

    /// Takes what a restore writes, and keeps nothing.
    private record Nowhere(long size) implements BlockTarget {
        @Override
        public void write(long offset, byte[] from, int at, int length) {}

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(VaultException.class, code, arguments);
    }

    private Optional<RecoveryPoint> counterpart(RecoveryPoint point) {
        return copy.points().offered().stream().filter(other -> isSame(point, other)).findFirst();
    }

    /// Whether one is a copy of the other, by `vault copy` or of the store's files.
    private boolean isSame(RecoveryPoint point, RecoveryPoint other) {
        boolean isOneVault = damaged.id().equals(copy.id());
        return (isOneVault && point.id().equals(other.id()))
                || other.copiedFrom().filter(of -> of.is(damaged.id(), point.id())).isPresent()
                || point.copiedFrom().filter(of -> of.is(copy.id(), other.id())).isPresent();
    }

    private boolean mend(RecoveryPoint point, RecoveryPoint sound, List<Text> problems) {
        long least = BackupSession.leastMemory(damaged.settings()) + ChunkReader.MEMORY;
        JobShare job = damaged.contents().process().begin(least, cancellation);
        try (BackupSession session =
                BackupSession.open(
                        new BackupSession.Terms(damaged, damaged.settings(), job, progress),
                        Optional.empty())) {
            boolean isWhole = true;
            for (PointDisk disk : point.disks()) {
                PointDisk other = sound.disk(disk.name()).orElse(null);
                isWhole &= other != null && mend(session, job, disk, other, problems);
            }
            session.flush();
            return isWhole;
        }
    }

    private boolean mend(
            BackupSession session,
            JobShare job,
            PointDisk disk,
            PointDisk other,
            List<Text> problems) {
        try (ChunkReaders readers = new ChunkReaders(copy.contents(), job);
                BlockSource source = new VaultDisk(copy.contents(), other.image(), readers)) {
            StoredDisk stored =
                    session.store(
                                    List.of(
                                            new DiskInput(
                                                    disk.name(),
                                                    source,
                                                    new Scan.Everything(Optional.empty()))))
                            .getFirst();
            boolean isSame = Objects.equals(stored.image().root(), disk.image().root());
            if (!isSame) {
                problems.add(text("vault.repair-differs", disk.name(), copy.contents().location()));
            }
            return isSame;
        } catch (VaultException e) {
            e.requireDamage();
            problems.add(e.text());
            return false;
        }
    }
}
