package io.stillpoint.simulation;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import io.stillpoint.simulation.Model.SimulatedPoint;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.DiskInput;
import io.stillpoint.vault.session.Scan;
import io.stillpoint.vault.session.StoredDisk;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import io.stillpoint.vault.verify.Verification;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/// What a process does, and what it may be answered. Anything thrown that fate has not caused is a violation.
final class Actor {
    private static final Set<Kind> OF_STORE = EnumSet.of(Kind.STORE, Kind.STORE_FULL);

    private final StoreState state;
    private final Model model;
    private final SimulatedProcess process;
    private final Vault vault;
    private final Random random;
    private Instant began = Instant.MIN;

    Actor(StoreState state, Model model, SimulatedProcess process, Vault vault, Random random) {
        this.state = state;
        this.model = model;
        this.process = process;
        this.vault = vault;
        this.random = random;
    }

    private Instant now() {
        return state.turns().now();
    }

    private void note(String what) {
        state.note(process.name(), what);
    }

    /// Does something drawn by the seed.
    void act() {
        begin();
        int choice = random.nextInt(100);
        if (random.nextInt(100) < state.rules().pruning()) {
            prune(pruneRules());
        } else if (choice < 63) {
            backup();
        } else if (choice < 80) {
            forget();
        } else if (choice < 84) {
            bringBack();
        } else if (choice < 93) {
            restore();
        } else if (choice < 96) {
            verify();
        } else {
            process.setClockError(Duration.ofHours(random.nextInt(24 * 40) - 24L * 20));
        }
    }

    void begin() {
        process.beginAction();
        began = now();
    }

    void sleep(Duration length) {
        process.silentFor(length);
        state.turns().await(process, length);
        if (process.isDead()) {
            throw new Crash();
        }
    }

    private boolean isRevocable() {
        return process.silence().compareTo(state.rules().patience().minusHours(1)) > 0;
    }

    /// Throws if nothing that happened to the process explains the failure.
    private void requireExplained(String action, VaultException e, Set<Kind> expected) {
        note(action + " failed: " + e.kind() + " " + e.getMessage());
        boolean isFault = process.faults() > 0;
        if (e.kind() == Kind.MISSING && mayBeUnlisted()) {
            return;
        }
        if (!expected.contains(e.kind())
                && !(isFault && OF_STORE.contains(e.kind()))
                // What was asked for twice exists.
                && !(isFault && e.kind() == Kind.EXISTS)) {
            throw new Violation(action + " failed for no reason: " + e.getMessage(), e);
        }
    }

    /// Whether listings may not yet tell of everything that some point needs, as it was made just now.
    private boolean mayBeUnlisted() {
        return !state.rules().delay().isZero()
                && model.madeOneAfter(began.minus(state.rules().delay()));
    }

    private Optional<RecoveryPoint> any(List<RecoveryPoint> points) {
        return points.isEmpty()
                ? Optional.empty()
                : Optional.of(points.get(random.nextInt(points.size())));
    }

    /// A new state of a VM's disks: some chunks become others, of which there are few, so that VMs share them and old ones
    /// return.
    private Map<String, int[]> mutated(Map<String, int[]> before) {
        Map<String, int[]> after = new TreeMap<>();
        before.forEach((name, chunks) -> after.put(name, mutated(chunks)));
        return after;
    }

    private int[] mutated(int[] before) {
        int[] after = before.clone();
        int changes = random.nextInt(8);
        for (int i = 0; i < changes; i++) {
            int at = random.nextInt(Math.min(after.length, 40));
            int run = 1 + random.nextInt(4);
            int from = random.nextInt(state.rules().contents());
            for (int j = 0; j < run && at + j < after.length; j++) {
                after[at + j] = random.nextInt(6) == 0 ? 0 : 1 + from + j;
            }
        }
        if (random.nextInt(8) == 0) {
            after[after.length - 1 - random.nextInt(Math.min(after.length, 70))] =
                    1 + random.nextInt(state.rules().contents());
        }
        return after;
    }

    private Map<String, int[]> fresh() {
        Map<String, int[]> disks = new TreeMap<>();
        disks.put("system", disk(HistoryRules.pick(random, 20, 40, 150)));
        if (random.nextInt(3) == 0) {
            disks.put("data", disk(10));
        }
        return disks;
    }

