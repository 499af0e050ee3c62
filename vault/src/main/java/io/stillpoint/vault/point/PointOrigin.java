package io.stillpoint.vault.point;

import io.stillpoint.vault.store.ObjectId;
import java.util.Set;

/// The point of another vault that this one is a copy of.
///
/// @param had other points of that vault of which this one has had copies that it no longer offers
public record PointOrigin(ObjectId vault, ObjectId point, Set<ObjectId> had) {
    public PointOrigin {
        had = Set.copyOf(had);
    }

    /// Whether it is this point of this vault.
    public boolean is(ObjectId otherVault, ObjectId otherPoint) {
        return vault.equals(otherVault) && point.equals(otherPoint);
    }
}
