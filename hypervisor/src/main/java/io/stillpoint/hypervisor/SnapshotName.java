package io.stillpoint.hypervisor;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Which snapshot it is, known before it is taken. Everything that the snapshot puts into a hypervisor or a folder
/// carries a part of this name. As text `LINEAGE-GENERATION`.
///
/// @param lineage as in [SnapshotRequest]: 8 lower-case hexadecimal digits
/// @param generation as in [SnapshotRequest]: 16 lower-case hexadecimal digits, random
public record SnapshotName(String lineage, String generation) {
    private static final Pattern TEXT = Pattern.compile("([0-9a-f]{8})-([0-9a-f]{16})");

    public SnapshotName {
        require(lineage, generation);
    }

    /// Throws an [IllegalArgumentException] if these are no parts of a name.
    static void require(String lineage, String generation) {
        if (!TEXT.matcher(lineage + "-" + generation).matches()) {
            throw new IllegalArgumentException("lineage " + lineage + ", generation " + generation);
        }
    }

    /// Reads what [#toString] wrote. Throws an [IllegalArgumentException] if it is no such text.
    public static SnapshotName parse(String text) {
        Matcher matcher = TEXT.matcher(text);
        if (!matcher.matches()) {
            throw new IllegalArgumentException("not LINEAGE-GENERATION: " + text);
        }
        return new SnapshotName(matcher.group(1), matcher.group(2));
    }

    @Override
    public String toString() {
        return lineage + "-" + generation;
    }
}
