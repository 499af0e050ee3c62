package io.stillpoint.cli;

import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.MemoryJournal;
import io.stillpoint.engine.RestoreJob;
import io.stillpoint.engine.RestoreTask;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.PathPart;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint restore`
@Command(name = "restore", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class RestoreCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private Output output = new Output();

    @Mixin private PointOption chosen = new PointOption();

    @Option(names = "--disk", paramLabel = "NAME", descriptionKey = "option.disk")
    private @Nullable String diskName;

    @Option(names = "--to", required = true, paramLabel = "FILE|DIR", descriptionKey = "option.to")
    private String to = "";

    @Option(names = "--format", paramLabel = "raw|qcow2", descriptionKey = "option.format")
    private @Nullable Format format;

    @Option(names = "--overwrite", paramLabel = "DEVICE", descriptionKey = "option.overwrite")
    private @Nullable Path overwrite;

    /// What it asked for is always done.
    @SuppressWarnings("UnusedVariable")
    @Option(names = "--sync", hidden = true)
    private boolean sync;

    /// The formats of images that disks can be restored to.
    enum Format {
        raw,
        qcow2
    }

    /// Endings of formats that disks can't be restored to.
    private static final Set<String> OTHER_FORMATS =
            Set.of("qcow", "qed", "vmdk", "vhdx", "vhd", "vpc", "vdi", "ova", "ovf", "iso");

    private static final Set<String> RAW_ENDINGS = Set.of("", "raw", "img");

    /// A disk and the file or device it goes to.
    private record Task(PointDisk disk, Path file, Format format) {
        RestoreTask forJob(boolean overwrites) {
            return new RestoreTask(
                    disk.name(),
                    file,
                    overwrites
                            ? RestoreTask.Form.OVERWRITE
                            : switch (format) {
                                case raw -> RestoreTask.Form.RAW;
                                case qcow2 -> RestoreTask.Form.QCOW2;
                            });
        }
    }

    @Override
    public Integer call() {
        Cancellation cancellation = Interruption.cancellation();
        ObjectNode json = Json.object();
        ArrayNode restored = json.putArray("disks");
        List<String> lines = new ArrayList<>();
        requireFitTarget();
        try (Vault vault = vaultOptions.open();
                ConsoleEvents events = output.events()) {
            RecoveryPoint point = chosen.of(vault);
            List<Task> tasks = tasks(point);
            new RestoreJob(
                            vault,
                            new JobTools(
                                    new MemoryJournal(),
                                    events,
                                    cancellation,
                                    InstantSource.system(),
                                    Randomness.secure(),
                                    Readiness.process().threads()))
                    .run(point, tasks.stream().map(task -> task.forJob(overwrite != null)).toList())
                    .orThrow();
            for (Task task : tasks) {
                restored.addObject()
                        .put("name", task.disk.name())
                        .put("file", task.file.toString())
                        .put("format", task.format.name())
                        .put("size", task.disk.image().size());
                lines.add(
                        Output.text(
                                "restore.done", task.disk.name(), task.file, task.format.name()));
            }
            output.junk(vault);
        }
        output.done(json, String.join("\n", lines));
        return ExitCode.SUCCESS.status();
    }

    private static boolean isDevice(Path file) {
        return Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file);
    }

    private List<Task> tasks(RecoveryPoint point) {
        List<PointDisk> disks =
                point.disks().stream()
                        .filter(disk -> diskName == null || disk.name().equals(diskName))
                        .toList();
        if (point.disks().isEmpty()) {
            throw new InputException("restore.no-disks", point.id());
        }
        if (disks.isEmpty()) {
            throw new InputException(
                    "restore.no-such-disk", String.valueOf(diskName), names(point));
        }
        boolean isFolder = isFolder();
        if (!isFolder && disks.size() > 1) {
            throw new InputException(
                    "restore.many-disks", Integer.toString(disks.size()), names(point), to);
        }
        if (isFolder) {
            makeFolder();
        }
        return disks.stream().map(disk -> task(disk, isFolder)).toList();
    }

    /// What can be said of it before a passphrase is asked for and the vault is opened.
    private void requireFitTarget() {
        requireSameDevice();
        if (format == null && !isFolder()) {
            Format _ = formatOf(Path.of(to));
        }
    }

    /// A folder that is there, or a name that ends as only a folder's does. (A [Path] forgets that ending.)
    private boolean isFolder() {
        return to.endsWith("/") || Files.isDirectory(Path.of(to));
    }

    /// What may be lost has to be named another time.
    private void requireSameDevice() {
        if (overwrite == null) {
            return;
        }
        try {
            if (!Files.isSameFile(overwrite, Path.of(to))) {
                throw new InputException("restore.overwrite-other", overwrite, to);
            }
        } catch (IOException e) {
            throw new InputException("restore.overwrite-other", overwrite, to);
        }
    }

    private void makeFolder() {
        try {
            Files.createDirectories(
                    Path.of(to),
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        } catch (IOException e) {
            throw new InputException("restore.no-folder", to, Reason.of(e));
        }
    }

    private Task task(PointDisk disk, boolean isFolder) {
        if (isFolder) {
            Format chosen =
                    format != null
                            ? format
                            : disk.format().equals("qcow2") ? Format.qcow2 : Format.raw;
            // The name came from a hypervisor and lay in a store.
            return new Task(disk, Path.of(to, PathPart.of(disk.name()) + "." + chosen), chosen);
        }
        Path file = Path.of(to);
        return new Task(disk, file, format != null ? format : formatOf(file));
    }

    private static Format formatOf(Path file) {
        if (isDevice(file)) {
            return Format.raw;
        }
        Path last = file.getFileName();
        String name = last == null ? "" : last.toString().toLowerCase(Locale.ROOT);
        int dot = name.lastIndexOf('.');
        String ending = dot <= 0 ? "" : name.substring(dot + 1);
        if (RAW_ENDINGS.contains(ending)) {
            return Format.raw;
        }
        if (ending.equals("qcow2")) {
            return Format.qcow2;
        }
        throw new InputException(
                OTHER_FORMATS.contains(ending) ? "restore.other-format" : "restore.format-needed",
                file,
                ending);
    }

    private static String names(RecoveryPoint point) {
        return String.join(", ", point.disks().stream().map(PointDisk::name).toList());
    }
}
