package io.stillpoint.vault.session;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.point.SealedPoint;
import io.stillpoint.vault.session.BackupSession.Committed;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/// The last step of a session: everything is durable, and the point is made of it.
final class Commit {
    /// How many names of points to try if others keep taking them.
    private static final int NAMES_MAX = 3;

    private final VaultParts parts;
    private final SessionGuard guard;
    private final Cancellation cancellation;

    Commit(VaultParts parts, SessionGuard guard, Cancellation cancellation) {
        this.parts = parts;
        this.guard = guard;
        this.cancellation = cancellation;
    }

    Committed run(RecoveryPoint point, Consumer<SealedPoint> journal) {
        SealedPoint sealed = parts.points().seal(point);
        journal.accept(sealed);
        return run(sealed, journal);
    }

    Committed run(SealedPoint sealed, Consumer<SealedPoint> journal) {
        SealedPoint attempted = sealed;
        for (int attempt = 1; ; attempt++) {
            guard.committing();
            if (parts.points().commit(attempted)) {
                guard.committed();
                RecoveryPoint point = parts.points().opened(attempted);
                return new Committed(point, retain(parts, point, cancellation));
            }
            // Somebody who can write to the store took the name; who only adds can't know the next
            // one before it is promised.
            guard.promiseAnother();
            if (attempt == NAMES_MAX) {
                throw new VaultException(
                        Kind.OVERTAKEN,
                        "vault.name-taken",
                        null,
                        parts.contents().location(),
                        new ObjectName(ObjectName.Area.POINTS, attempted.id()),
                        attempt);
            }
            attempted = parts.points().seal(renamed(attempted));
            journal.accept(attempted);
        }
    }

    private RecoveryPoint renamed(SealedPoint sealed) {
        return parts.points().opened(sealed).withId(guard.point());
    }

    /// Has the store keep what the point needs. Nothing may throw here: the point exists. Returns what went wrong.
    static Optional<VaultException> retain(
            VaultParts parts, RecoveryPoint point, Cancellation cancellation) {
        if (point.lockedUntil().isEmpty()) {
            return Optional.empty();
        }
        try {
            new Retention(parts, cancellation).extend(List.of(point));
            return Optional.empty();
        } catch (CancelledException e) {
            return Optional.of(
                    new VaultException(Kind.STORE, "vault.lock-cancelled", e, point.id()));
        } catch (StillpointException e) {
            return Optional.of(
                    new VaultException(
                            Kind.STORE, "vault.lock-failed", e, point.id(), e.getMessage()));
        }
    }
}
