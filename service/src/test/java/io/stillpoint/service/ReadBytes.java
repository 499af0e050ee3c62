package io.stillpoint.service;

import io.stillpoint.platform.block.BlockTarget;

/// A disk in memory, to compare.
record ReadBytes(byte[] content) implements BlockTarget {
    @Override
    public long size() {
        return content.length;
    }

    @Override
    public void write(long offset, byte[] from, int at, int length) {
        System.arraycopy(from, at, content, (int) offset, length);
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
}
