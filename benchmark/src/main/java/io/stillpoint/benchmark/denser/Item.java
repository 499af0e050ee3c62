package io.stillpoint.benchmark.denser;

import org.jspecify.annotations.Nullable;

/// A stored chunk.
final class Item {
    private static final int ID = 32;

    final byte[] id;
    final Content content;
    final @Nullable Item base;
    final int depth;
    final Frames.Frame frame;
    final int at;
    final int length;

    /// The last day on which the disk had it.
    int lastDay;

    /// @param base null if stored whole
    Item(byte[] id, Content content, @Nullable Item base, Frames.Frame frame, int length) {
        this.id = id;
        this.content = content;
        this.base = base;
        this.depth = base == null ? 0 : base.depth + 1;
        this.frame = frame;
        this.at = frame.plain - length;
        this.length = length;
    }

    /// Its part of its frame, and what pack directory and index say of it. The directory names the one before too,
    /// for those who look for garbage.
    double storedBytes() {
        int named = Frames.ITEM + (base == null ? 0 : ID);
        return (double) frame.stored * length / frame.plain + named;
    }
}
