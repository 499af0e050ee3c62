package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.disk.PlainFile;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The monitors that backups of this installation used, with the scratch folder of the latest: where something of ours
/// may be left. One small file for each in a folder of its own:
///
/// ```
/// KEY.json    {"vm": NAME, "socket": PATH, "scratch": PATH, "id"?: VMID}
/// ```
public final class KnownMonitors {
    private static final int FILE_BYTES_MAX = 64 << 10;

    private final Path folder;

    /// A monitor that was used.
    ///
    /// @param vm the name of the VM's recovery points
    /// @param scratch where its latest snapshot had its scratch images
    /// @param id of the VM that was met there last, if it was noted
    public record Known(String vm, Path socket, Path scratch, Optional<VmId> id) {
        /// Of a VM whose id is not known.
        public Known(String vm, Path socket, Path scratch) {
            this(vm, socket, scratch, Optional.empty());
        }
    }

    /// @param folder made when something is noted
    public KnownMonitors(Path folder) {
        this.folder = folder;
    }

    /// All of them. A file that can't be read is passed over.
    public List<Known> all() {
        List<Known> all = new ArrayList<>();
        if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            return all;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "*.json")) {
            for (Path file : files) {
                read(file).ifPresent(all::add);
            }
        } catch (IOException e) {
            throw failure(e);
        }
        all.sort(Comparator.comparing(known -> known.socket().toString()));
        return all;
    }

    /// Notes a monitor, in place of what was noted of it.
    void note(Known known) {
        try {
            Files.createDirectories(
                    folder,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
            Path file = file(known.socket());
            Path next =
                    Files.createTempFile(
                            folder,
                            "new",
                            ".tmp",
                            PosixFilePermissions.asFileAttribute(
                                    PosixFilePermissions.fromString("rw-------")));
            ObjectNode json =
                    Json.object()
                            .put("vm", known.vm())
                            .put("socket", known.socket().toString())
                            .put("scratch", known.scratch().toString());
            known.id().ifPresent(id -> json.put("id", id.text()));
            Files.write(next, Json.bytes(json));
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            throw failure(e);
        }
    }

    /// Nothing is left there.
    public void forget(Known known) {
        try {
            Files.deleteIfExists(file(known.socket()));
        } catch (IOException e) {
            throw failure(e);
        }
    }

    private Path file(Path socket) {
        return folder.resolve(VmPaths.key(socket) + ".json");
    }

    private static Optional<Known> read(Path file) {
        try {
            JsonNode json = Json.parse(PlainFile.read(file, FILE_BYTES_MAX));
            String socket = json.path("socket").asString("");
            String scratch = json.path("scratch").asString("");
            return socket.isEmpty() || scratch.isEmpty()
                    ? Optional.empty()
                    : Optional.of(
                            new Known(
                                    json.path("vm").asString(""),
                                    Path.of(socket),
                                    Path.of(scratch),
                                    json.has("id")
                                            ? Optional.of(new VmId(json.path("id").asString("")))
                                            : Optional.empty()));
        } catch (IOException | JacksonException | IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    private HypervisorException failure(IOException cause) {
        return new HypervisorException(
                Kind.UNSUPPORTED, "known.folder", cause, folder, Reason.of(cause));
    }
}
