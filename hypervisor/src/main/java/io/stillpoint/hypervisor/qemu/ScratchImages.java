package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.natives.OwnedDescriptor;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Makes the scratch image and the filter of a disk, outside of the guest's sight.
final class ScratchImages {
    /// Room for the image's own tables beside the guest's blocks.
    private static final long TABLES_BYTES = 8 << 20;

    private static final long CLUSTER_BYTES = 64 << 10;
    private static final Duration FORMAT_MAX = Duration.ofSeconds(60);

    /// Before the data of an encrypted scratch image.
    private static final long KEYS_BYTES = 4 << 20;

    private static final int SECRET_BYTES = 32;

    /// A random key of 256 bits gains nothing by being stretched; fewer are too few for QEMU to measure.
    private static final int ITERATION_MILLIS = 100;

    private static final int ENCRYPTION_ATTEMPTS = 50;

    private final Monitor monitor;
    private final VmPaths paths;
    private final JobNames names;
    private final ByteSize limit;
    private final Randomness randomness = Randomness.secure();

    ScratchImages(Monitor monitor, VmPaths paths, JobNames names, ByteSize limit) {
        this.monitor = monitor;
        this.paths = paths;
        this.names = names;
        this.limit = limit;
    }

    /// Adds the nodes from the file up to the filter. The filter stands aside until a device is put on it.
    void add(GuestDisk disk, int index) {
        createFile(index);
        Optional<String> secret =
                disk.encrypted() ? Optional.of(addSecret(index)) : Optional.empty();
        format(disk, index, secret);
        addWindow(index);
        addFleece(disk, index, secret);
        if (disk.writable()) {
            addFilter(disk, index);
        }
    }

    /// The file is made here, for our user alone, and handed to QEMU open: QEMU's user, its confinement and its view of
    /// the file system have no part in it.
    private void createFile(int index) {
        String name = paths.scratchImage(names, index);
        JsonNode set;
        try (OwnedDescriptor file = paths.folder().newFile(name)) {
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
    }

    /// A random key that is nowhere but in QEMU's memory. The scratch image of a disk that QEMU decrypts would hold what
    /// is plain text otherwise.
    private String addSecret(int index) {
        String id = names.name(Role.SECRET, index);
        monitor.execute(
                "object-add",
                Json.object()
                        .put("qom-type", "secret")
                        .put("id", id)
                        .put("format", "base64")
                        .put(
                                "data",
                                Base64.getEncoder()
                                        .encodeToString(randomness.bytes(SECRET_BYTES))));
        return id;
    }

    private static ObjectNode encryption(String secret) {
        return Json.object().put("format", "luks").put("key-secret", secret);
    }

    private void format(GuestDisk disk, int index, Optional<String> secret) {
        String error = "";
        // LUKS measures its own speed and fails on a host that is too busy, or too fast, for that.
        for (int i = 0; i < (secret.isPresent() ? ENCRYPTION_ATTEMPTS : 1); i++) {
            error = tryFormat(disk, index, secret);
            if (error.isEmpty()) {
                return;
            }
        }
        String name = paths.scratchImage(names, index);
        throw confined(
                name,
                new HypervisorException(
                        Kind.REFUSED,
                        "qmp.refused",
                        null,
                        monitor.socket(),
                        "blockdev-create",
                        "job",
                        error));
    }

    /// What failed, or nothing.
    private String tryFormat(GuestDisk disk, int index, Optional<String> secret) {
        String job = names.name(Role.CREATE, index);
        ObjectNode options =
                Json.object()
                        .put("driver", "qcow2")
                        .put("file", names.name(Role.FILE, index))
                        .put("size", disk.size());
        secret.ifPresent(
                id -> options.set("encrypt", encryption(id).put("iter-time", ITERATION_MILLIS)));
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
        boolean isOver = false;
        for (JsonNode each : monitor.execute("query-jobs")) {
            if (each.path("id").asString("").equals(job)
                    && each.path("status").asString("").equals("concluded")) {
                error = each.path("error").asString("");
                isOver = true;
            }
        }
        if (isOver) {
            monitor.execute("job-dismiss", Json.object().put("id", job));
        }
        return error;
    }

    /// Ends the scratch image at the limit inside QEMU, so that it is kept even when we are gone and can't
    /// watch: a write beyond the window fails, which breaks the snapshot.
    private void addWindow(int index) {
        String file = names.name(Role.FILE, index);
        long clusters = Math.ceilDiv(limit.bytes(), CLUSTER_BYTES);
        long bytes = clusters * CLUSTER_BYTES + TABLES_BYTES + KEYS_BYTES;
        monitor.execute("block_resize", Json.object().put("node-name", file).put("size", bytes));
        monitor.execute(
                "blockdev-add",
                Json.object()
                        .put("driver", "raw")
                        .put("node-name", names.name(Role.WINDOW, index))
                        .put("file", file)
                        .put("size", bytes));
    }

    private void addFleece(GuestDisk disk, int index, Optional<String> secret) {
        ObjectNode fleece =
                Json.object()
                        .put("driver", "qcow2")
                        .put("node-name", names.name(Role.FLEECE, index))
                        .put("file", names.name(Role.WINDOW, index))
                        .put("backing", disk.node())
                        .put("discard", "unmap");
        secret.ifPresent(id -> fleece.set("encrypt", encryption(id)));
        monitor.execute("blockdev-add", fleece);
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

    /// QEMU was handed an open file and may not use it: something confines it.
    private HypervisorException confined(String name, HypervisorException cause) {
        return new HypervisorException(
                Kind.REFUSED,
                "scratch.not-created",
                cause,
                paths.folder().shown(name),
                String.valueOf(cause.getMessage()),
                Confinement.advice(monitor.process(), paths.folder().path()));
    }
}
