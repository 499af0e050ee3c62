package io.stillpoint.vault;

import io.stillpoint.platform.block.BlockSource;

/// Disks of recovery points as sources, for tests in other packages.
public final class VaultDisks {
    private VaultDisks() {}

    public static BlockSource of(Vault vault, DiskImage image) {
        return new VaultDisk(vault, image, new ChunkReaders(vault));
    }
}
