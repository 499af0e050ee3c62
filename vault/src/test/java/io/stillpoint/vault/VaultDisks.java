package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.read.ChunkReader;
import io.stillpoint.vault.read.ChunkReaders;
import io.stillpoint.vault.read.Contents;
import io.stillpoint.vault.read.VaultDisk;

/// Disks of recovery points as sources, for tests in other packages.
public final class VaultDisks {
    private VaultDisks() {}

    public static BlockSource of(Vault vault, DiskImage image) {
        Contents contents = vault.parts().contents();
        JobShare job =
                ProcessResources.ofThisProcess().begin(ChunkReader.MEMORY, new Cancellation());
        return new VaultDisk(contents, image, new ChunkReaders(contents, job));
    }
}
