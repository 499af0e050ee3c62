package io.stillpoint.engine;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.IntakeProgress;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import java.util.Optional;
import java.util.function.Consumer;

/// Stands for the vault's own until that has it.
record VaultSession(BackupSession session, SessionRecord record) {
    record Committed(RecoveryPoint point, Optional<VaultException> unfinished) {}

    static VaultSession open(
            Vault vault,
            Optional<RecoveryPoint> base,
            Cancellation cancellation,
            IntakeProgress progress) {
        return new VaultSession(
                vault.backup(base, cancellation, progress),
                new SessionRecord(
                        ObjectId.random(Randomness.secure()), base.map(RecoveryPoint::id)));
    }

    static VaultSession resume(
            Vault vault, SessionRecord record, Cancellation cancellation, IntakeProgress progress) {
        Optional<RecoveryPoint> base =
                vault.points().stream()
                        .filter(point -> record.base().filter(point.id()::equals).isPresent())
                        .findFirst();
        return new VaultSession(vault.backup(base, cancellation, progress), record);
    }

    static Committed commit(
            Vault vault,
            SealedPoint sealed,
            Cancellation cancellation,
            Consumer<SealedPoint> journal) {
        throw new VaultException(
                VaultException.Kind.OVERTAKEN, "vault.session-revoked", null, vault.location());
    }

    RecoveryPoint commit(PointDraft draft, Consumer<SealedPoint> journal) {
        journal.accept(new SealedPoint(record.point()));
        return session.commit(draft);
    }

    void detach() {
        session.close();
    }

    void close() {
        session.close();
    }
}
