package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.platform.text.Text;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// A disk image that is being written by a restore. A new file grows under the name `NAME.partial`, readable for its owner
/// alone, and gets its name by [#commit]; closing it without removes it. A block device is written in place.
///
/// Making one of these checks whether the target may be written and writes nothing: a restore of several disks makes all
/// targets first.
public interface RestoreTarget extends BlockTarget {
    /// Gives the image its name. Its content and its name last when this returns. Nothing may be written afterwards.
    void commit();

    /// The file that grows, until [#commit] gives it its name; empty for a device. The file stays the same one then.
    default Optional<Path> partial() {
        return Optional.empty();
    }

    /// Makes a device read as zeros, which takes its time. Without this call the first write does it.
    default void clear(Cancellation cancellation) {}

    /// Whether it has a past that [#clear] removes.
    default boolean needsClearing() {
        return false;
    }

    /// What its owner should know before it is written.
    default List<Text> warnings() {
        return List.of();
    }

    /// A raw image, sparse where nothing is written; or an existing block device of at least this size that nobody uses
    /// and that holds nothing.
    ///
    /// Throws a [HypervisorException][io.stillpoint.hypervisor.HypervisorException] of kind IMAGE when a file of
    /// that name exists, when it is neither file nor block device, when a device is too small, in use or has a
    /// signature of any content, or when another restore writes there.
    ///
    /// @param size bytes; need not be a multiple of anything
    static RestoreTarget createRaw(Path path, long size) {
        return isDevice(path) ? DeviceTarget.open(path, size, false) : RawTarget.create(path, size);
    }

    /// As above, but what a device holds may be lost, and it must be a device. One in use is refused all the same.
    static RestoreTarget overwriteDevice(Path path, long size) {
        if (!isDevice(path)) {
            throw ImageErrors.of("restore.no-device", path);
        }
        return DeviceTarget.open(path, size, true);
    }

    /// What to throw when the folder that targets are made in has less room than they will need.
    static HypervisorException noRoom(Path folder, ByteSize needed, ByteSize usable) {
        return new HypervisorException(
                Kind.NO_SPACE, "restore.no-room", null, folder, needed, usable);
    }

    /// A qcow2 image, written through `qemu-storage-daemon`. Errors are those of [#createRaw]; a device is refused.
    ///
    /// @param size bytes; rounded up to a multiple of 512 by the format
    /// @param threads make the one that watches the daemon
    static RestoreTarget createQcow2(Path path, long size, Threads threads) {
        if (isDevice(path)) {
            throw ImageErrors.of("restore.device-is-raw", path);
        }
        return Qcow2Target.create(path, size, threads);
    }

    /// A file of that name would take the host's memory, and whoever wrote it has mistyped a device.
    private static void requireNoDevicePlace(Path path) {
        Path real = path.toAbsolutePath().normalize();
        if (real.startsWith("/dev") && !real.startsWith("/dev/shm")) {
            throw ImageErrors.of("restore.device-missing", path);
        }
    }

    /// Throws for what is neither a file nor a block device.
    private static boolean isDevice(Path path) {
        if (!Files.exists(path)) {
            requireNoDevicePlace(path);
            return false;
        }
        FileIdentity identity = ImageChain.identity(path);
        return switch (identity.kind()) {
            case BLOCK_DEVICE -> true;
            case FILE, FOLDER -> false;
            case CHARACTER_DEVICE, FIFO, SOCKET, UNKNOWN ->
                    throw ImageErrors.of("restore.no-image-there", path);
        };
    }
}
