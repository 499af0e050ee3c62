package io.stillpoint.vault.prune;

import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.record.Records.Found;
import io.stillpoint.vault.record.Session;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Who may still make a point. Sessions that have been silent for too long are revoked.
final class OpenSessions {
    /// A session whose newest record says that it was written so long ago is silent, whatever the store says of that record's
    /// age: a record that somebody puts back again and again keeps nothing for ever. If the session lives after all, its
    /// point can't be made; nothing is lost.
    private static final Duration RENEWAL_AGE_MAX = Duration.ofDays(30);

    /// For so long a session record that can't be read holds back what can't be undone. It may be junk; it may be the record
    /// of a session that the store has damaged, whose next renewal comes within the hour.
    private static final Duration UNREADABLE_HOLDS = Duration.ofDays(2);

    private boolean isHeld;
    private final PruneRun run;
    private final Tally tally;
    private final ObjectStore store;
    private final Records records;

    OpenSessions(PruneRun run) {
        this.run = run;
        tally = run.tally();
        store = run.parts().contents().store();
        records = run.parts().records();
    }

    /// Sessions that may still make a point. Those that have been silent for too long are revoked.
    List<Session> find(Set<ObjectId> own) {
        Map<ObjectId, List<Found<Session>>> byPoint = new HashMap<>();
        for (Found<Session> found : records.sessions()) {
            byPoint.computeIfAbsent(found.record().point(), _ -> new ArrayList<>()).add(found);
        }
        isHeld =
                records.unreadableSessions().stream()
                        .anyMatch(madeAt ->
                                Duration.between(madeAt, run.now())
                                                .abs()
                                                .compareTo(UNREADABLE_HOLDS)
                                        <= 0);
        List<Session> open = new ArrayList<>();
        byPoint.forEach((point, renewals) -> {
            if (!own.contains(point) && !isOver(point, renewals)) {
                renewals.forEach(found -> open.add(found.record()));
            }
        });
        return open;
    }

    private boolean isOver(ObjectId point, List<Found<Session>> renewals) {
        boolean isSilent =
                renewals.stream()
                        .allMatch(found ->
                                found.madeAt()
                                                .plusSeconds(found.record().patience())
                                                .isBefore(run.now())
                                        || found.record()
                                                .renewedAt()
                                                .isBefore(run.now().minus(RENEWAL_AGE_MAX)));
        boolean isOver =
                run.parts().points().isDecided(point, run.now().minus(run.delay()))
                        || (isSilent && isRevoked(point));
        if (isOver && !run.rules().dryRun()) {
            renewals.forEach(found -> records.deleteSession(found.record().id()));
        }
        return isOver;
    }

    private boolean isRevoked(ObjectId point) {
        if (run.rules().dryRun()) {
            boolean isFree = !store.exists(new ObjectName(Area.POINTS, point));
            tally.revokedSessions += isFree ? 1 : 0;
            return isFree;
        }
        try {
            records.revoke(point);
            tally.revokedSessions++;
            return true;
        } catch (VaultException e) {
            if (e.kind() != Kind.EXISTS) {
                throw e;
            }
            // It has made its point in this moment, or the name is taken by what nobody can read:
            // then nothing is deleted at all until that is gone.
            return false;
        }
    }

    /// Whether some session may be there that can't be read: then nothing is done that can't be undone.
    boolean isHeld() {
        return isHeld;
    }
}
