package io.stillpoint.guest.extension;

import java.util.List;
import java.util.Optional;

/// What the host keeps of all VMs' extensions. Every method throws [ExtensionException] of kind `STATE` when the records can't
/// be had; one that is damaged is never taken for none.
public interface ExtensionRecords {
    Optional<ExtensionRecord> of(String vm);

    /// By the VMs' names.
    List<ExtensionRecord> all();

    /// Replaces what there was. It lasts when this returns.
    void save(ExtensionRecord extension);

    /// Returns whether there was one.
    boolean remove(String vm);
}
