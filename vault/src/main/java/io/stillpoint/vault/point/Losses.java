package io.stillpoint.vault.point;

import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.store.VaultException;

/// Is told of ranges of a disk that can't be restored, by many threads. Returning leaves them zeros and goes on; throwing
/// ends the restore.
@FunctionalInterface
public interface Losses {
    /// Nothing may be lost.
    Losses REFUSED =
            (_, why) -> {
                throw why;
            };

    /// @param range of the disk, in whole chunks but for its end
    /// @param why kind `DAMAGED` or `MISSING`
    void lost(Extent range, VaultException why);
}
