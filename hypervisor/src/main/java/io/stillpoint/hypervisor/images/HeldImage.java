package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.nbd.NbdClient;
import io.stillpoint.hypervisor.nbd.NbdSource;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.natives.SparseFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// An image that is only read, and that nobody else may write meanwhile.
final class HeldImage implements HeldDisk, AutoCloseable {
    /// The byte that QEMU locks while it may write an image: RAW_LOCK_PERM_BASE + bit of BLK_PERM_WRITE
    /// (block/file-posix.c).
    private static final long QEMU_WRITES = 100 + 1;

    private final String name;
    private final Path path;
    private final String format;
    private final @Nullable StorageDaemon daemon;
    private final long size;
    private final Stamp stamp;

    private HeldImage(
            String name,
            Path path,
            String format,
            @Nullable StorageDaemon daemon,
            long size,
            Stamp stamp) {
        this.name = name;
        this.path = path;
        this.format = format;
        this.daemon = daemon;
        this.size = size;
        this.stamp = stamp;
    }

    /// What changes when a file is written. A block device has no such thing.
    private record Stamp(long bytes, FileTime modified) {
        static Stamp of(Path path) {
            try {
                return Files.isRegularFile(path)
                        ? new Stamp(Files.size(path), Files.getLastModifiedTime(path))
                        : new Stamp(0, FileTime.fromMillis(0));
            } catch (IOException e) {
                throw ImageErrors.failed(path, e);
            }
        }
    }

    static HeldImage hold(String name, Path path, String format) {
        Stamp stamp = Stamp.of(path);
        StorageDaemon daemon = null;
        if (format.equals(ImageFormat.RAW)) {
            requireUnlocked(path);
        } else {
            daemon = StorageDaemon.start(path, format, false);
        }
        boolean done = false;
        try (BlockSource source = open(path, daemon)) {
            HeldImage image = new HeldImage(name, path, format, daemon, source.size(), stamp);
            done = true;
            return image;
        } finally {
            if (!done && daemon != null) {
                daemon.close();
            }
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public String format() {
        return format;
    }

    @Override
    public ChangedBlocks changes() {
        return new ChangedBlocks.Unknown(ChangedBlocks.Reason.NOT_SUPPORTED);
    }

    @Override
    public Optional<String> generation() {
        return Optional.empty();
    }

    @Override
    public BlockSource open() {
        return open(path, daemon);
    }

    /// Throws a [HypervisorException] of kind IMAGE if the image was written since it is held.
    void proveValid() {
        if (!Stamp.of(path).equals(stamp)) {
            throw ImageErrors.of("image.changed", path);
        }
        if (daemon == null) {
            requireUnlocked(path);
        }
    }

    @Override
    public void close() {
        if (daemon != null) {
            daemon.close();
        }
    }

    private static BlockSource open(Path path, @Nullable StorageDaemon daemon) {
        return daemon == null
                ? RawSource.open(path)
                : NbdSource.open(
                        daemon.address(), StorageDaemon.EXPORT, NbdClient.DEFAULT_CONNECTIONS);
    }

    private static void requireUnlocked(Path path) {
        try (SparseFile file = SparseFile.open(path)) {
            if (file.isLocked(QEMU_WRITES)) {
                throw ImageErrors.of("image.in-use", path, "locked for writing");
            }
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }
}
