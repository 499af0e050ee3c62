package io.stillpoint.vault.prune;

import io.stillpoint.vault.record.Forgotten;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.record.Records.Found;
import io.stillpoint.vault.record.Undone;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.util.Set;

/// Records that mean nothing any more.
final class Leftovers {
    private final PruneRun run;
    private final ObjectStore store;
    private final Records records;

    Leftovers(PruneRun run) {
        this.run = run;
        store = run.parts().contents().store();
        records = run.parts().records();
    }

    /// Deletes what is known of damage in packs that are gone.
    void dropQuarantine() {
        if (run.rules().dryRun()) {
            return;
        }
        Set<ObjectId> listed = run.parts().contents().refreshedIndex().packs();
        records.quarantined()
                .forEach((id, damaged) -> {
                    if (damaged.frames().keySet().stream()
                            .noneMatch(pack ->
                                    run.packs().containsKey(pack) || listed.contains(pack))) {
                        records.deleteQuarantined(id);
                    }
                });
    }

    /// Deletes what is known of forgettings that were undone once their points are gone, and forgotten records that do not
    /// count since they were undone.
    void dropUndone() {
        if (run.rules().dryRun()) {
            return;
        }
        for (Found<Forgotten> found : records.undoneForgotten()) {
            ObjectId point = found.record().point();
            // It may have been forgotten anew since.
            if (!records.isForgotten(point)) {
                records.deleteForgotten(point);
            }
        }
        for (Undone undone : records.undone()) {
            if (!store.exists(new ObjectName(Area.POINTS, undone.point()))) {
                records.deleteUndone(undone.id());
            }
        }
    }
}
