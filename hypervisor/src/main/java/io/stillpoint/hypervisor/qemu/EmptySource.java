package io.stillpoint.hypervisor.qemu;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.util.Collections;
import java.util.Iterator;
import java.util.Objects;

/// A disk of no bytes.
final class EmptySource implements BlockSource {
    @Override
    public long size() {
        return 0;
    }

    @Override
    public Iterator<Extent> dataExtents() {
        return Collections.emptyIterator();
    }

    @Override
    public void read(long offset, byte[] into, int at, int length) {
        Objects.checkFromIndexSize(offset, length, 0);
    }

    @Override
    public void close() {}
}
