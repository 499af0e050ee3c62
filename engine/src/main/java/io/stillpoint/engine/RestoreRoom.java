package io.stillpoint.engine;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.images.RestoreTarget;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.PointDisk;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Whether there is room for images that are to be restored.
record RestoreRoom(Vault vault, Cancellation cancellation) {
    /// What a file needs besides its content: an image's tables, a file system's own.
    private static final long METADATA_BYTES = 1 << 20;

    /// A disk and the new file that it is to be restored to.
    record Wanted(PointDisk disk, Path file) {}

    /// Throws a [HypervisorException] of kind NO_SPACE if these files will not all fit. Their folders are there. Writes
    /// nothing; reads disks' maps only where the disks' sizes don't answer it.
    void require(List<Wanted> all) {
        Map<FileStore, List<Wanted>> byStore = new LinkedHashMap<>();
        for (Wanted wanted : all) {
            Path folder = folder(wanted);
            try {
                byStore.computeIfAbsent(Files.getFileStore(folder), _ -> new ArrayList<>())
                        .add(wanted);
            } catch (IOException e) {
                throw failed(folder, e);
            }
        }
        byStore.forEach(this::require);
    }

    private void require(FileStore store, List<Wanted> all) {
        Path folder = folder(all.getFirst());
        try {
            long usable = store.getUsableSpace();
            long needed = METADATA_BYTES * all.size();
            if (usable - needed >= all.stream().mapToLong(each -> each.disk.image().size()).sum()) {
                return;
            }
            for (Wanted wanted : all) {
                cancellation.check();
                needed += vault.dataBytes(wanted.disk.image());
            }
            if (needed > usable) {
                throw RestoreTarget.noRoom(folder, new ByteSize(needed), new ByteSize(usable));
            }
        } catch (IOException e) {
            throw failed(folder, e);
        }
    }

    private static Path folder(Wanted wanted) {
        Path folder = wanted.file.toAbsolutePath().getParent();
        return folder == null ? wanted.file : folder;
    }

    static HypervisorException failed(Path path, IOException e) {
        return new HypervisorException(
                HypervisorException.Kind.IMAGE, "image.failed", e, path, Reason.of(e));
    }
}
