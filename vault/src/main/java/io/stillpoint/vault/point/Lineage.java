package io.stillpoint.vault.point;

import io.stillpoint.vault.store.ObjectId;
import java.util.Optional;

/// A point's place among the points of its VM (section 8 of the format). It is counted, not timed: a clock that leaps
/// changes no order. A copy keeps the lineage of its original, so that copies are in order whichever was made first.
///
/// @param ordinal one more than the highest that the VM's points had when the job began, forgotten ones included, so two
///     jobs at once may get the same; 0: made before points had a lineage
/// @param before the point that had the highest; for a copy: of the vault that the lineage is from
public record Lineage(long ordinal, Optional<ObjectId> before) {
    /// What every reader of JSON can hold exactly.
    static final long ORDINAL_MAX = (1L << 53) - 1;

    /// Of a point that was made before there were lineages.
    public static final Lineage UNKNOWN = new Lineage(0, Optional.empty());

    public Lineage {
        if (ordinal < 0 || ordinal > ORDINAL_MAX) {
            throw new IllegalArgumentException("no ordinal: " + ordinal);
        }
    }

    /// That of a point which is made now.
    ///
    /// @param last the newest of the VM's points, forgotten ones included
    /// @param seen the highest ordinal that the VM's points are known to have had
    public static Lineage after(Optional<RecoveryPoint> last, long seen) {
        long highest = Math.max(seen, last.map(point -> point.lineage().ordinal()).orElse(0L));
        return new Lineage(highest + 1, last.map(RecoveryPoint::id));
    }
}
