package io.stillpoint.hypervisor.images;

import io.stillpoint.platform.block.BlockTarget;
import java.nio.file.Path;

/// A disk image that is being written by a restore. A new file grows under the name `NAME.partial` and gets its
/// name by [#commit]; closing it without removes it. A block device is written in place.
public interface RestoreTarget extends BlockTarget {
    /// Gives the image its name. Nothing may be written afterwards. As with any copy, the system writes it to the disk
    /// in its own time; who must know that it is there calls [#flush] before.
    void commit();

    /// A raw image, sparse where nothing is written; or an existing block device of at least this size, which
    /// is filled with zeros first.
    ///
    /// Throws a [HypervisorException][io.stillpoint.hypervisor.HypervisorException] of kind IMAGE when a file of
    /// that name exists, a device is too small, or another restore writes there.
    ///
    /// @param size bytes; need not be a multiple of anything
    static RestoreTarget createRaw(Path path, long size) {
        return RawTarget.create(path, size);
    }

    /// A qcow2 image, written through `qemu-storage-daemon`. Errors are those of [#createRaw].
    ///
    /// @param size bytes; rounded up to a multiple of 512 by the format
    static RestoreTarget createQcow2(Path path, long size) {
        return Qcow2Target.create(path, size);
    }
}
