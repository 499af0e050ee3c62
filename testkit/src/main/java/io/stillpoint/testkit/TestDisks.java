package io.stillpoint.testkit;

import io.stillpoint.demo.VmDisk;
import io.stillpoint.platform.ByteSize;
import java.nio.file.Path;

/// Makes disks for a [TestVm] in a folder, each called as its serial number. Without flushes to the host's disk:
/// tests end processes, not the host.
public record TestDisks(Path folder) {
    /// A raw disk without a file system.
    public VmDisk raw(String serial, ByteSize size) {
        Path file = SparseImage.create(folder.resolve(serial + ".raw"), size).file();
        return VmDisk.raw(serial, file).cached(VmDisk.Cache.UNSAFE);
    }

    /// A raw disk with an empty ext4, which the guest mounts at `/data/<serial>`.
    public VmDisk ext4(String serial, ByteSize size) {
        Path file = SparseImage.create(folder.resolve(serial + ".raw"), size).ext4().file();
        return VmDisk.raw(serial, file).cached(VmDisk.Cache.UNSAFE);
    }

    /// A raw disk with an empty XFS of at least 300 MiB, which the guest mounts at `/data/<serial>`.
    public VmDisk xfs(String serial, ByteSize size) {
        VmDisk disk = raw(serial, size);
        HostCommand.run("/sbin/mkfs.xfs", "-q", disk.file().toString());
        return disk;
    }

    /// A raw disk with an empty Btrfs of at least 128 MiB, which the guest mounts at `/data/<serial>`.
    public VmDisk btrfs(String serial, ByteSize size) {
        VmDisk disk = raw(serial, size);
        HostCommand.run("/sbin/mkfs.btrfs", "-q", disk.file().toString());
        return disk;
    }

    /// A qcow2 disk without a file system.
    public VmDisk qcow2(String serial, ByteSize size) {
        Path file = folder.resolve(serial + ".qcow2");
        HostCommand.run(
                "qemu-img",
                "create",
                "-q",
                "-f",
                "qcow2",
                file.toString(),
                Long.toString(size.bytes()));
        return VmDisk.qcow2(serial, file).cached(VmDisk.Cache.UNSAFE);
    }

    /// A qcow2 disk with an empty ext4, which the guest mounts at `/data/<serial>`.
    public VmDisk qcow2Ext4(String serial, ByteSize size) {
        VmDisk formatted = ext4(serial, size);
        Path file = folder.resolve(serial + ".qcow2");
        HostCommand.run(
                "qemu-img",
                "convert",
                "-f",
                "raw",
                "-O",
                "qcow2",
                formatted.file().toString(),
                file.toString());
        HostCommand.run("rm", formatted.file().toString());
        return VmDisk.qcow2(serial, file).cached(VmDisk.Cache.UNSAFE);
    }
}
