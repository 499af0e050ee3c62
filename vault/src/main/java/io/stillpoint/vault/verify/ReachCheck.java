package io.stillpoint.vault.verify;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.tree.TreeDifference;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/// Counts the chunks of a disk that can't be restored. A node that stands in many places, as in a disk of a petabyte whose tree
/// repeats one chunk, is walked once, as long as not too many others were met since. For one thread.
final class ReachCheck implements TreeDifference.Visitor {
    /// Nodes that are remembered: those of 64 GiB that repeat nothing.
    private static final int KNOWN_MAX = 1 << 14;

    private final Predicate<ItemId> isThere;

    /// How many chunks below a node are missing.
    private final Map<Known, Long> known =
            new LinkedHashMap<>(16, 0.75f, true) {
                @Override
                protected boolean removeEldestEntry(Map.Entry<Known, Long> eldest) {
                    return size() > KNOWN_MAX;
                }
            };

    // What was missing when each of the nodes was entered that are being walked.
    private final Deque<Long> missingBefore = new ArrayDeque<>();
    private long missing;

    private record Known(ItemId id, int level) {}

    ReachCheck(Predicate<ItemId> isThere) {
        this.isThere = isThere;
    }

    /// A chunk that is missed in several places counts in each.
    long missing() {
        return missing;
    }

    @Override
    public void chunk(long chunk, @Nullable ItemId before, @Nullable ItemId after) {
        if (after != null && !isThere.test(after)) {
            missing++;
        }
    }

    @Override
    public boolean isKnown(ItemId id, int level) {
        Long below = known.get(new Known(id, level));
        missing += below == null ? 0 : below;
        return below != null;
    }

    @Override
    public void node(ItemId id, int level) {
        missingBefore.push(missing);
    }

    @Override
    public void walked(ItemId id, int level) {
        known.put(new Known(id, level), missing - missingBefore.pop());
    }
}
