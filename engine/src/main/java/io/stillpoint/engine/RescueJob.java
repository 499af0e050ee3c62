package io.stillpoint.engine;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.images.RestoreTarget;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.vault.Losses;
import io.stillpoint.vault.PointDisk;
import io.stillpoint.vault.RecoveryPoint;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.VaultException;
import io.stillpoint.vault.VaultException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BinaryOperator;

/// Restores all disks of recovery points to raw images in a folder, as many as can be had: a disk that is damaged keeps
/// none of the others from being restored. Run again, it goes on where it stopped.
public final class RescueJob {
    private final Vault vault;
    private final Path folder;
    private final boolean despiteDamage;
    private final JobEvents events;
    private final Cancellation cancellation;

    /// @param folder gets a folder for each point, in it an image `DISK.raw` for each disk
    /// @param despiteDamage whether what can't be read is left as zeros and listed in `DISK.raw.lost.tsv`; otherwise such
    ///     a disk is not restored
    public RescueJob(
            Vault vault,
            Path folder,
            boolean despiteDamage,
            JobEvents events,
            Cancellation cancellation) {
        this.vault = vault;
        this.folder = folder;
        this.despiteDamage = despiteDamage;
        this.events = events;
        this.cancellation = cancellation;
    }

    /// How a disk fared.
    public enum Outcome {
        RESTORED,
        /// Its image was there, from an earlier run.
        ALREADY_THERE,
        /// Restored but for some ranges, which are zeros.
        WITH_LOSSES,
        /// Damaged, so not restored.
        NOT_RESTORED
    }

    /// @param lostBytes how much of the disk is zeros because it can't be read
    /// @param message why it was not restored, or what was lost; else empty
    public record Rescued(
            RecoveryPoint point,
            PointDisk disk,
            Path image,
            Outcome outcome,
            long lostBytes,
            String message) {}

    /// The newest of these points of each VM, by lineage. Where a VM has points that were made here and copies from other
    /// vaults, the newest of each: which of those is the newer one is not known.
    public static Collection<RecoveryPoint> newest(List<RecoveryPoint> points) {
        Map<List<Object>, RecoveryPoint> newest = new HashMap<>();
        points.forEach(point ->
                newest.merge(
                        List.of(point.vm(), point.line()),
                        point,
                        BinaryOperator.maxBy(RecoveryPoint.OLDEST_FIRST)));
        return newest.values().stream().sorted(RecoveryPoint.OLDEST_FIRST).toList();
    }

    /// Throws what makes going on senseless: the store is gone, the target is full.
    public List<Rescued> run(Collection<RecoveryPoint> points) {
        List<Rescued> rescued = new ArrayList<>();
        for (RecoveryPoint point : points) {
            Set<Path> taken = new HashSet<>();
            for (PointDisk disk : point.disks()) {
                rescued.add(rescue(point, disk, image(point, disk, taken)));
            }
        }
        return rescued;
    }

    private Path image(RecoveryPoint point, PointDisk disk, Set<Path> taken) {
        String shortId = point.id().toString().substring(0, 12);
        Path place = folder.resolve(fileName(point.vm()) + "-" + shortId);
        Path image = place.resolve(fileName(disk.name()) + ".raw");
        for (int i = 2; !taken.add(image); i++) {
            image = place.resolve(fileName(disk.name()) + "-" + i + ".raw");
        }
        return image;
    }

    /// Names come from a hypervisor, so they may be no file's name, or one somewhere else.
    private static String fileName(String name) {
        return name.replaceAll("[^\\p{L}\\p{N}._ -]", "_").replaceFirst("^\\.", "_");
    }

    private Rescued rescue(RecoveryPoint point, PointDisk disk, Path image) {
        if (Files.exists(image)) {
            return new Rescued(point, disk, image, Outcome.ALREADY_THERE, 0, "");
        }
        LostRanges lost = new LostRanges();
        try {
            Files.createDirectories(image.toAbsolutePath().getParent());
            try (RestoreTarget target = RestoreTarget.createRaw(image, disk.image().size())) {
                Losses losses = despiteDamage ? lost : Losses.REFUSED;
                new RestoreJob(vault, events, cancellation)
                        .run(point, disk, target, image.toString(), losses);
                target.flush();
                // Before the image: none with losses is ever without its list.
                String message = lost.bytes() == 0 ? "" : report(point, disk, image, lost);
                target.commit();
                Outcome outcome = lost.bytes() == 0 ? Outcome.RESTORED : Outcome.WITH_LOSSES;
                return new Rescued(point, disk, image, outcome, lost.bytes(), message);
            }
        } catch (VaultException e) {
            if (e.kind() != Kind.DAMAGED && e.kind() != Kind.MISSING && e.kind() != Kind.TOO_NEW) {
                throw e;
            }
            return new Rescued(
                    point, disk, image, Outcome.NOT_RESTORED, 0, String.valueOf(e.getMessage()));
        } catch (IOException e) {
            throw new HypervisorException(
                    HypervisorException.Kind.IMAGE,
                    "image.failed",
                    e,
                    image,
                    String.valueOf(e.getMessage()));
        }
    }

    private static String report(RecoveryPoint point, PointDisk disk, Path image, LostRanges lost)
            throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add("# VM " + point.vm() + ", disk " + disk.name() + ", point " + point.id());
        lines.add("offset\tlength\treason");
        lines.addAll(lost.lines());
        Path report = image.resolveSibling(image.getFileName() + ".lost.tsv");
        Files.write(report, lines);
        return report.toString();
    }
}
