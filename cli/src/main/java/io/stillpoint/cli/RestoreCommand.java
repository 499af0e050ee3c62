package io.stillpoint.cli;

import io.stillpoint.engine.RestoreJob;
import io.stillpoint.hypervisor.images.RestoreTarget;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.vault.PointDisk;
import io.stillpoint.vault.RecoveryPoint;
import io.stillpoint.vault.Vault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
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

    @Option(names = "--point", required = true, paramLabel = "ID", descriptionKey = "option.point")
    private String pointId = "";

    @Option(names = "--disk", paramLabel = "NAME", descriptionKey = "option.disk")
    private @Nullable String diskName;

    @Option(names = "--to", required = true, paramLabel = "FILE|DIR", descriptionKey = "option.to")
    private String to = "";

    @Option(names = "--format", paramLabel = "raw|qcow2", descriptionKey = "option.format")
    private @Nullable Format format;

    @Option(names = "--sync", descriptionKey = "option.sync")
    private boolean sync;

    /// The formats of images that disks can be restored to.
    enum Format {
        raw,
        qcow2
    }

    /// A disk and the file it goes to.
    private record Task(PointDisk disk, Path file, Format format) {}

    @Override
    public Integer call() {
        Cancellation cancellation = Interruption.cancellation();
        ObjectNode json = Json.object();
        ArrayNode restored = json.putArray("disks");
        List<String> lines = new ArrayList<>();
        try (Vault vault = vaultOptions.open();
                ConsoleEvents events = output.events()) {
            RecoveryPoint point = vault.point(pointId);
            RestoreJob job = new RestoreJob(vault, events, cancellation);
            for (Task task : tasks(point)) {
                restore(job, point, task);
                restored.addObject()
                        .put("name", task.disk.name())
                        .put("file", task.file.toString())
                        .put("format", task.format.name())
                        .put("size", task.disk.image().size());
                lines.add(
                        Output.text(
                                "restore.done", task.disk.name(), task.file, task.format.name()));
            }
        }
        output.done(json, String.join("\n", lines));
        return ExitCode.SUCCESS.status();
    }

    private void restore(RestoreJob job, RecoveryPoint point, Task task) {
        long size = task.disk.image().size();
        try (RestoreTarget target =
                switch (task.format) {
                    case raw -> RestoreTarget.createRaw(task.file, size);
                    case qcow2 -> RestoreTarget.createQcow2(task.file, size);
                }) {
            job.run(point, task.disk, target, task.file.toString());
            if (sync) {
                target.flush();
            }
            target.commit();
        }
    }

    private List<Task> tasks(RecoveryPoint point) {
        List<PointDisk> disks =
                point.disks().stream()
                        .filter(disk -> diskName == null || disk.name().equals(diskName))
                        .toList();
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

    /// A folder that is there, or a name that ends as only a folder's does. (A [Path] forgets that ending.)
    private boolean isFolder() {
        return to.endsWith("/") || Files.isDirectory(Path.of(to));
    }

    private void makeFolder() {
        try {
            Files.createDirectories(Path.of(to));
        } catch (IOException e) {
            throw new InputException("restore.no-folder", to, String.valueOf(e.getMessage()));
        }
    }

    private Task task(PointDisk disk, boolean isFolder) {
        if (isFolder) {
            Format chosen = format != null ? format : formatOf(disk.format());
            return new Task(disk, Path.of(to, disk.name() + "." + chosen), chosen);
        }
        String ending = to.toLowerCase(Locale.ROOT).replaceFirst(".*\\.", "");
        return new Task(disk, Path.of(to), format != null ? format : formatOf(ending));
    }

    private static Format formatOf(String word) {
        return word.equals("qcow2") ? Format.qcow2 : Format.raw;
    }

    private static String names(RecoveryPoint point) {
        return String.join(", ", point.disks().stream().map(PointDisk::name).toList());
    }
}
