package io.stillpoint.vault.prune;

import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.record.Forgotten;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.record.Records.Found;
import io.stillpoint.vault.record.Session;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Deletes forgotten points whose time has come.
final class Purge {
    private final PruneRun run;
    private final Tally tally;
    private final ObjectStore store;
    private final Records records;

    Purge(PruneRun run) {
        this.run = run;
        tally = run.tally();
        store = run.parts().contents().store();
        records = run.parts().records();
    }

    /// Deletes forgotten points whose time has come. Returns which.
    Set<ObjectId> run(List<Session> sessions, boolean isHeld) {
        Set<ObjectId> bases = new HashSet<>();
        sessions.forEach(session -> bases.addAll(session.bases()));
        Set<ObjectId> purged = new HashSet<>();
        for (Found<Forgotten> found : records.forgotten()) {
            ObjectId point = found.record().point();
            boolean isDue =
                    !isHeld
                            && !run.now().isBefore(found.record().purgeAt())
                            && !run.now().isBefore(found.madeAt().plus(run.delay()))
                            && !bases.contains(point)
                            // Read after `run.now()` was: it may have been brought back before.
                            && records.isForgotten(point);
            if (isDue && !isLocked(point) && purge(point)) {
                purged.add(point);
                tally.purgedPoints++;
            }
        }
        return purged;
    }

    private boolean isLocked(ObjectId point) {
        try {
            return run.parts()
                    .points()
                    .byId(point)
                    .flatMap(RecoveryPoint::lockedUntil)
                    .filter(run.now()::isBefore)
                    .isPresent();
        } catch (VaultException e) {
            throw e.isJunk() ? run.unsafe(e) : e;
        }
    }

    private boolean purge(ObjectId point) {
        if (run.rules().dryRun()) {
            return true;
        }
        try {
            store.delete(new ObjectName(Area.POINTS, point));
        } catch (VaultException e) {
            if (e.kind() != Kind.RETAINED) {
                throw e;
            }
            tally.warn(e.text());
            return false;
        }
        records.deleteForgotten(point);
        return true;
    }
}
