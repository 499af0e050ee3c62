package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.nbd.NbdTarget;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.OwnedDescriptor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Base64;
import tools.jackson.databind.JsonNode;

/// Makes the scratch image, the mark and the filter of a disk, outside of the guest's sight.
final class ScratchImages {
    /// Room for the tables that the image gets as it grows, beside the guest's blocks.
    private static final long TABLES_BYTES = 8 << 20;

    private static final int SECTOR_BYTES = 512;
    private static final int SECRET_BYTES = 32;

    private final Monitor monitor;
    private final VmPaths paths;
    private final JobNames names;
    private final ByteSize limit;
    private final Randomness randomness = Randomness.secure();
    private final NbdServer server;

    ScratchImages(SnapshotPlace place, JobNames names, ByteSize limit) {
        this.server = place.server();
        this.monitor = place.monitor();
        this.paths = place.paths();
        this.names = names;
        this.limit = limit;
    }

    /// Adds the nodes from the file up to the filter. The filter stands aside until a device is put on it.
    void add(GuestDisk disk, int index) {
        createFile(disk, index);
        addWindow(disk, index);
        addFleece(disk, index);
        if (disk.writable()) {
            addFilter(disk, index);
        }
        if (disk.recordsChanges()) {
            addMark(disk, index);
        }
    }

    /// The file is made here, for our user alone, and handed to QEMU open: QEMU's user, its confinement and its view of
    /// the file system have no part in it.
    private void createFile(GuestDisk disk, int index) {
        String name = paths.scratchImage(names, index);
        String passphrase = disk.encrypted() ? passphrase() : "";
        JsonNode set;
        try (OwnedDescriptor file = paths.folder().newFile(name)) {
            writeImage(name, new EmptyScratchImage(disk.size()), passphrase);
            set =
                    monitor.execute(
                            "add-fd",
                            Json.object().put("opaque", paths.folder().shown(name).toString()),
                            file);
        } catch (HypervisorException e) {
            if (e.kind() == Kind.REFUSED) {
                throw new HypervisorException(
                        Kind.UNSUPPORTED, "vm.not-direct", e, monitor.socket());
            }
            throw e;
        }
        try {
            monitor.execute(
                    "blockdev-add",
                    Json.object()
                            .put("driver", "file")
                            .put("node-name", names.name(Role.FILE, index))
                            .put("filename", "/dev/fdset/" + set.path("fdset-id").asLong())
                            .put("discard", "unmap"));
        } catch (HypervisorException e) {
            throw e.kind() == Kind.REFUSED ? confined(name, e) : e;
        }
        if (disk.encrypted()) {
            addCipher(disk, index, passphrase);
        }
    }

    /// A random one that is nowhere but in QEMU's memory. The scratch image of a disk that QEMU decrypts would hold what is
    /// plain text otherwise.
    private String passphrase() {
        return Base64.getEncoder().encodeToString(randomness.bytes(SECRET_BYTES));
    }

    private void writeImage(String name, EmptyScratchImage image, String passphrase) {
        byte[] bytes = image.beginning();
        if (!passphrase.isEmpty()) {
            byte[] whole = Arrays.copyOf(bytes, image.length());
            String uuid = names.lineage() + names.job();
            bytes = LuksContainer.of(whole, passphrase, uuid, randomness::bytes);
        }
        try {
            Files.write(paths.folder().at(name), bytes, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNSUPPORTED, "scratch.folder", e, paths.folder().path(), Reason.of(e));
        }
    }

    /// Between the file and the image.
    private void addCipher(GuestDisk disk, int index, String passphrase) {
        String secret = names.name(Role.SECRET, index);
        monitor.execute(
                "object-add",
                Json.object().put("qom-type", "secret").put("id", secret).put("data", passphrase));
        monitor.execute(
                "block_resize",
                Json.object()
                        .put("node-name", names.name(Role.FILE, index))
                        .put("size", windowBytes(disk) + LuksContainer.HEADER_BYTES));
        monitor.execute(
                "blockdev-add",
                Json.object()
                        .put("driver", "luks")
                        .put("node-name", names.name(Role.CIPHER, index))
                        .put("file", names.name(Role.FILE, index))
                        .put("key-secret", secret)
                        .put("discard", "unmap"));
    }

