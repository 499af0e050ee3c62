package io.stillpoint.engine;

import io.stillpoint.platform.block.Extent;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.store.VaultException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// What of a disk could not be restored: ascending ranges, those that touch each other joined. Safe for use by several
/// threads.
final class LostRanges implements Losses {
    private final TreeMap<Long, Lost> ranges = new TreeMap<>();

    /// @param reason of its first part
    private record Lost(long length, Text reason) {}

    @Override
    public synchronized void lost(Extent range, VaultException why) {
        long offset = range.offset();
        long end = range.end();
        Text reason = why.text();
        Map.Entry<Long, Lost> before = ranges.floorEntry(offset);
        if (before != null && before.getKey() + before.getValue().length >= offset) {
            offset = before.getKey();
            end = Math.max(end, offset + before.getValue().length);
            reason = before.getValue().reason;
        }
        Lost after = ranges.remove(end);
        if (after != null) {
            end += after.length;
        }
        ranges.put(offset, new Lost(end - offset, reason));
    }

    synchronized long bytes() {
        return ranges.values().stream().mapToLong(Lost::length).sum();
    }

    /// In the root language, on one line: a file has no reader yet.
    private static String words(Text reason) {
        return reason.in(Locale.ROOT).replaceAll("\\s+", " ");
    }

    /// Lines of a table: offset, length, why.
    synchronized List<String> lines() {
        List<String> lines = new ArrayList<>();
        ranges.forEach((offset, lost) ->
                lines.add(offset + "\t" + lost.length + "\t" + words(lost.reason)));
        return lines;
    }
}