    private int[] disk(int size) {
        int[] disk = new int[size];
        int used = 5 + random.nextInt(Math.min(30, size - 5));
        int from = random.nextInt(state.rules().contents());
        for (int i = 0; i < used; i++) {
            disk[i] = 1 + (from + i) % state.rules().contents();
        }
        return disk;
    }

    private void backup() {
        String vm = "vm-" + random.nextInt(3);
        String token = process.name() + "-" + state.operations();
        process.setToken(token);
        try {
            List<RecoveryPoint> ofVm =
                    vault.points().stream().filter(point -> point.vm().equals(vm)).toList();
            Optional<RecoveryPoint> base = random.nextInt(4) == 0 ? Optional.empty() : any(ofVm);
            note("backup " + token + " on " + base.map(RecoveryPoint::writer).orElse("nothing"));
            RecoveryPoint made = backup(vm, token, base);
            if (made != null && !model.wasMade(token)) {
                throw new Violation("a point was told of that is not there: " + token);
            }
        } catch (VaultException e) {
            Set<Kind> expected = EnumSet.noneOf(Kind.class);
            if (isRevocable()) {
                expected.add(Kind.OVERTAKEN);
                expected.add(Kind.MISSING);
            }
            requireExplained("backup", e, expected);
        } finally {
            process.setToken("");
        }
    }

    @SuppressWarnings("NullAway")
    private RecoveryPoint backup(String vm, String token, Optional<RecoveryPoint> base) {
        try (BackupSession session = vault.backup(base, new Cancellation(), (_, _) -> {})) {
            maybeSilent(session);
            Optional<RecoveryPoint> usable = session.base();
            Map<String, int[]> before =
                    usable.map(point -> model.ofToken(point.writer()).disks).orElse(Map.of());
            Map<String, int[]> disks = before.isEmpty() ? fresh() : mutated(before);
            Optional<Instant> lock =
                    random.nextInt(12) == 0
                            ? Optional.of(now().plus(Duration.ofHours(random.nextInt(200))))
                            : Optional.empty();
            model.attempt(new SimulatedPoint(token, vm, disks, lock));
            int way = random.nextInt(3);
            List<DiskInput> inputs = new ArrayList<>();
            disks.keySet().stream()
                    .sorted()
                    .forEach(name ->
                            inputs.add(
                                    new DiskInput(
                                            name,
                                            source(session, disks.get(name)),
                                            scan(
                                                    way,
                                                    usable,
                                                    name,
                                                    before.get(name),
                                                    disks.get(name)))));
            List<StoredDisk> stored = session.store(inputs);
            if (random.nextInt(15) == 0) {
                note("gives up");
                return null;
            }
            maybeSilent(session);
            return session.commit(draft(vm, token, stored, lock));
        }
    }

    private void maybeSilent(BackupSession session) {
        if (random.nextInt(6) == 0) {
            if (random.nextBoolean()) {
                note("renews");
                session.renew();
            }
            sleep(SimulatedStore.pause(random));
            if (random.nextBoolean()) {
                note("renews");
                session.renew();
            }
        }
    }

    private BlockSource source(BackupSession session, int[] chunks) {
        return Disks.source(
                chunks,
                () -> {
                    if (random.nextInt(150) == 0) {
                        note("renews");
                        session.renew();
                    }
                });
    }

    private Scan scan(
            int way, Optional<RecoveryPoint> base, String disk, int[] before, int[] after) {
        if (base.isEmpty() || way == 0) {
            return new Scan.Everything(Optional.empty());
        }
        var image = base.get().disk(disk).orElseThrow().image();
        if (way == 1) {
            return new Scan.Everything(Optional.of(image));
        }
        List<Extent> ranges = Disks.changes(before, after, random);
        return new Scan.Changed(image, ranges::iterator);
    }

    private PointDraft draft(
            String vm, String token, List<StoredDisk> stored, Optional<Instant> lock) {
        Instant now = process.clock().instant();
        return new PointDraft(
                vm,
                Json.object().put("name", vm),
                now,
                now,
                Consistency.STOPPED,
                "",
                OptionalLong.empty(),
                stored.stream()
                        .map(disk ->
                                new PointDisk(
                                        disk.name(),
                                        disk.image(),
                                        "raw",
                                        Optional.empty(),
                                        PointDisk.Method.FULL,
                                        "first-backup",
                                        disk.changedBytes(),
                                        disk.readBytes(),
                                        disk.newBytes()))
                        .toList(),
                token,
                lock,
                Optional.empty());
    }

