package io.stillpoint.vault.point;

import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.Optional;

/// A point's place among the points of its VM (section 8 of the format). It is counted, not timed: a clock that leaps
/// changes no order. A copy keeps the lineage of its original, so that copies are in order whichever was made first.
///
/// @param ordinal one more than the highest that the VM's points had when the job began, forgotten ones included, so two
///     jobs at once may get the same; 0: made before points had a lineage
/// @param before the point that had the highest; for a copy: of the vault that the lineage is from
public record Lineage(long ordinal, Optional<ObjectId> before) {
    /// More than any VM ever has. Who finds a point with it finds no place after it.
    public static final long ORDINAL_MAX = 1L << 40;

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
    /// Throws a [VaultException] of kind `REFUSED` if there is no place after the last, which nobody comes to by counting.
    ///
    /// @param seen the highest ordinal that the VM's points are known to have had
    public static Lineage after(Optional<RecoveryPoint> last, long seen) {
        long highest = Math.max(seen, last.map(point -> point.lineage().ordinal()).orElse(0L));
        if (highest >= ORDINAL_MAX) {
            throw new VaultException(
                    Kind.REFUSED,
                    "vault.no-ordinal-left",
                    null,
                    last.map(point -> point.id().toString()).orElse("?"));
        }
        return new Lineage(highest + 1, last.map(RecoveryPoint::id));
    }
}
