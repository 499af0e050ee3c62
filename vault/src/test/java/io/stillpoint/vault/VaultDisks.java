package io.stillpoint.vault;

import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.read.ChunkReaders;
import io.stillpoint.vault.read.VaultDisk;

/// Disks of recovery points as sources, for tests in other packages.
public final class VaultDisks {
    private VaultDisks() {}

    public static BlockSource of(Vault vault, DiskImage image) {
        return new VaultDisk(
                vault.parts().contents(), image, new ChunkReaders(vault.parts().contents()));
    }
}
