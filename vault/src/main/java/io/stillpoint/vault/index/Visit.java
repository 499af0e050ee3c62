package io.stillpoint.vault.index;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.pack.Place;
import io.stillpoint.vault.store.VaultException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// One way through all items, from the smallest id to the largest; begins again where it was when segments are replaced by others
/// meanwhile. For one thread.
final class Visit implements ItemIndex.PlacesVisitor {
    private final Segments segments;
    private final ItemIndex.PlacesVisitor visitor;
    private @Nullable ItemId last;

    Visit(Segments segments, ItemIndex.PlacesVisitor visitor) {
        this.segments = segments;
        this.visitor = visitor;
    }

    /// As [ItemIndex#forEach].
    void run() {
        int attempt = 1;
        while (true) {
            View view = segments.view();
            try (SegmentMerge merge = SegmentMerge.begin(view.segments(), view::isGone)) {
                if (merge != null && isDone(merge, attempt++)) {
                    return;
                }
            }
        }
    }

    private boolean isDone(SegmentMerge merge, int attempt) {
        try {
            merge.forEach(this);
            return true;
        } catch (VaultException e) {
            Segment failed = merge.failed();
            if (failed == null
                    || e.kind() != VaultException.Kind.MISSING
                    || attempt == Segments.OPEN_ATTEMPTS) {
                throw e;
            }
            segments.missed(failed);
            return false;
        }
    }

    /// Leaves out what was visited before.
    @Override
    public void item(ItemId id, Set<Place> places) {
        if (last == null || last.compareTo(id) < 0) {
            last = id;
            visitor.item(id, places);
        }
    }
}
