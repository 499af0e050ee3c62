package io.stillpoint.vault.tree;

import io.stillpoint.vault.crypto.ItemId;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/// A node of a block tree (section 6 of the format): up to 64 children, of which an absent one is a range of
/// zeros. Mutable while a tree is being built; for one thread at a time.
public final class Node {
    /// Children of a node.
    public static final int FAN_OUT = 64;

    /// Longest encoding in bytes.
    public static final int LENGTH_MAX = 16 + FAN_OUT * ItemId.LENGTH;

    private static final int HEAD = 16;

    private final int level;
    private final @Nullable ItemId[] children = new @Nullable ItemId[FAN_OUT];

    public Node(int level) {
        this.level = level;
    }

    /// 0 for a leaf, whose children are chunks.
    public int level() {
        return level;
    }

    /// The id of child `i`, or null where all is zeros.
    public @Nullable ItemId child(int i) {
        return children[i];
    }

    public void setChild(int i, @Nullable ItemId id) {
        children[i] = id;
    }

    /// Which children are there: bit i for child i.
    public long present() {
        long present = 0;
        for (int i = 0; i < FAN_OUT; i++) {
            if (children[i] != null) {
                present |= 1L << i;
            }
        }
        return present;
    }

    public boolean isEmpty() {
        return present() == 0;
    }

    /// A node with the same children.
    public Node copy() {
        Node copy = new Node(level);
        System.arraycopy(children, 0, copy.children, 0, FAN_OUT);
        return copy;
    }

    /// The node as it is stored.
    public byte[] encode() {
        long present = present();
        ByteBuffer buffer = ByteBuffer.allocate(HEAD + Long.bitCount(present) * ItemId.LENGTH);
        buffer.put((byte) level).position(8).putLong(present);
        for (ItemId child : children) {
            if (child != null) {
                child.write(buffer);
            }
        }
        return buffer.array();
    }

    /// The reverse of [#encode], or null if the bytes are no node.
    public static @Nullable Node decode(byte[] bytes, int at, int length) {
        if (length < HEAD) {
            return null;
        }
        ByteBuffer buffer = ByteBuffer.wrap(bytes, at, length);
        Node node = new Node(Byte.toUnsignedInt(buffer.get()));
        long present = buffer.position(at + 8).getLong();
        if (length != HEAD + Long.bitCount(present) * ItemId.LENGTH) {
            return null;
        }
        for (long left = present; left != 0; left &= left - 1) {
            node.children[Long.numberOfTrailingZeros(left)] = ItemId.read(buffer);
        }
        return node;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Node node
                && level == node.level
                && Arrays.equals(children, node.children);
    }

    @Override
    public int hashCode() {
        return 31 * level + Arrays.hashCode(children);
    }
}
