package io.stillpoint.vault.prune;

import io.stillpoint.vault.point.Catalogue;
import io.stillpoint.vault.point.Points;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.record.Session;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectStore.Listed;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Keeps the catalogue in step with the points: entries that are missing are made, and those whose points are gone are deleted.
final class CatalogueCare {
    /// A point that was sealed may be made by another process, hours later.
    private static final Duration AGE = Duration.ofDays(2);

    private final Points points;
    private final Catalogue catalogue;
    private final Map<ObjectId, Listed> entries = new HashMap<>();

    /// Reads the names of the entries. Before sessions are looked at: who makes an entry after that is not touched, and of whoever
    /// made one before, the session is seen, or is over.
    CatalogueCare(Points points) {
        this.points = points;
        catalogue = points.catalogue();
        catalogue.all().forEach(listed -> entries.put(listed.name().id(), listed));
    }

    /// @param all points that there are
    /// @param open sessions that may still make a point
    /// @param purged points that this run deleted
    /// @param now entries that are not older than [#AGE] are left alone, but for those of purged points
    void run(Collection<RecoveryPoint> all, List<Session> open, Set<ObjectId> purged, Instant now) {
        Set<ObjectId> rightful = new HashSet<>();
        for (RecoveryPoint point : all) {
            List<ObjectId> names =
                    catalogue.namesOf(point.vm(), point.lineage().ordinal(), point.id());
            rightful.addAll(names);
            if (names.stream().noneMatch(entries::containsKey)) {
                catalogue.enter(point.vm(), point.lineage().ordinal(), point.id());
            }
        }
        Set<ObjectId> promised = new HashSet<>();
        open.forEach(session -> promised.add(session.point()));
        entries.forEach((id, listed) -> {
            boolean isOld = listed.modifiedAt().isBefore(now.minus(AGE));
            if (!rightful.contains(id) && (isOld || !purged.isEmpty())) {
                // What no holder of the key made is junk, which stays.
                catalogue
                        .point(listed)
                        .filter(point -> isOld || purged.contains(point))
                        .filter(point -> !promised.contains(point))
                        .filter(point -> points.byId(point).isEmpty())
                        .ifPresent(_ -> catalogue.delete(id));
            }
        });
    }
}
