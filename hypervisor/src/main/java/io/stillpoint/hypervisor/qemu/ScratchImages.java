package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.nbd.NbdTarget;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Optional;
import jdk.net.UnixDomainPrincipal;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Makes the scratch image, the mark and the filter of a disk, outside of the guest's sight.
final class ScratchImages {
    /// Room for the image's own tables beside the guest's blocks.
    private static final long TABLES_BYTES = 8 << 20;

    private static final long CLUSTER_BYTES = 64 << 10;
    private static final int SECTOR_BYTES = 512;
    private static final Duration FORMAT_MAX = Duration.ofSeconds(60);

    private final Monitor monitor;
    private final VmPaths paths;
    private final JobNames names;
    private final ByteSize limit;
    private final NbdServer server;

    ScratchImages(
            Monitor monitor, VmPaths paths, JobNames names, ByteSize limit, NbdServer server) {
        this.server = server;
        this.monitor = monitor;
        this.paths = paths;
        this.names = names;
        this.limit = limit;
    }

    /// Adds the nodes from the file up to the filter. The filter stands aside until a device is put on it.
    void add(GuestDisk disk, int index) {
        String file = names.name(Role.FILE, index);
        Path path = paths.scratchImage(names, index);
        createFile(path);
        try {
            monitor.execute(
                    "blockdev-add",
                    Json.object()
                            .put("driver", "file")
                            .put("node-name", file)
                            .put("filename", path.toString())
                            .put("discard", "unmap"));
        } catch (HypervisorException e) {
            if (e.kind() == Kind.REFUSED) {
                throw notCreated(path, e);
            }
            throw e;
        }
        format(disk, index, path);
        addWindow(index);
        addFleece(disk, index);
        addFilter(disk, index);
        addMark(disk, index);
    }

    /// The file is made here with mode 0600, since what QEMU creates would be readable for others, and given
    /// to QEMU's user where that is another.
    private void createFile(Path path) {
        try {
            Files.createFile(
                    path,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------")));
            Optional<UnixDomainPrincipal> qemu = monitor.peer();
            if (qemu.isPresent() && !qemu.get().user().equals(Files.getOwner(path))) {
                Files.setOwner(path, qemu.get().user());
            }
        } catch (IOException | UnsupportedOperationException e) {
            throw new HypervisorException(
                    Kind.UNSUPPORTED, "scratch.folder", e, paths.folder(), e.toString());
        }
    }

    private void format(GuestDisk disk, int index, Path path) {
        String job = names.name(Role.CREATE, index);
        ObjectNode options =
                Json.object()
                        .put("driver", "qcow2")
                        .put("file", names.name(Role.FILE, index))
                        .put("size", disk.size());
        ObjectNode arguments = Json.object().put("job-id", job);
        arguments.set("options", options);
        monitor.execute("blockdev-create", arguments);
        monitor.awaitEvent(
                "JOB_STATUS_CHANGE",
                data ->
                        data.path("id").asString("").equals(job)
                                && data.path("status").asString("").equals("concluded"),
                FORMAT_MAX);
        String error = "it did not end within " + FORMAT_MAX.toSeconds() + " seconds";
        for (JsonNode each : monitor.execute("query-jobs")) {
            if (each.path("id").asString("").equals(job)
                    && each.path("status").asString("").equals("concluded")) {
                error = each.path("error").asString("");
            }
        }
        if (!error.isEmpty()) {
            throw notCreated(
                    path,
                    new HypervisorException(
                            Kind.REFUSED,
                            "qmp.refused",
                            null,
                            monitor.socket(),
                            "blockdev-create",
                            "job",
                            error));
        }
        monitor.execute("job-dismiss", Json.object().put("id", job));
    }

    /// Ends the scratch image at the limit inside QEMU, so that it is kept even when we are gone and can't
    /// watch: a write beyond the window fails, which breaks the snapshot.
    private void addWindow(int index) {
        String file = names.name(Role.FILE, index);
        long clusters = Math.ceilDiv(limit.bytes(), CLUSTER_BYTES);
        long bytes = clusters * CLUSTER_BYTES + TABLES_BYTES;
        monitor.execute("block_resize", Json.object().put("node-name", file).put("size", bytes));
        monitor.execute(
                "blockdev-add",
                Json.object()
                        .put("driver", "raw")
                        .put("node-name", names.name(Role.WINDOW, index))
                        .put("file", file)
                        .put("size", bytes));
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
        try (NbdTarget target = NbdTarget.open(server.address(), mark, 1)) {
            target.write(last, new byte[SECTOR_BYTES], 0, (int) (disk.size() - last));
        }
        monitor.execute("block-export-del", Json.object().put("id", mark).put("mode", "hard"));
    }

    private static HypervisorException notCreated(Path path, HypervisorException cause) {
        return new HypervisorException(
                Kind.REFUSED,
                "scratch.not-created",
                cause,
                path,
                String.valueOf(cause.getMessage()));
    }
}
