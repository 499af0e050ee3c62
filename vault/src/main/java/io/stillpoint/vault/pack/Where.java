package io.stillpoint.vault.pack;

import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.VaultException;

/// Which object is being read, for messages about damage.
///
/// @param store the store's description
public record Where(String store, ObjectName name) {
    /// The error for a part of the object that is not what was written.
    public VaultException damaged(String part) {
        return VaultException.damaged(name, store, part);
    }
}
