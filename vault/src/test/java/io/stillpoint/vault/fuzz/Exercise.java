package io.stillpoint.vault.fuzz;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.BlockTarget;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.VaultDisks;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.verify.SealedVault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/// What people do with a vault, each step for itself.
final class Exercise {
    private static final Set<Kind> EXPECTED =
            EnumSet.of(
                    Kind.DAMAGED,
                    Kind.MISSING,
                    Kind.TOO_NEW,
                    Kind.WRONG_KEY,
                    Kind.KEY_FILE,
                    Kind.NOT_A_VAULT,
                    Kind.NOT_FOUND);

    /// Larger disks take their time, as they may.
    private static final long SIZE_MAX = 1 << 26;

    private final Forge forge;

    Exercise(Forge forge) {
        this.forge = forge;
    }

    /// Runs a step that may find anything wrong, as long as it says what.
    static void step(Runnable step) {
        try {
            step.run();
        } catch (VaultException e) {
            if (!EXPECTED.contains(e.kind())) {
                throw e;
            }
        }
    }

    void run(MemoryStore store) {
        step(() -> {
            try (SealedVault vault =
                    SealedVault.open(
                            store,
                            ProcessResources.of(
                                    1, Runtime.getRuntime().maxMemory(), Threads.ofProcess()))) {
                Objects.requireNonNull(vault.verify(new Cancellation(), _ -> {}));
            }
        });
        step(() -> {
            try (Vault vault = forge.open(store)) {
                use(vault);
            }
        });
    }

    private static void use(Vault vault) {
        List<RecoveryPoint> points = new ArrayList<>();
        step(() -> points.addAll(vault.points()));
        step(() -> vault.forgotten().stream().map(ForgottenPoint::point).forEach(points::add));
        step(() -> Objects.requireNonNull(vault.unreadablePoints()));
        step(() -> Objects.requireNonNull(vault.facts()));
        for (RecoveryPoint point : points) {
            for (PointDisk disk : point.disks()) {
                if (disk.image().size() <= SIZE_MAX) {
                    use(vault, disk, points.getFirst());
                }
            }
        }
        step(() -> Objects.requireNonNull(vault.verify(new Cancellation(), _ -> {})));
        PruneRules dry = new PruneRules(Duration.ZERO, Duration.ZERO, 100, Long.MAX_VALUE, true);
        step(() -> Objects.requireNonNull(vault.prune(dry, new Cancellation())));
    }

    private static void use(Vault vault, PointDisk disk, RecoveryPoint other) {
        for (Losses losses : List.of(Losses.REFUSED, (Losses) (_, _) -> {})) {
            step(() ->
                    vault.restore(
                            disk.image(),
                            new Bounded(disk.image().size()),
                            new Cancellation(),
                            _ -> {},
                            losses));
        }
        step(() -> read(vault, disk.image()));
        for (PointDisk before : other.disks()) {
            if (before.image().size() <= SIZE_MAX) {
                step(() -> vault.difference(before.image(), disk.image(), _ -> {}));
            }
        }
    }

    /// As a copy to another vault reads it.
    private static void read(Vault vault, DiskImage image) {
        byte[] buffer = new byte[1 << 16];
        try (BlockSource disk = VaultDisks.of(vault, image)) {
            Iterator<Extent> extents = disk.dataExtents();
            long end = 0;
            while (extents.hasNext()) {
                Extent extent = extents.next();
                if (extent.offset() < end || extent.end() > image.size()) {
                    throw new IllegalStateException("extent " + extent + " after " + end);
                }
                end = extent.end();
                int length = (int) Math.min(buffer.length, extent.length());
                disk.read(extent.offset(), buffer, 0, length);
            }
        }
    }

    /// Takes what lies within the disk, and nothing else.
    private record Bounded(long size) implements BlockTarget {
        @Override
        public void write(long offset, byte[] from, int at, int length) {
            Objects.checkFromIndexSize(offset, length, size);
            Objects.checkFromIndexSize(at, length, from.length);
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    }
}
