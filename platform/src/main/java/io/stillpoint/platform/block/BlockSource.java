package io.stillpoint.platform.block;

import java.util.Iterator;

/// A disk whose content does not change while this is open. Safe for use by several threads.
public interface BlockSource extends AutoCloseable {
    /// The disk's size in bytes.
    long size();

    /// The ranges that may hold something other than zeros, ascending, without overlap, within the
    /// disk. All else reads as zeros. Fetched while iterated, so a disk of any size needs little memory.
    ///
    /// Both this call and the iterator throw a [StillpointException][io.stillpoint.platform.StillpointException]
    /// when the source fails or answers nonsense.
    Iterator<Extent> dataExtents();

    /// Reads exactly `length` bytes from `offset` on into `into`, from index `at` on.
    ///
    /// Throws a [StillpointException][io.stillpoint.platform.StillpointException] if not every byte could be
    /// read; the buffer's content is undefined then.
    void read(long offset, byte[] into, int at, int length);

    @Override
    void close();
}
