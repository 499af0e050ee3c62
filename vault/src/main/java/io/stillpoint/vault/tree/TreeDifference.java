package io.stillpoint.vault.tree;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.store.VaultException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Walks two trees and visits only what differs. With an absent first tree it visits everything that is not
/// zeros. Holds one path.
public final class TreeDifference {
    private final NodeReader reader;

    /// Is told of each chunk that differs.
    public interface Visitor {
        /// @param chunk its number
        /// @param before its id in the first tree; null: zeros
        /// @param after its id in the second tree; null: zeros
        void chunk(long chunk, @Nullable ItemId before, @Nullable ItemId after);

        /// A node of the second tree is about to be walked.
        default void node(ItemId id, int level) {}

        /// Whether a node of the second tree needs no walk, nor anything below it: it was walked before, in another place.
        default boolean isKnown(ItemId id, int level) {
            return false;
        }

        /// A node of the second tree was walked, and all below it, as far as it can be read.
        default void walked(ItemId id, int level) {}

        /// A node of the second tree can't be read. What it covers is left out if this returns.
        ///
        /// @param index how many nodes of this level come before it on the disk
        default void unreadable(int level, long index, VaultException why) {
            throw why;
        }
    }

    /// Is told of a node or chunk.
    @FunctionalInterface
    public interface ItemVisitor {
        void item(ItemId id, boolean isChunk);
    }

    public TreeDifference(NodeReader reader) {
        this.reader = reader;
    }

    /// Visits the differing chunks in ascending order. Trees of disks of different sizes may be compared: what lies
    /// behind the end of a disk counts as zeros.
    public void walk(
            @Nullable ItemId first,
            TreeShape firstShape,
            @Nullable ItemId second,
            TreeShape secondShape,
            Visitor visitor) {
        int level = Math.max(firstShape.rootLevel(), secondShape.rootLevel());
        walk(root(first, firstShape), root(second, secondShape), level, 0, visitor);
    }

    /// As [#walk], but visits the items of the second tree alone: its nodes, each before what is below it, and its chunks.
    public void walkItems(
            @Nullable ItemId first,
            TreeShape firstShape,
            @Nullable ItemId second,
            TreeShape secondShape,
            ItemVisitor visitor) {
        walk(
                first,
                firstShape,
                second,
                secondShape,
                new Visitor() {
                    @Override
                    public void chunk(long chunk, @Nullable ItemId before, @Nullable ItemId after) {
                        if (after != null) {
                            visitor.item(after, true);
                        }
                    }

                    @Override
                    public void node(ItemId id, int level) {
                        visitor.item(id, false);
                    }
                });
    }

    private void walk(
            @Nullable Root first, @Nullable Root second, int level, long index, Visitor visitor) {
        if (isSame(first, second)) {
            return;
        }
        Root node = second != null && second.level == level ? second : null;
        if (node != null) {
            // At the disk's end it matters where a node stands.
            if (node.shape.isInside(level, index) && visitor.isKnown(node.id, level)) {
                return;
            }
            visitor.node(node.id, level);
        }
        Node before = load(first, level, index);
        Node after;
        try {
            after = load(second, level, index);
        } catch (VaultException e) {
            visitor.unreadable(level, index, e);
            return;
        }
        for (int i = 0; i < Node.FAN_OUT; i++) {
            long child = index << TreeShape.FAN_OUT_LOG2 | i;
            if (level > 0) {
                walk(
                        child(first, before, level, i),
                        child(second, after, level, i),
                        level - 1,
                        child,
                        visitor);
            } else {
                ItemId old = before == null ? null : before.child(i);
                ItemId young = after == null ? null : after.child(i);
                if (!Objects.equals(old, young)) {
                    visitor.chunk(child, old, young);
                }
            }
        }
        if (node != null) {
            visitor.walked(node.id, level);
        }
    }

    /// A subtree, whose root may stand lower than where the walk is: it is then what is reached through first
    /// children only.
    ///
    /// @param shape of the disk
    private record Root(ItemId id, int level, TreeShape shape) {}

    private static boolean isSame(@Nullable Root first, @Nullable Root second) {
        if (first == null || second == null) {
            return first == null && second == null;
        }
        return first.level == second.level && first.id.equals(second.id);
    }

    private @Nullable Node load(@Nullable Root root, int level, long index) {
        if (root == null || root.level < level) {
            return null;
        }
        Node node = reader.read(root.id, level);
        root.shape.requireWithin(node, index);
        return node;
    }

    private static @Nullable Root child(
            @Nullable Root root, @Nullable Node node, int level, int i) {
        if (root != null && root.level < level) {
            return i == 0 ? root : null;
        }
        ItemId id = node == null ? null : node.child(i);
        return id == null || root == null ? null : new Root(id, level - 1, root.shape);
    }

    private static @Nullable Root root(@Nullable ItemId id, TreeShape shape) {
        return id == null ? null : new Root(id, shape.rootLevel(), shape);
    }
}
