package io.stillpoint.vault.tree;

import io.stillpoint.vault.crypto.ItemId;

/// Stores nodes in a vault.
@FunctionalInterface
public interface NodeWriter {
    /// Stores the node unless the vault has it already, and returns its id.
    ItemId write(Node node);
}
