package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.testkit.MemoryDisk;
import io.stillpoint.testkit.disk.FaultyDisk;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.verify.Verification;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/// A vault on a [FaultyDisk], as one process after another opens it, and what its points must hold.
final class FaultyVault implements AutoCloseable {
    static final int CHUNK = 65_536;

    /// More than one folder deep where there was nothing: each must last.
    private static final Path ROOT = Path.of("/srv/backups/vault");

    private static final KeyFile KEY = new KeyFile(new byte[32]);
    static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

    /// Small packs, so that a few chunks fill several; one worker, so that the same seeds give the same calls in the same order, but for
    /// what merges the index beside it.
    private static final VaultSettings SMALL =
            new VaultSettings(2 * CHUNK, true, 7 * CHUNK, 2 * CHUNK, Duration.ofHours(24));

    private static final PruneRules AT_ONCE =
            new PruneRules(Duration.ZERO, Duration.ZERO, 70, Long.MAX_VALUE, false);

    private final History history;
    private final Vault vault;

    /// What all processes together have done to a vault.
    static final class History {
        private final Map<ObjectId, byte[]> committed = new HashMap<>();
        private final Set<ObjectId> forgotten = new HashSet<>();
        private final List<byte[]> attempted = new ArrayList<>();

        /// Of random generators: a process that draws what one before drew would take ids that are taken.
        private final AtomicInteger seeds = new AtomicInteger();

        History copy() {
            History copy = new History();
            copy.committed.putAll(committed);
            copy.forgotten.addAll(forgotten);
            copy.attempted.addAll(attempted);
            copy.seeds.set(seeds.get());
            return copy;
        }

        private Random random() {
            return new Random(seeds.incrementAndGet());
        }
    }

    private FaultyVault(FaultyDisk disk, History history, boolean isNew) {
        this.history = history;
        LocalStore store = new LocalStore(disk, ROOT);
        Random random = history.random();
        Vault.Surroundings surroundings =
                new Vault.Surroundings(
                        random::nextBytes,
                        disk.clock(),
                        ProcessResources.of(
                                1, Runtime.getRuntime().maxMemory(), Threads.ofProcess()),
                        SMALL);
        vault = isNew ? Vault.init(store, KEY, surroundings) : Vault.open(store, KEY, surroundings);
    }

    static FaultyVault init(FaultyDisk disk, History history) {
        return new FaultyVault(disk, history, true);
    }

    static FaultyVault open(FaultyDisk disk, History history) {
        return new FaultyVault(disk, history, false);
    }

    Vault vault() {
        return vault;
    }

    /// Forgets the oldest point. From now on it may be there or not, but not half.
    void forgetOldest() {
        RecoveryPoint oldest = vault.points().getFirst();
        history.forgotten.add(oldest.id());
        vault.forget(oldest, Duration.ZERO);
    }

    /// Deletes what was condemned, and condemns for the next time.
    PruneResult prune() {
        return vault.prune(AT_ONCE, new Cancellation());
    }

    /// Backs up a disk of a VM, only what differs from its newest point if there is one.
    RecoveryPoint backup(String vm, byte[] content) {
        history.attempted.add(content);
        try (BackupSession session =
                vault.backup(vault.newest(vm), new Cancellation(), (_, _) -> {})) {
            Optional<DiskImage> before =
                    session.base().map(point -> point.disks().getFirst().image());
            Scan scan =
                    before.isPresent() && before.get().size() == content.length
                            ? changed(before.get(), content)
                            : new Scan.Everything(before);
            StoredDisk stored =
                    session.store(List.of(new DiskInput("disk", new MemoryDisk(content), scan)))
                            .getFirst();
            Instant at = BEGIN.plusSeconds(60L * history.attempted.size());
            RecoveryPoint point = session.commit(draft(vm, at, stored));
            history.committed.put(point.id(), content);
            return point;
        }
    }

    private Scan changed(DiskImage before, byte[] content) {
        byte[] old = restored(before);
        List<Extent> ranges = new ArrayList<>();
        for (int at = 0; at < content.length; at += CHUNK) {
            if (!Arrays.equals(old, at, at + CHUNK, content, at, at + CHUNK)) {
                ranges.add(new Extent(at, CHUNK));
            }
        }
        return new Scan.Changed(before, ranges::iterator);
    }

    private static PointDraft draft(String vm, Instant at, StoredDisk stored) {
        PointDisk disk =
                new PointDisk(
                        "disk",
                        stored.image(),
                        "raw",
                        Optional.empty(),
                        PointDisk.Method.FULL,
                        "first-backup",
                        stored.changedBytes(),
                        stored.readBytes(),
                        stored.newBytes());
        return new PointDraft(
                vm,
                Json.object().put("name", vm),
                at,
                at,
                Consistency.STOPPED,
                "",
                OptionalLong.empty(),
                List.of(disk),
                "test",
                Optional.empty(),
                Optional.empty());
    }

    byte[] restored(DiskImage image) {
        MemoryDisk target = new MemoryDisk(new byte[Math.toIntExact(image.size())]);
        vault.restore(image, target, new Cancellation(), _ -> {});
        return target.content();
    }

    Verification verify() {
        return vault.verify(new Cancellation(), _ -> {});
    }

    /// Everything verifies, every committed point is there, and every point that is there restores byte for byte.
    void requireSound() {
        assertThat(verify().problems()).isEmpty();
        Set<ObjectId> missing = new HashSet<>(history.committed.keySet());
        missing.removeAll(history.forgotten);
        for (RecoveryPoint point : vault.points()) {
            missing.remove(point.id());
            requireRestores(point);
        }
        assertThat(missing).as("committed points that are gone").isEmpty();
    }

    /// The point holds what was committed; or, if the commit had not returned, what some commit was for.
    void requireRestores(RecoveryPoint point) {
        byte[] restored = restored(point.disks().getFirst().image());
        byte[] committed = history.committed.get(point.id());
        boolean holds =
                committed == null
                        ? history.attempted.stream().anyMatch(each -> Arrays.equals(each, restored))
                        : Arrays.equals(committed, restored);
        assertThat(holds).as("point %s holds what was stored", point.id()).isTrue();
    }

    /// Nothing is open and nothing half written is left; to be called when the vault is closed.
    static void requireTidy(FaultyDisk disk) {
        requireTidy(disk, ROOT);
    }

    static void requireTidy(FaultyDisk disk, Path root) {
        assertThat(disk.openFiles()).as("open files").isZero();
        List<Path> left = new ArrayList<>();
        try {
            disk.list(root.resolve("tmp"), (file, _) -> left.add(file));
        } catch (NoSuchFileException e) {
            // The vault was not made yet.
            return;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        assertThat(left).isEmpty();
    }

    @Override
    public void close() {
        vault.close();
    }
}
