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
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// The last step of a session: everything is durable, and the point is made of it.
final class Commit {
    /// How many names of points to try if others keep taking them.
    private static final int NAMES_MAX = 3;

    private final VaultParts parts;
    private final SessionGuard guard;
    private final Cancellation cancellation;
    private @Nullable StillpointException failure;

    Commit(VaultParts parts, SessionGuard guard, Cancellation cancellation) {
        this.parts = parts;
        this.guard = guard;
        this.cancellation = cancellation;
    }

    /// @param base the point that it was built on, if there is one
    Committed run(
            RecoveryPoint point, Optional<RecoveryPoint> base, Consumer<SealedPoint> journal) {
        RecoveryPoint kept = point.keptUntil(keptUntil(point, base));
        SealedPoint sealed = parts.points().seal(kept);
        journal.accept(sealed);
        return run(sealed, journal);
    }

    /// Until when the store keeps all that the point needs. A point is made even if that can't be had: [#keep] says so then.
    private Optional<Instant> keptUntil(RecoveryPoint point, Optional<RecoveryPoint> base) {
        try {
            return new Retention(parts, cancellation).keep(point, base);
        } catch (StillpointException e) {
            failure = e;
            return Optional.empty();
        }
    }

    Committed run(SealedPoint sealed, Consumer<SealedPoint> journal) {
        SealedPoint attempted = sealed;
        for (int attempt = 1; ; attempt++) {
            guard.committing();
            if (parts.points().commit(attempted)) {
                guard.committed();
                RecoveryPoint point = parts.points().opened(attempted);
                return new Committed(point, kept(point));
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

    private Optional<VaultException> kept(RecoveryPoint point) {
        return failure == null
                ? keep(parts, point, cancellation)
                : Optional.of(notKept(point, failure));
    }

    /// Has the store keep the point, and what it needs if that is not done yet. Nothing may throw here: the point exists. Returns
    /// what went wrong.
    static Optional<VaultException> keep(
            VaultParts parts, RecoveryPoint point, Cancellation cancellation) {
        try {
            new Retention(parts, cancellation).extend(List.of(point));
            return Optional.empty();
        } catch (StillpointException e) {
            return Optional.of(notKept(point, e));
        }
    }

    private static VaultException notKept(RecoveryPoint point, StillpointException e) {
        return e instanceof CancelledException
                ? new VaultException(Kind.STORE, "vault.lock-cancelled", e, point.id())
                : new VaultException(Kind.STORE, "vault.lock-failed", e, point.id(), e);
    }
}
