package io.stillpoint.cli;

import io.stillpoint.engine.RestoreTask;
import io.stillpoint.platform.PathPart;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Which disks are restored, and to what.
final class RestoreOptions {
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

    /// A disk that can be restored.
    ///
    /// @param format of its image when it was backed up
    record Disk(String name, long size, String format) {}

    /// A disk and the file or device it goes to.
    ///
    /// @param overwrites whether what is on the device may be lost
    record Task(Disk disk, Path file, Format format, boolean overwrites) {
        RestoreTask forJob() {
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

    private static boolean isDevice(Path file) {
        return Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file);
    }

    /// Throws an [InputException] if these disks can't go there. Makes a folder if it is not there.
    ///
    /// @param from what they are of, for people
    List<Task> tasks(Object from, List<Disk> all) {
        List<Disk> disks =
                all.stream()
                        .filter(disk -> diskName == null || disk.name().equals(diskName))
                        .toList();
        if (all.isEmpty()) {
            throw new InputException("restore.no-disks", from);
        }
        if (disks.isEmpty()) {
            throw new InputException("restore.no-such-disk", String.valueOf(diskName), names(all));
        }
        boolean isFolder = isFolder();
        if (!isFolder && disks.size() > 1) {
            throw new InputException(
                    "restore.many-disks", Integer.toString(disks.size()), names(all), to);
        }
        if (isFolder) {
            makeFolder();
        }
        return disks.stream().map(disk -> task(disk, isFolder)).toList();
    }

    /// Tells what was restored.
    static void tell(List<Task> tasks, ObjectNode json, Output output) {
        ArrayNode restored = json.putArray("disks");
        List<String> lines = new ArrayList<>();
        for (Task task : tasks) {
            restored.addObject()
                    .put("name", task.disk.name())
                    .put("file", task.file.toString())
                    .put("format", task.format.name())
                    .put("size", task.disk.size());
            lines.add(Output.text("restore.done", task.disk.name(), task.file, task.format.name()));
        }
        output.done(json, String.join("\n", lines));
    }

    /// What can be said of it before a passphrase is asked for and the vault is opened.
    void requireFitTarget() {
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

    private Task task(Disk disk, boolean isFolder) {
        if (isFolder) {
            Format chosen =
                    format != null
                            ? format
                            : disk.format().equals("qcow2") ? Format.qcow2 : Format.raw;
            // The name came from a hypervisor and lay in a store.
            return new Task(
                    disk,
                    Path.of(to, PathPart.of(disk.name()) + "." + chosen),
                    chosen,
                    overwrite != null);
        }
        Path file = Path.of(to);
        return new Task(disk, file, format != null ? format : formatOf(file), overwrite != null);
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

    private static String names(List<Disk> disks) {
        return String.join(", ", disks.stream().map(Disk::name).toList());
    }
}
