package io.stillpoint.vault.pack;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.store.ObjectId;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// What the directory of a pack says of one frame.
///
/// @param frameLength the frame's whole length in bytes
/// @param ids of the items in their order; not to be changed
/// @param lengths of the items in bytes; not to be changed
/// @param bases for each item the chunk that it is a difference from; null: it is whole; not to be changed
public record PackGroup(
        long frameOffset, int frameLength, ItemId[] ids, int[] lengths, @Nullable ItemId[] bases) {
    private static final int HEAD = 4 + 3 + 1;
    private static final int ITEM = ItemId.LENGTH + 3;
    private static final int ITEM_MAX = 1 << 16;
    private static final int DIFFERENCE = 1 << 23;

    /// Calls `visitor` with each item's id and place.
    public void forEachPlace(ObjectId pack, BiConsumer<ItemId, Place> visitor) {
        int offset = 0;
        for (int i = 0; i < ids.length; i++) {
            visitor.accept(ids[i], new Place(pack, frameOffset, frameLength, offset, lengths[i]));
            offset += lengths[i];
        }
    }

    /// The plain bytes of a directory (section 5 of the format).
    static byte[] encode(List<PackGroup> groups) {
        ByteBuffer buffer =
                ByteBuffer.allocate(groups.stream().mapToInt(PackGroup::encodedLength).sum());
        for (PackGroup group : groups) {
            buffer.putInt((int) group.frameOffset);
            putMedium(buffer, group.frameLength);
            buffer.put((byte) group.ids.length);
            for (int i = 0; i < group.ids.length; i++) {
                ItemId base = group.bases[i];
                group.ids[i].write(buffer);
                putMedium(buffer, base == null ? group.lengths[i] : group.lengths[i] | DIFFERENCE);
                if (base != null) {
                    base.write(buffer);
                }
            }
        }
        return buffer.array();
    }

    private int encodedLength() {
        int length = HEAD + ITEM * ids.length;
        for (ItemId base : bases) {
            length += base == null ? 0 : ItemId.LENGTH;
        }
        return length;
    }

    /// The reverse of [#encode], or null if the bytes are no directory of so many frames.
    static @Nullable List<PackGroup> decode(ByteBuffer buffer, int frames) {
        List<PackGroup> groups = new ArrayList<>();
        while (buffer.hasRemaining()) {
            PackGroup group = groups.size() < frames ? decodeOne(buffer) : null;
            if (group == null) {
                return null;
            }
            groups.add(group);
        }
        return groups.size() == frames ? groups : null;
    }

    private static @Nullable PackGroup decodeOne(ByteBuffer buffer) {
        if (buffer.remaining() < HEAD) {
            return null;
        }
        long frameOffset = Integer.toUnsignedLong(buffer.getInt());
        int frameLength = medium(buffer);
        int count = Byte.toUnsignedInt(buffer.get());
        ItemId[] ids = new ItemId[count];
        int[] lengths = new int[count];
        @Nullable ItemId[] bases = new @Nullable ItemId[count];
        for (int i = 0; i < count; i++) {
            if (buffer.remaining() < ITEM) {
                return null;
            }
            ids[i] = ItemId.read(buffer);
            int length = medium(buffer);
            lengths[i] = length & ~DIFFERENCE;
            // Nothing else can be told by an index.
            if (lengths[i] < 1 || lengths[i] > ITEM_MAX) {
                return null;
            }
            if ((length & DIFFERENCE) != 0) {
                if (buffer.remaining() < ItemId.LENGTH) {
                    return null;
                }
                bases[i] = ItemId.read(buffer);
            }
        }
        return new PackGroup(frameOffset, frameLength, ids, lengths, bases);
    }

    private static void putMedium(ByteBuffer buffer, int value) {
        buffer.put((byte) (value >>> 16)).putShort((short) value);
    }

    private static int medium(ByteBuffer buffer) {
        return Byte.toUnsignedInt(buffer.get()) << 16 | Short.toUnsignedInt(buffer.getShort());
    }
}
