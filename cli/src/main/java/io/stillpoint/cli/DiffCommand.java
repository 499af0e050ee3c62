package io.stillpoint.cli;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint diff`: which ranges differ between two points, by walking only what they do not share.
@Command(name = "diff", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class DiffCommand implements Callable<Integer> {
    private static final int CHUNK_LOG2 = 16;

    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private Output output = new Output();

    @Parameters(index = "0", paramLabel = "ID", descriptionKey = "option.diff-first")
    private String first = "";

    @Parameters(index = "1", paramLabel = "ID", descriptionKey = "option.diff-second")
    private String second = "";

    @Option(names = "--vm", paramLabel = "NAME", descriptionKey = "option.point-vm")
    private @Nullable String vm;

    @Override
    public Integer call() {
        try (Vault vault = vaultOptions.open();
                ConsoleEvents events = output.events()) {
            RecoveryPoint before = PointChoice.one(vault, first, vm);
            RecoveryPoint after = PointChoice.one(vault, second, vm);
            TreeSet<String> names = new TreeSet<>();
            before.disks().forEach(disk -> names.add(disk.name()));
            after.disks().forEach(disk -> names.add(disk.name()));
            ObjectNode json = Json.object();
            ArrayNode disks = json.putArray("disks");
            List<String> lines = new ArrayList<>();
            for (String name : names) {
                events.watching(
                        "diff",
                        Output.text("step.diff", name),
                        () -> vaultOptions.meter().usage().bytes());
                DiskDifference difference = difference(vault, name, before, after);
                lines.addAll(difference.lines());
                disks.add(difference.json());
            }
            events.end();
            output.result(json, String.join("\n", lines));
            return ExitCode.SUCCESS.status();
        }
    }

    /// A disk in both points; in one that lacks it its size is 0.
    private record DiskDifference(
            String name, long sizeBefore, long sizeAfter, List<Extent> ranges) {
        private long bytes() {
            return ranges.stream().mapToLong(Extent::length).sum();
        }

        List<String> lines() {
            List<String> lines = new ArrayList<>();
            lines.add(
                    Output.text(
                            "diff.disk",
                            name,
                            new ByteSize(sizeBefore),
                            new ByteSize(sizeAfter),
                            new ByteSize(bytes()),
                            Integer.toString(ranges.size())));
            for (Extent range : ranges) {
                lines.add(String.format("%16d %12d", range.offset(), range.length()));
            }
            return lines;
        }

        ObjectNode json() {
            ObjectNode disk = Json.object();
            disk.put("name", name).put("sizeBefore", sizeBefore).put("sizeAfter", sizeAfter);
            disk.put("changedBytes", bytes());
            ArrayNode array = disk.putArray("ranges");
            for (Extent range : ranges) {
                array.addObject().put("offset", range.offset()).put("length", range.length());
            }
            return disk;
        }
    }

    private static DiskDifference difference(
            Vault vault, String name, RecoveryPoint before, RecoveryPoint after) {
        DiskImage old = before.disk(name).map(PointDisk::image).orElse(new DiskImage(0, null));
        DiskImage young = after.disk(name).map(PointDisk::image).orElse(new DiskImage(0, null));
        return new DiskDifference(name, old.size(), young.size(), ranges(vault, old, young));
    }

    /// Differing chunks, neighbours joined, cut off at the end of the larger disk.
    private static List<Extent> ranges(Vault vault, DiskImage old, DiskImage young) {
        long end = Math.max(old.size(), young.size());
        List<Extent> ranges = new ArrayList<>();
        vault.difference(
                old,
                young,
                chunk -> {
                    long offset = chunk << CHUNK_LOG2;
                    long length = Math.min(1L << CHUNK_LOG2, end - offset);
                    if (!ranges.isEmpty() && ranges.getLast().end() == offset) {
                        Extent last = ranges.removeLast();
                        ranges.add(new Extent(last.offset(), last.length() + length));
                    } else {
                        ranges.add(new Extent(offset, length));
                    }
                });
        return ranges;
    }
}
