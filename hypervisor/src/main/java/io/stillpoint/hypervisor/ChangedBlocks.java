package io.stillpoint.hypervisor;

import io.stillpoint.platform.block.Extent;
import java.util.Iterator;
import java.util.function.Supplier;

/// What the hypervisor says about changes since the previous generation. A hint, never a promise.
public sealed interface ChangedBlocks {
    /// The changed ranges are known.
    ///
    /// @param ranges gives, at each call, an iteration over the changed ranges: ascending, not overlapping,
    ///     within the disk. Valid while the disk's source is open.
    record Known(Supplier<Iterator<Extent>> ranges) implements ChangedBlocks {}

    /// They are not: everything has to be read and compared.
    record Unknown(Reason reason) implements ChangedBlocks {}

    /// Why changes are not known. Named in the recovery point.
    enum Reason {
        /// No earlier recovery point recorded changes of this disk.
        FIRST_BACKUP,
        /// The record is gone.
        MISSING,
        /// The record was not closed properly, as after a crash of the hypervisor.
        INCONSISTENT,
        /// The record has stopped.
        NOT_RECORDING,
        /// There is a record, but of another generation than the previous recovery point's.
        OTHER_GENERATION,
        /// The disk was resized since.
        RESIZED,
        /// The hypervisor's process has ended since, and whoever wrote the image in between is not in the record.
        RESTARTED,
        /// The VM was migrated since, and whoever wrote the image at the other end is not in the record.
        MIGRATED,
        /// The disk's content lies in other files than it did.
        OTHER_IMAGE,
        /// The hypervisor does not keep others from writing the image, or that can't be seen.
        UNGUARDED,
        /// The record was cleared, stopped or changed by somebody else.
        TAMPERED,
        /// The disk of this kind records no changes, as a plain image file.
        NOT_SUPPORTED
    }
}
