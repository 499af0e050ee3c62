package io.stillpoint.vault.session;

import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.point.DiskImage;
import java.util.Iterator;
import java.util.Optional;
import java.util.function.Supplier;

/// Which parts of a disk are read.
public sealed interface Scan {
    /// All that may hold data.
    ///
    /// @param before the image to compare with; empty: there is none
    record Everything(Optional<DiskImage> before) implements Scan {}

    /// Only ranges said to have changed; all else is taken from `before`, which must be of the same size.
    ///
    /// @param ranges gives an iteration over the changed ranges, ascending, not overlapping
    record Changed(DiskImage before, Supplier<Iterator<Extent>> ranges) implements Scan {}
}
