package io.stillpoint.benchmark.scale;

import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.disk.RealDisk;
import io.stillpoint.vault.RecoveryPoint;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.VaultSettings;
import io.stillpoint.vault.crypto.Credential;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectStore;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Makes a vault as daily backups of many VMs leave it that keep ten points each, and what was forgotten for two weeks more: of each
/// VM fourteen forgotten points and ten that are offered. Of its 24 points five have something new, which lies in a data
/// pack and a metadata pack of its own: as many packs as there are offered points.
final class Generation {
    /// Points that are offered, of each VM.
    static final int OFFERED = 10;

    /// Points of each VM that are forgotten and not purged.
    static final int FORGOTTEN = 14;

    /// So many changes of a VM's disk are in the vault.
    static final int CHANGES = 5;

    private static final int PART = 100;
    private static final Duration PURGED_AFTER = Duration.ofDays(14);

    /// Small buffers, one thread: the next part is made beside.
    private static final VaultSettings SETTINGS =
            new VaultSettings(1 << 20, false, 1 << 20, 1 << 20, 1, Duration.ofHours(24));

    private Generation() {}

    static int vms(int points) {
        return Math.max(1, points / OFFERED);
    }

    static void run(Path folder, Credential key, int points)
            throws InterruptedException, ExecutionException {
        InstantSource clock = InstantSource.system();
        try (ObjectStore store = new LocalStore(new UnsyncedDisk(new RealDisk(folder)), folder);
                ExecutorService threads =
                        Executors.newFixedThreadPool(Runtime.getRuntime().availableProcessors())) {
            Vault.init(new OwnPart(store, clock), key, Randomness.secure(), clock).close();
            int vms = vms(points);
            List<Callable<Void>> parts = new ArrayList<>();
            for (int from = 0; from < vms; from += PART) {
                int first = from;
                int end = Math.min(vms, from + PART);
                parts.add(() -> {
                    make(new OwnPart(store, clock), key, first, end);
                    return null;
                });
            }
            for (Future<Void> part : threads.invokeAll(parts)) {
                part.get();
            }
        }
    }

    private static void make(ObjectStore part, Credential key, int first, int end) {
        try (Vault vault = Vault.open(part, key, Randomness.secure(), InstantSource.system())) {
            vault.set(SETTINGS);
            for (int vm = first; vm < end; vm++) {
                make(vault, new TinyVm(vm));
            }
        }
    }

    private static void make(Vault vault, TinyVm vm) {
        List<RecoveryPoint> made = new ArrayList<>();
        for (int i = 0; i < FORGOTTEN + OFFERED; i++) {
            int change = i / CHANGES;
            Optional<RecoveryPoint> before =
                    made.isEmpty() ? Optional.empty() : Optional.of(made.getLast());
            made.add(vm.backup(vault, before, change, i % CHANGES == 0));
        }
        made.subList(0, FORGOTTEN).forEach(point -> vault.forget(point, PURGED_AFTER));
    }
}
