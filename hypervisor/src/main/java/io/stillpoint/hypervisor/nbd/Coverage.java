package io.stillpoint.hypervisor.nbd;

import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/// Which bytes of a read have arrived. Chunks may come in any order, but must neither overlap nor leave a
/// gap ("Structured reply chunk message").
final class Coverage {
    private int covered;

    /// Ranges that came ahead of their turn: start to end. Servers rarely do that.
    private @Nullable TreeMap<Integer, Integer> ahead;

    void reset() {
        covered = 0;
        ahead = null;
    }

    /// Adds a range that is not empty. Returns false if a byte of it had arrived before.
    boolean add(int start, int end) {
        if (start == covered && ahead == null) {
            covered = end;
            return true;
        }
        if (start < covered) {
            return false;
        }
        TreeMap<Integer, Integer> ranges = ahead == null ? new TreeMap<>() : ahead;
        Map.@Nullable Entry<Integer, Integer> before = ranges.lowerEntry(end);
        if (before != null && before.getValue() > start) {
            return false;
        }
        ranges.put(start, end);
        while (!ranges.isEmpty() && ranges.firstKey() == covered) {
            covered = ranges.pollFirstEntry().getValue();
        }
        ahead = ranges.isEmpty() ? null : ranges;
        return true;
    }

    /// Whether exactly the first `length` bytes have arrived.
    boolean isComplete(int length) {
        return covered == length && ahead == null;
    }
}
