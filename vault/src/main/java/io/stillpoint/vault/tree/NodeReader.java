package io.stillpoint.vault.tree;

import io.stillpoint.vault.crypto.ItemId;

/// Reads nodes of a vault. Safe for use by several threads.
public interface NodeReader {
    /// The node of this id. Throws kinds `MISSING` or `DAMAGED`, also when its level is not `level`.
    Node read(ItemId id, int level);
}
