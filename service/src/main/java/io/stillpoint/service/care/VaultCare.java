package io.stillpoint.service.care;

import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.retention.Candidate;
import io.stillpoint.planning.retention.Origin;
import io.stillpoint.planning.retention.Retention;
import io.stillpoint.planning.retention.Verdict;
import io.stillpoint.planning.schedule.Rhythm;
import io.stillpoint.planning.schedule.Schedule;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.text.Text;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ServiceConfig.Care;
import io.stillpoint.service.database.Cares;
import io.stillpoint.service.database.Cause;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Machines;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.fleet.KeptPolicies;
import io.stillpoint.service.vaults.Catalogue;
import io.stillpoint.service.vaults.Vaults;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Clocks;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.prune.PruneResult;
import io.stillpoint.vault.prune.PruneRules;
import io.stillpoint.vault.store.ObjectId;
import io.stillpoint.vault.verify.Verification;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;

/// Takes care of one vault after another. Safe for many threads: one works, the others wait for it.
public final class VaultCare {
    /// Each day such a part of all data is verified, chosen at random.
    private static final int VERIFY_DAYS = 30;

    /// Clocks that are about a day apart or more decide nothing.
    private static final Duration CLOCKS_MAX = Duration.ofHours(23);

    private final Vaults vaults;
    private final Machines machines;
    private final KeptPolicies policies;
    private final Points points;
    private final Cares cares;
    private final Catalogue catalogue;
    private final Tools tools;
    private final Cancellation cancellation = new Cancellation();

    /// What the database knows.
    public record Records(Machines machines, KeptPolicies policies, Points points, Cares cares) {}

    public VaultCare(Vaults vaults, Records records, Tools tools) {
        this.vaults = vaults;
        machines = records.machines();
        policies = records.policies();
        points = records.points();
        cares = records.cares();
        catalogue = new Catalogue(machines, points, tools);
        this.tools = tools;
    }

    /// When a vault's window opens next.
    public static Instant next(Care care, Instant now) {
        return new Schedule(
                        care.zone(),
                        new Rhythm.Daily(new TreeSet<>(Set.of(care.from()))),
                        Duration.ZERO)
                .next(now, "", "")
                .start();
    }

    /// Whether a vault's window is open.
    public static boolean isOpen(Care care, Instant now) {
        return next(care, now.minus(care.length())).compareTo(now) <= 0;
    }

    /// What reads the vaults' points into the database.
    public Catalogue catalogue() {
        return catalogue;
    }

    /// Ends what is going on, soon. Nothing begins any more.
    public void stop() {
        cancellation.request();
    }

    /// Applies retention, prunes, verifies a part. What fails is noted, and the rest is done all the same.
    public synchronized void run(String vault) {
        Vaults.Opened opened;
        try {
            opened = vaults.open(vault);
        } catch (StillpointException e) {
            note(vault, "forget", Optional.of(e.code()), e.getMessage());
            return;
        }
        attempt(vault, "forget", () -> forget(opened));
        attempt(vault, "prune", () -> prune(opened.vault()));
        attempt(vault, "verify", () -> verify(opened.vault()));
    }

    /// What came of one piece of care.
    ///
    /// @param isWell whether nobody has to do anything
    private record Done(boolean isWell, Text text) {}

    private void attempt(String vault, String kind, Supplier<Done> work) {
        try {
            cancellation.check();
            Done done = work.get();
            note(
                    vault,
                    kind,
                    done.isWell() ? Optional.empty() : Optional.of(done.text().code()),
                    done.text().toString());
        } catch (CancelledException e) {
            // The service stops: what is left is done at the next window.
        } catch (StillpointException e) {
            note(vault, kind, Optional.of(e.code()), e.getMessage());
        } catch (RuntimeException e) {
            // Nobody would hear of it, and the rest would not be done.
            tools.defect(e);
            Text text = Text.of(VaultCare.class, "care.defect", e.toString());
            note(vault, kind, Optional.of(text.code()), text.toString());
        }
    }

    private void note(String vault, String kind, Optional<String> code, String message) {
        tools.log().accept("vault " + vault + ": " + message);
        cares.put(new Cares.Care(vault, kind, tools.clock().instant(), code, message));
    }

