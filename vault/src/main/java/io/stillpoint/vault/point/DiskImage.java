package io.stillpoint.vault.point;

import io.stillpoint.vault.crypto.ItemId;
import io.stillpoint.vault.tree.TreeShape;
import org.jspecify.annotations.Nullable;

/// A disk's content in the vault.
///
/// @param size in bytes
/// @param root of its block tree; null: all zeros
public record DiskImage(long size, @Nullable ItemId root) {
    public TreeShape shape() {
        return new TreeShape(size);
    }
}
