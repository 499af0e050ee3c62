package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.text.Messages;
import io.stillpoint.vault.VaultException.Kind;
import io.stillpoint.vault.store.ObjectId;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;

/// Mends recovery points from a copy of the vault. Since items are found by what they hold, to store a sound disk again
/// brings back whatever is lost of it, for every point that shares it; no point is changed.
public final class VaultRepair {
    private final Vault damaged;
    private final Vault copy;
    private final Cancellation cancellation;
    private final IntakeProgress progress;
    private final Messages messages = Messages.of(VaultRepair.class);

    public VaultRepair(
            Vault damaged, Vault copy, Cancellation cancellation, IntakeProgress progress) {
        this.damaged = damaged;
        this.copy = copy;
        this.cancellation = cancellation;
        this.progress = progress;
    }

    /// What came of it.
    ///
    /// @param mended points that can be restored again
    /// @param problems in words: what could not be mended, and why
    public record Outcome(List<ObjectId> mended, List<String> problems) {}

    /// Puts what a verification found into quarantine and stores again, from the copy, what damaged points need.
    public Outcome run(Verification found) {
        damaged.quarantine(found);
        List<ObjectId> mended = new ArrayList<>();
        List<String> problems = new ArrayList<>();
        for (ObjectId id : found.damagedPoints()) {
            RecoveryPoint point = damaged.pointById(id).orElse(null);
            if (point == null) {
                continue;
            }
            Optional<RecoveryPoint> counterpart = counterpart(point);
            if (counterpart.isEmpty()) {
                problems.add(
                        messages.text(Locale.ROOT, "vault.repair-no-copy", id, copy.location()));
            } else if (mend(point, counterpart.get(), problems)) {
                mended.add(id);
            }
        }
        return new Outcome(mended, problems);
    }

    private Optional<RecoveryPoint> counterpart(RecoveryPoint point) {
        return copy.points().stream().filter(other -> isSame(point, other)).findFirst();
    }

    /// Whether one is a copy of the other, by `vault copy` or of the store's files.
    private boolean isSame(RecoveryPoint point, RecoveryPoint other) {
        boolean isOneVault = damaged.id().equals(copy.id());
        return (isOneVault && point.id().equals(other.id()))
                || other.copiedFrom().filter(of -> of.is(damaged.id(), point.id())).isPresent()
                || point.copiedFrom().filter(of -> of.is(copy.id(), other.id())).isPresent();
    }

    private boolean mend(RecoveryPoint point, RecoveryPoint sound, List<String> problems) {
        try (BackupSession session = damaged.backup(Optional.empty(), cancellation, progress)) {
            boolean isWhole = true;
            for (PointDisk disk : point.disks()) {
                PointDisk other = sound.disk(disk.name()).orElse(null);
                isWhole &= other != null && mend(session, disk, other, problems);
            }
            session.flush();
            return isWhole;
        }
    }

    private boolean mend(
            BackupSession session, PointDisk disk, PointDisk other, List<String> problems) {
        try (ChunkReaders readers = new ChunkReaders(copy);
                BlockSource source = new VaultDisk(copy, other.image(), readers)) {
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
                problems.add(
                        messages.text(
                                Locale.ROOT, "vault.repair-differs", disk.name(), copy.location()));
            }
            return isSame;
        } catch (VaultException e) {
            if (e.kind() != Kind.DAMAGED && e.kind() != Kind.MISSING) {
                throw e;
            }
            problems.add(e.getMessage());
            return false;
        }
    }
}