    /// The node that holds the image.
    private String container(GuestDisk disk, int index) {
        return names.name(disk.encrypted() ? Role.CIPHER : Role.FILE, index);
    }

    /// Ends the scratch image at the limit inside QEMU, so that it is kept even when we are gone and can't
    /// watch: a write beyond the window fails, which breaks the snapshot.
    private void addWindow(GuestDisk disk, int index) {
        if (!disk.encrypted()) {
            monitor.execute(
                    "block_resize",
                    Json.object()
                            .put("node-name", names.name(Role.FILE, index))
                            .put("size", windowBytes(disk)));
        }
        monitor.execute(
                "blockdev-add",
                Json.object()
                        .put("driver", "raw")
                        .put("node-name", names.name(Role.WINDOW, index))
                        .put("file", container(disk, index))
                        .put("size", windowBytes(disk)));
    }

    private long windowBytes(GuestDisk disk) {
        long clusters = Math.ceilDiv(limit.bytes(), EmptyScratchImage.CLUSTER_BYTES);
        return clusters * EmptyScratchImage.CLUSTER_BYTES
                + TABLES_BYTES
                + new EmptyScratchImage(disk.size()).length();
    }

    private void addFleece(GuestDisk disk, int index) {
        monitor.execute(
                "blockdev-add",
                Json.object()
                        .put("driver", "qcow2")
                        .put("node-name", names.name(Role.FLEECE, index))
                        .put("file", names.name(Role.WINDOW, index))
                        .put("backing", disk.node())
                        .put("discard", "unmap"));
    }

    private void addFilter(GuestDisk disk, int index) {
        monitor.execute(
                "blockdev-add",
                Json.object()
                        .put("driver", "copy-before-write")
                        .put("node-name", names.name(Role.FILTER, index))
                        .put("file", disk.node())
                        .put("target", names.name(Role.FLEECE, index))
                        .put("on-cbw-error", "break-snapshot")
                        .put("cbw-timeout", 45));
    }

    /// A bitmap whose last bit is set, which no command of QEMU can do: it takes a write, here to a node that keeps
    /// nothing. The disk's bitmaps begin as copies of it. Whoever clears one of them, or makes the disk shorter, takes
    /// that bit away, and no growing back brings it again.
    private void addMark(GuestDisk disk, int index) {
        String mark = names.name(Role.MARK, index);
        monitor.execute(
                "blockdev-add",
                Json.object()
                        .put("driver", "null-co")
                        .put("node-name", mark)
                        .put("size", disk.size())
                        .put("read-zeroes", true));
        monitor.execute(
                "block-dirty-bitmap-add",
                Json.object()
                        .put("node", mark)
                        .put("name", names.merged())
                        .put("granularity", Instant.GRANULARITY_BYTES));
        monitor.execute(
                "block-export-add",
                Json.object()
                        .put("type", "nbd")
                        .put("id", mark)
                        .put("node-name", mark)
                        .put("name", mark)
                        .put("writable", true));
        long last = (disk.size() - 1) / SECTOR_BYTES * SECTOR_BYTES;
        try (NbdTarget target = NbdTarget.open(server.address(), mark, 1, monitor.threads())) {
            target.write(last, new byte[SECTOR_BYTES], 0, (int) (disk.size() - last));
        }
        monitor.execute("block-export-del", Json.object().put("id", mark).put("mode", "hard"));
    }

    /// QEMU was handed an open file and may not use it: something confines it.
    private HypervisorException confined(String name, HypervisorException cause) {
        return new HypervisorException(
                Kind.REFUSED,
                "scratch.not-created",
                cause,
                paths.folder().shown(name),
                cause,
                Confinement.advice(monitor.process(), paths.folder().path()));
    }
}
