package io.stillpoint.vault.pack;

import io.stillpoint.vault.crypto.ItemId;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// Items gathered for one frame. Reused from frame to frame; for one thread at a time.
public final class FrameItems {
    private final byte[] plain;
    private final ItemId[] ids;
    private final int[] lengths;
    private final @Nullable ItemId[] bases;
    private int used;
    private int count;

    /// @param capacity of the frame's plain bytes, at most [FrameCodec#PLAIN_MAX]
    /// @param countMax items at most, up to 255
    public FrameItems(int capacity, int countMax) {
        plain = new byte[capacity];
        ids = new ItemId[countMax];
        lengths = new int[countMax];
        bases = new @Nullable ItemId[countMax];
    }

    /// Whether an item of `length` bytes still fits.
    public boolean hasRoom(int length) {
        return count < ids.length && plain.length - used >= length;
    }

    public boolean isEmpty() {
        return count == 0;
    }

    /// Copies an item in. There must be room.
    public void add(ItemId id, byte[] from, int at, int length) {
        add(id, null, from, at, length);
    }

    /// As [#add(ItemId, byte[], int, int)], for a chunk that may be a difference.
    ///
    /// @param base the chunk that it is a difference from; null: it is whole
    public void add(ItemId id, @Nullable ItemId base, byte[] from, int at, int length) {
        bases[count] = base;
        System.arraycopy(from, at, plain, used, length);
        ids[count] = id;
        lengths[count] = length;
        count++;
        used += length;
    }

    public void clear() {
        used = 0;
        count = 0;
    }

    byte[] plain() {
        return plain;
    }

    int used() {
        return used;
    }

    /// The directory's record of these items once they stand in a pack.
    PackGroup group(long frameOffset, int frameLength) {
        ItemId[] someIds = new ItemId[count];
        int[] someLengths = new int[count];
        System.arraycopy(ids, 0, someIds, 0, count);
        System.arraycopy(lengths, 0, someLengths, 0, count);
        return new PackGroup(
                frameOffset, frameLength, someIds, someLengths, Arrays.copyOf(bases, count));
    }
}
