package io.stillpoint.benchmark.scale;

import io.stillpoint.benchmark.ProcessMemory;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.stores.CachedStore;
import io.stillpoint.stores.StoreLocation;
import io.stillpoint.stores.request.Meter;
import io.stillpoint.stores.request.Prices;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.DiskImage;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;

/// One process of `benchmark/scale`:
/// ```
/// make FOLDER KEY POINTS OTHER
/// STEP LOCATION KEY POINTS CACHE OTHER
/// ```
/// A step is done twice, on other VMs each time; between lies nothing but the process's own memory.
public final class Scale {
    private static final ProcessResources PROCESS = ProcessResources.ofThisProcess();

    private static final long CACHE_MAX = 4L << 30;

    private final Path key;
    private final int vms;
    private final Path cache;
    private final Path other;
    private final Meter meter;
    private final StoreLocation location;
    private final Requests store;

    private Scale(String[] args) {
        location = StoreLocation.parse(args[1]);
        key = Path.of(args[2]);
        vms = Generation.vms(Integer.parseInt(args[3]));
        cache = Path.of(args[4]);
        other = Path.of(args[5]);
        meter = Meter.unlimited(Prices.NONE);
        store = new Requests(open(location));
    }

    private ObjectStore open(StoreLocation where) {
        return where.open(
                new StoreLocation.Surroundings(
                        System.getenv(),
                        Randomness.secure(),
                        InstantSource.system(),
                        meter,
                        PROCESS.threads()));
    }

    public static void main(String[] args)
            throws IOException, InterruptedException, ExecutionException {
        Vault.requireLibrary();
        if (args[0].equals("make")) {
            Credential key = KeyFile.create(Path.of(args[2]), Randomness.secure());
            Generation.run(Path.of(args[1]), key, Integer.parseInt(args[3]));
            Vault.init(new LocalStore(Path.of(args[4])), key, surroundings()).close();
        } else {
            new Scale(args).measure(args[0]);
        }
    }

    private static Vault.Surroundings surroundings() {
        return new Vault.Surroundings(Randomness.secure(), InstantSource.system(), PROCESS);
    }

    /// As the command opens it.
    private Vault open() {
        ObjectStore opened =
                location.isRemote()
                        ? new CachedStore(store, cache, CACHE_MAX, InstantSource.system())
                        : store;
        return Vault.open(opened, KeyFile.read(key), surroundings());
    }

    private void measure(String step) throws IOException {
        long began = System.nanoTime();
        try (Vault vault = open()) {
            if (step.equals("open")) {
                tell("open", began);
                // On the same store, which is closed once.
                long again = System.nanoTime();
                Vault second = open();
                tell("open, again", again);
                if (!second.id().equals(vault.id())) {
                    throw new IllegalStateException("another vault");
                }
                return;
            }
            store.taken();
            for (int i = 0; i < 2; i++) {
                // Any VMs, but the same ones for each step and state; others while the vault
                // settles.
                TinyVm vm = new TinyVm((step.equals("settle") ? i : vms / 3 + i) % vms);
                long begin = System.nanoTime();
                run(step, vault, vm);
                tell(i == 0 ? step : step + ", again", begin);
            }
        }
    }

    private void run(String step, Vault vault, TinyVm vm) {
        switch (step) {
            case "newest" -> require(vault.newest(vm.name()).isPresent());
            case "backup", "settle" -> {
                Optional<RecoveryPoint> newest = vault.newest(vm.name());
                require(newest.isPresent());
                backup(vault, vm, newest.get());
            }
            case "points" -> require(points(vault, vm).size() >= Generation.OFFERED - 1);
            case "forget" -> vault.forget(points(vault, vm).getFirst(), Duration.ofDays(14));
            case "prune" -> {
                PruneResult result = vault.prune(PruneRules.DEFAULT, new Cancellation());
                require(result.deletedPacks() == 0 && result.purgedPoints() == 0);
            }
            case "copy" -> copy(vault, vm);
            default -> throw new IllegalArgumentException(step);
        }
    }

    private static void backup(Vault vault, TinyVm vm, RecoveryPoint newest) {
        Instant now = InstantSource.system().instant();
        try (BackupSession session =
                vault.backup(Optional.of(newest), new Cancellation(), (_, _) -> {})) {
            Optional<DiskImage> before =
                    session.base().map(base -> base.disks().getFirst().image());
            require(before.isPresent());
            List<DiskInput> changed = List.of(vm.disk(Generation.CHANGES + 1, before));
            StoredDisk stored = session.store(changed).getFirst();
            require(stored.newBytes() > 0);
            session.commit(
                    new PointDraft(
                            vm.name(),
                            Json.object(),
                            now,
                            now,
                            Consistency.STOPPED,
                            "",
                            OptionalLong.empty(),
                            List.of(TinyVm.record(stored, false)),
                            "benchmark",
                            Optional.empty(),
                            Optional.empty()));
        }
    }

    private static void require(boolean isSo) {
        if (!isSo) {
            throw new IllegalStateException("not as generated");
        }
    }

    private static List<RecoveryPoint> points(Vault vault, TinyVm vm) {
        return vault.points(vm.name());
    }

    /// Into a small vault in a folder: its requests are not counted.
    private void copy(Vault vault, TinyVm vm) {
        RecoveryPoint point = vault.newest(vm.name()).orElseThrow();
        try (Vault to = Vault.open(new LocalStore(other), KeyFile.read(key), surroundings())) {
            vault.copyTo(to, Optional.empty(), new Cancellation(), (_, _) -> {}).copy(point);
        }
    }

    @SuppressWarnings("SystemOut")
    private void tell(String what, long began) throws IOException {
        double seconds = (System.nanoTime() - began) / 1e9;
        List<Long> requests = store.taken();
        StringBuilder row = new StringBuilder("| " + what + " |");
        for (long count : requests) {
            row.append(String.format(Locale.ROOT, " %,d |", count));
        }
        row.append(
                String.format(
                        Locale.ROOT, " %.2f | %.0f |", seconds, ProcessMemory.now().peakMib()));
        System.out.println(row);
    }
}
