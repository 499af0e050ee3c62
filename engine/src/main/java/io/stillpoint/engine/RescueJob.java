package io.stillpoint.engine;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.images.RestoreTarget;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.PathPart;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.natives.OwnedDescriptor;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.VaultException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.BinaryOperator;

/// Restores all disks of recovery points to raw images in a folder, as many as can be had: a disk that is damaged keeps
/// none of the others from being restored. Run again, it goes on where it stopped.
public final class RescueJob {
    private final Vault vault;
    private final Path folder;
    private final boolean despiteDamage;
    private final JobReporter reporter;
    private final Cancellation cancellation;

    /// @param folder gets a folder for each point, in it an image `DISK.raw` for each disk
    /// @param despiteDamage whether what can't be read is left as zeros and listed in `DISK.raw.lost.tsv`; otherwise such
    ///     a disk is not restored
    public RescueJob(
            Vault vault,
            Path folder,
            boolean despiteDamage,
            JobReporter reporter,
            Cancellation cancellation) {
        this.vault = vault;
        this.folder = folder;
        this.despiteDamage = despiteDamage;
        this.reporter = reporter;
        this.cancellation = cancellation;
    }

    /// How a disk fared.
    public enum Outcome {
        RESTORED,
        /// Its image was there, and holds what it should.
        ALREADY_THERE,
        /// Restored but for some ranges, which are zeros.
        WITH_LOSSES,
        /// Damaged, so not restored.
        NOT_RESTORED,
        /// Not restored because of this machine: no room, or a file that can't be written.
        FAILED
    }

    /// @param lostBytes how much of the disk is zeros because it can't be read
    /// @param message why it was not restored, or what was lost; else empty
    public record Rescued(
            RecoveryPoint point,
            PointDisk disk,
            Path image,
            Outcome outcome,
            long lostBytes,
            Text message) {}

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

    /// One disk that can't be restored, for whatever reason of its own or of this machine, stops none of the others. Throws
    /// what makes going on senseless: the store is gone.
    public List<Rescued> run(Collection<RecoveryPoint> points) {
        List<Rescued> rescued = new ArrayList<>();
        for (RecoveryPoint point : points) {
            for (PointDisk disk : point.disks()) {
                rescued.add(rescue(point, disk, image(point, disk)));
            }
        }
        return rescued;
    }

    /// Names come from a hypervisor, so they may be no file's name, or one somewhere else.
    private Path image(RecoveryPoint point, PointDisk disk) {
        String shortId = point.id().toString().substring(0, 12);
        return folder.resolve(PathPart.of(point.vm()) + "-" + shortId)
                .resolve(PathPart.of(disk.name()) + ".raw");
    }

    private Rescued rescue(RecoveryPoint point, PointDisk disk, Path image) {
        LostRanges lost = new LostRanges();
        DiskWriter writer = new DiskWriter(vault, reporter, cancellation);
        try {
            makeFolder(Objects.requireNonNull(image.toAbsolutePath().getParent()));
            if (Files.exists(image, LinkOption.NOFOLLOW_LINKS)) {
                requireSame(disk, image);
                return new Rescued(point, disk, image, Outcome.ALREADY_THERE, 0, Text.EMPTY);
            }
            new RestoreRoom(vault, cancellation)
                    .require(List.of(new RestoreRoom.Wanted(disk, image)));
            try (RestoreTarget target = RestoreTarget.createRaw(image, disk.image().size())) {
                Losses losses = despiteDamage ? lost : Losses.REFUSED;
                writer.write(point, disk, target, image.toString(), losses);
                target.flush();
                // Before the image: none with losses is ever without its list.
                Text message =
                        lost.bytes() == 0
                                ? Text.EMPTY
                                : Text.verbatim(report(point, disk, image, lost));
                target.commit();
                Outcome outcome = lost.bytes() == 0 ? Outcome.RESTORED : Outcome.WITH_LOSSES;
                return new Rescued(point, disk, image, outcome, lost.bytes(), message);
            }
        } catch (VaultException e) {
            if (!e.isDamage()) {
                throw e;
            }
            return new Rescued(point, disk, image, Outcome.NOT_RESTORED, 0, e.text());
        } catch (HypervisorException | JobException e) {
            return failed(point, disk, image, e);
        } catch (IOException e) {
            return failed(point, disk, image, RestoreRoom.failed(image, e));
        }
    }

    /// A folder that others own or may write to could be led elsewhere, and what is in it could be exchanged.
    private static void makeFolder(Path folder) throws IOException {
        if (!Files.exists(folder, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectories(
                    folder,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
        }
        boolean isOurs = false;
        if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
            try (OwnedDescriptor held = OwnedDescriptor.ofFolder(folder)) {
                isOurs = held.isOurs();
            }
        }
        if (!isOurs) {
            throw refused("engine.rescue-folder-of-others", folder);
        }
    }

    /// A file that has the name is taken for the disk only if it is: others may have put it there, or written to it since.
    private void requireSame(PointDisk disk, Path image) throws IOException {
        boolean isOurs =
                Files.isRegularFile(image, LinkOption.NOFOLLOW_LINKS)
                        && (int) Files.getAttribute(image, "unix:uid", LinkOption.NOFOLLOW_LINKS)
                                == OwnedDescriptor.user();
        if (!isOurs) {
            throw refused("engine.rescue-file-of-others", image);
        }
        try (ImageComparison comparison = ImageComparison.of(image, disk.image().size())) {
            reporter.step(
                    Step.RESTORE, Text.of(RescueJob.class, "engine.comparing", disk.name(), image));
            boolean isSame = comparison.isAsLong();
            if (isSame) {
                Losses losses = despiteDamage ? (_, _) -> {} : Losses.REFUSED;
                vault.restore(disk.image(), comparison, cancellation, _ -> {}, losses);
                isSame = comparison.isSame();
            }
            if (!isSame) {
                throw refused("engine.rescue-other-content", image);
            }
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static JobException refused(String code, Path path) {
        return JobException.misuse(code, path);
    }

    private static Rescued failed(
            RecoveryPoint point, PointDisk disk, Path image, StillpointException why) {
        return new Rescued(point, disk, image, Outcome.FAILED, 0, why.text());
    }

    private static String report(RecoveryPoint point, PointDisk disk, Path image, LostRanges lost)
            throws IOException {
        List<String> lines = new ArrayList<>();
        lines.add("# VM " + point.vm() + ", disk " + disk.name() + ", point " + point.id());
        lines.add("offset\tlength\treason");
        lines.addAll(lost.lines());
        Path report = image.resolveSibling(image.getFileName() + ".lost.tsv");
        Files.deleteIfExists(report);
        Files.createFile(
                report,
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(report, lines);
        return report.toString();
    }
}
