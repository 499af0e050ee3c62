package io.stillpoint.engine;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.util.Iterator;

/// A disk that is read no faster than its transfer may be.
record PacedSource(BlockSource source, TransferTurn.Transfer transfer) implements BlockSource {
    @Override
    public long size() {
        return source.size();
    }

    @Override
    public Iterator<Extent> dataExtents() {
        return source.dataExtents();
    }

    @Override
    public void read(long offset, byte[] into, int at, int length) {
        source.read(offset, into, at, length);
        transfer.read(length);
    }

    @Override
    public void close() {
        source.close();
    }
}