    private Done forget(Vaults.Opened opened) {
        Clocks clocks = opened.vault().clocks();
        if (clocks.apart().compareTo(CLOCKS_MAX) > 0) {
            return new Done(
                    false, Text.of(VaultCare.class, "care.clocks", clocks.host(), clocks.store()));
        }
        int all = catalogue.read(opened);
        int forgotten = 0;
        Map<String, Policy> rules = policies.all();
        for (Machine machine : machines.all()) {
            Optional<Policy> policy =
                    machine.protection().policy().map(rules::get).flatMap(Optional::ofNullable);
            Optional<String> name = machine.protection().pointName();
            boolean isHere = machine.protection().vault().filter(opened.name()::equals).isPresent();
            if (policy.isEmpty() || name.isEmpty() || !isHere) {
                continue;
            }
            cancellation.check();
            // The earlier of both clocks: what only one of them would forget, stays.
            List<Verdict> verdicts =
                    Retention.judge(
                            candidates(opened.name(), name.get()),
                            policy.get().retention(),
                            clocks.earlier());
            for (Verdict verdict : verdicts) {
                if (!verdict.kept()) {
                    forgotten += forget(opened, verdict.point().id());
                }
            }
        }
        return new Done(true, Text.of(VaultCare.class, "care.forgotten", forgotten, all));
    }

    private int forget(Vaults.Opened opened, String id) {
        Optional<RecoveryPoint> point = opened.vault().point(ObjectId.parse(id));
        if (point.isPresent()) {
            var _ = opened.vault().forget(point.get(), opened.config().undo());
            opened.pin().removed(Set.of(point.get().id()));
        }
        points.remove(opened.name(), id);
        return point.isPresent() ? 1 : 0;
    }

    /// The points of a VM that [#forgetAll] would forget: all but those that are pinned or locked.
    public List<Points.Point> forgettable(Machine machine) {
        Machine.Protection protection = machine.protection();
        if (protection.vault().isEmpty() || protection.pointName().isEmpty()) {
            return List.of();
        }
        Vaults.Opened opened = vaults.open(protection.vault().get());
        catalogue.read(opened, protection.pointName().get());
        Instant now = tools.clock().instant();
        return points.of(opened.name(), protection.pointName().get()).stream()
                .filter(each -> each.pin().isEmpty())
                .filter(each -> each.lockedUntil().filter(now::isBefore).isEmpty())
                .toList();
    }

    /// Forgets all points of a VM, but for those that are pinned or locked. They can be brought back for as long as any that
    /// retention forgot. Returns how many there were.
    public int forgetAll(Machine machine) {
        int forgotten = 0;
        for (Points.Point each : forgettable(machine)) {
            forgotten += forget(vaults.open(each.vault()), each.id());
        }
        return forgotten;
    }

    /// The points of a VM, as retention sees them.
    public List<Candidate> candidates(Machine machine) {
        Machine.Protection protection = machine.protection();
        return protection.vault().isEmpty() || protection.pointName().isEmpty()
                ? List.of()
                : candidates(protection.vault().get(), protection.pointName().get());
    }

    private List<Candidate> candidates(String vault, String vm) {
        return points.of(vault, vm).stream().map(VaultCare::candidate).toList();
    }

    /// A point, as retention sees it.
    public static Candidate candidate(Points.Point point) {
        return new Candidate(
                point.id(),
                point.ordinal(),
                point.snapshotAt(),
                point.cause() == Cause.SCHEDULE ? Origin.SCHEDULED : Origin.ON_DEMAND,
                point.keepUntil(),
                point.pin(),
                point.lockedUntil());
    }

    private Done prune(Vault vault) {
        PruneResult result = vault.prune(PruneRules.DEFAULT, cancellation);
        result.warnings().forEach(text -> tools.log().accept("prune: " + text));
        return new Done(
                true,
                Text.of(
                        VaultCare.class,
                        "care.pruned",
                        result.purgedPoints(),
                        result.deletedPacks(),
                        new ByteSize(result.deletedBytes())));
    }

    private Done verify(Vault vault) {
        long sample = Math.ceilDiv(vault.facts().packBytes(), VERIFY_DAYS);
        Verification found = vault.verify(sample, cancellation, _ -> {});
        return new Done(
                found.isSound(),
                Text.of(
                        VaultCare.class,
                        found.isSound() ? "care.sound" : "care.damaged",
                        new ByteSize(sample)));
    }
}