    private PruneRules pruneRules() {
        return new PruneRules(
                state.rules().restless()
                        ? Duration.ZERO
                        : HistoryRules.pick(
                                random,
                                Duration.ZERO,
                                Duration.ZERO,
                                Duration.ofHours(1),
                                Duration.ofDays(1),
                                Duration.ofDays(3)),
                HistoryRules.pick(
                        random,
                        Duration.ZERO,
                        Duration.ZERO,
                        Duration.ofHours(1),
                        Duration.ofDays(1)),
                HistoryRules.pick(random, 0, 30, 70, 100),
                random.nextInt(3) == 0 ? 5L * Disks.CHUNK : Long.MAX_VALUE,
                random.nextInt(10) == 0);
    }

    private void prune(PruneRules rules) {
        note("prune " + rules);
        try {
            PruneResult result = vault.prune(rules, new Cancellation());
            note("pruned " + result);
        } catch (VaultException e) {
            Set<Kind> expected = EnumSet.noneOf(Kind.class);
            if (isRevocable() || rules.dryRun()) {
                // Nothing keeps others from purging what it looks at.
                expected.add(Kind.MISSING);
            }
            requireExplained("prune", e, expected);
        }
    }

    private void forget() {
        try {
            List<RecoveryPoint> points = vault.points();
            if (points.size() < 2) {
                return;
            }
            RecoveryPoint point = any(points).orElseThrow();
            Duration keep =
                    HistoryRules.pick(
                            random,
                            Duration.ZERO,
                            Duration.ZERO,
                            Duration.ofHours(random.nextInt(48)),
                            Duration.ofDays(random.nextInt(14)));
            note("forget " + point.writer() + " keep " + keep);
            vault.forget(point, keep);
        } catch (VaultException e) {
            // Somebody else forgot it, or it is locked: the model watches that it was.
            requireExplained("forget", e, EnumSet.of(Kind.EXISTS, Kind.RETAINED));
        }
    }

    private void bringBack() {
        try {
            List<ForgottenPoint> points = vault.forgotten();
            if (points.isEmpty()) {
                return;
            }
            ForgottenPoint point = points.get(random.nextInt(points.size()));
            note("bring back " + point.point().writer());
            vault.bringBack(point);
        } catch (VaultException e) {
            requireExplained("bring back", e, EnumSet.of(Kind.NOT_FOUND));
        }
    }

    private void restore() {
        try {
            Optional<RecoveryPoint> point = any(vault.points());
            if (random.nextInt(4) == 0) {
                sleep(SimulatedStore.pause(random));
            }
            point.ifPresent(this::restore);
        } catch (VaultException e) {
            requireExplained("list", e, EnumSet.noneOf(Kind.class));
        }
    }

    void restore(RecoveryPoint point) {
        SimulatedPoint expected = model.ofToken(point.writer());
        note("restore " + point.writer());
        try {
            for (PointDisk disk : point.disks()) {
                Disks.Target target = new Disks.Target(expected.disk(disk.name()));
                vault.restore(disk.image(), target, new Cancellation(), _ -> {});
                if (!target.isAsExpected()) {
                    throw new Violation("restored something else: " + point.writer());
                }
            }
        } catch (VaultException e) {
            requireExplained(
                    "restore of " + point.writer(),
                    e,
                    expected.mayBeGone(now())
                            ? EnumSet.of(Kind.MISSING)
                            : EnumSet.noneOf(Kind.class));
        }
    }

    private void verify() {
        note("verify");
        try {
            Verification found = vault.verify(new Cancellation(), _ -> {});
            // Where listings are late, what others make just now is seen in part; at rest it must
            // be whole.
            if (state.rules().delay().isZero()) {
                requireSound(found);
            }
        } catch (VaultException e) {
            requireExplained("verify", e, EnumSet.noneOf(Kind.class));
        }
    }

    static void requireSound(Verification verification) {
        if (!verification.isSound()) {
            throw new Violation(
                    "verify reports damage that nobody did: " + verification.problems());
        }
    }
}
