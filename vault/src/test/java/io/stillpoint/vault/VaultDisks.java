package io.stillpoint.vault;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.JobShare;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.read.ChunkReader;
import io.stillpoint.vault.read.ChunkReaders;
import io.stillpoint.vault.read.Contents;
import io.stillpoint.vault.read.VaultDisk;
import java.util.Iterator;

/// Disks of recovery points as sources, for tests in other packages.
public final class VaultDisks {
    private VaultDisks() {}

    public static BlockSource of(Vault vault, DiskImage image) {
        Contents contents = vault.parts().contents();
        JobShare job =
                ProcessResources.ofThisProcess().begin(ChunkReader.MEMORY, new Cancellation());
        ChunkReaders readers = new ChunkReaders(contents, job);
        return new WithReaders(new VaultDisk(contents, image, readers), readers);
    }

    /// A disk that is alone with its readers.
    private record WithReaders(VaultDisk disk, ChunkReaders readers) implements BlockSource {
        @Override
        public long size() {
            return disk.size();
        }

        @Override
        public Iterator<Extent> dataExtents() {
            return disk.dataExtents();
        }

        @Override
        public void read(long offset, byte[] into, int at, int length) {
            disk.read(offset, into, at, length);
        }

        @Override
        public void close() {
            disk.close();
            readers.close();
        }
    }
}
