package io.stillpoint.testkit;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.platform.block.Extent;
import java.util.Iterator;
import java.util.List;

/// A VM's disk on the heap: to be backed up, or to restore to.
public final class MemoryDisk implements BlockSource, BlockTarget {
    private final byte[] content;

    /// @param content not copied
    public MemoryDisk(byte[] content) {
        this.content = content;
    }

    public byte[] content() {
        return content;
    }

    @Override
    public long size() {
        return content.length;
    }

    @Override
    public Iterator<Extent> dataExtents() {
        return content.length == 0
                ? List.<Extent>of().iterator()
                : List.of(new Extent(0, content.length)).iterator();
    }

    @Override
    public void read(long offset, byte[] into, int at, int length) {
        System.arraycopy(content, Math.toIntExact(offset), into, at, length);
    }

    @Override
    public void write(long offset, byte[] from, int at, int length) {
        System.arraycopy(from, at, content, Math.toIntExact(offset), length);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
}
