package io.stillpoint.benchmark.scale;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.disk.RealDisk;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.VaultKeys;
import io.stillpoint.vault.key.Unlocked;
import io.stillpoint.vault.point.Catalogue;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.Lineage;
import io.stillpoint.vault.point.PointCodec;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.record.Forgotten;
import io.stillpoint.vault.record.Records;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.session.VaultSettings;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.store.ObjectName;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.store.ObjectStore;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Makes a vault as daily backups of many VMs leave it that keep ten points each, and what was forgotten for two weeks more: of each
/// VM fourteen forgotten points and ten that are offered. The first has four chunks, six of the others one new chunk, each in a
/// data pack of its own: as many packs as there are offered points.
///
/// Disks are stored by sessions of the vault, those of many VMs by one; points and records are written with the vault's own codecs.
final class Generation {
    /// Points that are offered, of each VM.
    static final int OFFERED = 10;

    /// How often a VM's disk has changed since its first point.
    static final int CHANGES = 6;

    private static final int FORGOTTEN = 14;
    private static final int PART = 100;
    private static final Duration PURGED_AFTER = Duration.ofDays(14);

    /// A frame for each chunk, some 1,100 bytes then, and a data pack for each frame.
    private static final ProcessResources PROCESS = ProcessResources.ofThisProcess();

    private static final VaultSettings SETTINGS =
            new VaultSettings(65_536, false, 1800, 8 << 20, Duration.ofHours(24));

    private final Randomness randomness = Randomness.secure();
    private final InstantSource clock = InstantSource.system();
    private final Credential key;

    private Generation(Credential key) {
        this.key = key;
    }

    static int vms(int points) {
        return Math.max(1, points / OFFERED);
    }

    static void run(Path folder, Credential key, int points)
            throws InterruptedException, ExecutionException {
        Generation generation = new Generation(key);
        try (ObjectStore store = new LocalStore(new UnsyncedDisk(new RealDisk(folder)), folder)) {
            generation.run(store, vms(points));
        }
    }

    private void run(ObjectStore store, int vms) throws InterruptedException, ExecutionException {
        Vault.init(
                        new OwnPart(store, clock),
                        key,
                        new Vault.Surroundings(randomness, clock, PROCESS, SETTINGS))
                .close();
        List<Callable<Void>> parts = new ArrayList<>();
        for (int from = 0; from < vms; from += PART) {
            int first = from;
            int end = Math.min(vms, from + PART);
            parts.add(() -> {
                make(new OwnPart(store, clock), first, end);
                return null;
            });
        }
        int processors = Runtime.getRuntime().availableProcessors();
        try (ExecutorService threads = Executors.newFixedThreadPool(processors)) {
            for (Future<Void> part : threads.invokeAll(parts)) {
                part.get();
            }
        }
    }

    private void make(ObjectStore store, int first, int end) {
        List<List<PointDisk>> disks = disks(store, first, end);
        VaultKeys keys = Unlocked.by(key, store).keys();
        PointCodec codec = new PointCodec(keys, store.description());
        Records records =
                new Records(
                        store,
                        keys,
                        e -> {
                            throw e;
                        });
        Catalogue catalogue = new Catalogue(keys, records);
        for (int vm = first; vm < end; vm++) {
            List<RecoveryPoint> points = points(new TinyVm(vm), disks.get(vm - first));
            for (RecoveryPoint point : points) {
                catalogue.enter(point.vm(), point.lineage().ordinal(), point.id());
                store.put(new ObjectName(Area.POINTS, point.id()), codec.encode(point));
            }
            for (RecoveryPoint point : points.subList(0, FORGOTTEN)) {
                Instant now = clock.instant();
                ObjectId forgetting = ObjectId.random(randomness);
                records.put(new Forgotten(point.id(), forgetting, now, now.plus(PURGED_AFTER)));
            }
        }
    }

    /// Stores the disks of some VMs, each in all its states. Returns the states of each VM.
    private List<List<PointDisk>> disks(ObjectStore store, int first, int end) {
        List<List<PointDisk>> disks = new ArrayList<>();
        for (int vm = first; vm < end; vm++) {
            disks.add(new ArrayList<>());
        }
        Vault.Surroundings surroundings =
                new Vault.Surroundings(randomness, clock, PROCESS, SETTINGS);
        try (Vault vault = Vault.open(store, key, surroundings)) {
            for (int changes = 0; changes <= CHANGES; changes++) {
                List<DiskInput> inputs = new ArrayList<>();
                for (int vm = first; vm < end; vm++) {
                    List<PointDisk> states = disks.get(vm - first);
                    Optional<DiskImage> before =
                            states.isEmpty()
                                    ? Optional.empty()
                                    : Optional.of(states.getLast().image());
                    inputs.add(new TinyVm(vm).disk(changes, before));
                }
                List<StoredDisk> stored = store(vault, inputs);
                for (int i = 0; i < stored.size(); i++) {
                    disks.get(i).add(TinyVm.record(stored.get(i), changes == 0));
                }
            }
        }
        return disks;
    }

    private static List<StoredDisk> store(Vault vault, List<DiskInput> inputs) {
        try (BackupSession session =
                vault.backup(Optional.empty(), new Cancellation(), (_, _) -> {})) {
            List<StoredDisk> stored = session.store(inputs);
            session.flush();
            return stored;
        }
    }

    private List<RecoveryPoint> points(TinyVm vm, List<PointDisk> states) {
        List<RecoveryPoint> points = new ArrayList<>();
        int count = FORGOTTEN + OFFERED;
        for (int i = 0; i < count; i++) {
            PointDisk disk = states.get(i * states.size() / count);
            points.add(point(vm, disk, points.isEmpty() ? Optional.empty() : last(points)));
        }
        return points;
    }

    private static Optional<RecoveryPoint> last(List<RecoveryPoint> points) {
        return Optional.of(points.getLast());
    }

    private RecoveryPoint point(TinyVm vm, PointDisk disk, Optional<RecoveryPoint> before) {
        Instant now = clock.instant();
        return new RecoveryPoint(
                ObjectId.random(randomness),
                vm.name(),
                Json.object(),
                now,
                now,
                now,
                Consistency.STOPPED,
                "",
                OptionalLong.empty(),
                List.of(disk),
                disk.newBytes(),
                "benchmark",
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Lineage.after(before, 0));
    }
}
