package io.stillpoint.platform.disk;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/// An open file of a [Disk]. Reading is safe for several threads; writing is for one at a time.
public interface DiskFile extends Closeable {
    /// In bytes.
    long size() throws IOException;

    /// Reads from `offset` on, at least one byte and at most as many as the buffer has room for. Returns how many, or -1 at the
    /// file's end.
    ///
    /// Interrupting the thread ends its reading with [java.nio.channels.ClosedByInterruptException]; others go on.
    int read(ByteBuffer into, long offset) throws IOException;

    /// Appends at least one byte and at most what the buffer holds. Returns how many.
    int write(ByteBuffer from) throws IOException;

    /// Returns once all that was written lasts; under which name the file is found is the folder's matter.
    void force() throws IOException;
}
