package io.stillpoint.demo;

import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/// A disk of a VM.
///
/// In QEMU its block node is called as its serial number (with [Wiring#DRIVE] QEMU makes up a name) and its
/// device `<serial>-dev`. The guest mounts its file system at `/data/<serial>`.
///
/// @param serial letters, digits, `_` and `-`, starting with a letter, at most 20
/// @param iothread whether a thread of its own serves the disk, as production setups often have it
public record VmDisk(
        String serial, Path file, Format format, Wiring wiring, boolean iothread, Cache cache) {
    // virtio-blk cuts longer serial numbers silently.
    private static final Pattern SERIAL = Pattern.compile("[A-Za-z][A-Za-z0-9_-]{0,19}");

    /// How the image file is laid out.
    public enum Format {
        RAW,
        QCOW2;

        /// QEMU's name for it.
        public String driver() {
            return this == RAW ? "raw" : "qcow2";
        }
    }

    /// How the disk is described to QEMU; VMs out there have all of these.
    public enum Wiring {
        /// `-blockdev` and `-device virtio-blk-pci`, as libvirt does it.
        BLOCKDEV,
        /// `-drive if=none` and `-device virtio-blk-pci`, as hand-written scripts do it.
        DRIVE,
        /// `-blockdev` on a virtio-scsi controller.
        SCSI
    }

    /// What the host does with the guest's writes.
    public enum Cache {
        /// Through the page cache; flushes are obeyed.
        WRITEBACK,
        /// Around the page cache.
        NONE,
        /// Through the page cache; flushes are ignored. A crash of the host, but not of QEMU, loses data.
        UNSAFE
    }

    public VmDisk {
        if (!SERIAL.matcher(serial).matches()) {
            throw new IllegalArgumentException(
                    "disk serial '" + serial + "' does not match " + SERIAL);
        }
        if (iothread && wiring == Wiring.SCSI) {
            throw new IllegalArgumentException(
                    "disk " + serial + ": the SCSI controller is shared, it has no iothread here");
        }
    }

    public static VmDisk raw(String serial, Path file) {
        return new VmDisk(serial, file, Format.RAW, Wiring.BLOCKDEV, false, Cache.WRITEBACK);
    }

    public static VmDisk qcow2(String serial, Path file) {
        return new VmDisk(serial, file, Format.QCOW2, Wiring.BLOCKDEV, false, Cache.WRITEBACK);
    }

    public VmDisk wired(Wiring other) {
        return new VmDisk(serial, file, format, other, iothread, cache);
    }

    public VmDisk withIothread() {
        return new VmDisk(serial, file, format, wiring, true, cache);
    }

    public VmDisk cached(Cache other) {
        return new VmDisk(serial, file, format, wiring, iothread, other);
    }

    /// The id of its device in QEMU: `/machine/peripheral/<id>`.
    public String deviceId() {
        return serial + "-dev";
    }

    List<String> arguments() {
        return switch (wiring) {
            case BLOCKDEV ->
                    List.of("-blockdev", fileNode(), "-blockdev", formatNode(), "-device", block());
            case DRIVE -> List.of("-drive", drive(), "-device", block());
            case SCSI ->
                    List.of("-blockdev", fileNode(), "-blockdev", formatNode(), "-device", scsi());
        };
    }

    private String fileNode() {
        return "driver=file,node-name=%s-file,filename=%s,discard=unmap%s"
                .formatted(serial, escaped(), caching());
    }

    private String formatNode() {
        return "driver=%s,node-name=%s,file=%s-file,discard=unmap%s"
                .formatted(format.driver(), serial, serial, caching());
    }

    private String caching() {
        return switch (cache) {
            case WRITEBACK -> "";
            case NONE -> ",cache.direct=on";
            case UNSAFE -> ",cache.no-flush=on";
        };
    }

    private String drive() {
        String mode =
                switch (cache) {
                    case WRITEBACK -> "writeback";
                    case NONE -> "none";
                    case UNSAFE -> "unsafe";
                };
        return "if=none,id=%s,file=%s,format=%s,discard=unmap,cache=%s"
                .formatted(serial, escaped(), format.driver(), mode);
    }

    private String block() {
        return "virtio-blk-pci,id=%s,drive=%s,serial=%s%s"
                .formatted(
                        deviceId(),
                        serial,
                        serial,
                        iothread ? ",iothread=" + serial + "-thread" : "");
    }

    private String scsi() {
        return "scsi-hd,id=%s,bus=scsi.0,drive=%s,serial=%s".formatted(deviceId(), serial, serial);
    }

    /// In QEMU's option lists a comma inside a value is doubled.
    private String escaped() {
        return file.toAbsolutePath().toString().replace(",", ",,");
    }
}
