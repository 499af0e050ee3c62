package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.integration.FaultyVault.History;
import io.stillpoint.integration.VaultScript.Prepared;
import io.stillpoint.testkit.disk.FaultyDisk;
import io.stillpoint.testkit.disk.FaultyDisk.Traits;
import io.stillpoint.testkit.disk.Operation;
import io.stillpoint.vault.point.ForgottenPoint;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.VaultException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Power cuts and killed processes at every moment of what a process does to a vault.
final class VaultCrashTest {
    private static final int SEEDS = 2;

    static List<Traits> fileSystems() {
        return List.of(Traits.PLAIN, Traits.JOURNALED, Traits.WITHOUT_LINKS);
    }

    @Test
    void theScriptMergesTheIndexAndDeletesPacks() {
        Prepared prepared = VaultScript.prepare(Traits.PLAIN);
        FaultyDisk disk = prepared.boot();
        long before;
        try (FaultyVault vault = FaultyVault.open(disk, prepared.history())) {
            before = vault.vault().facts().segments();
            VaultScript.run(vault);
            // Once more: nothing is left to delete.
            assertThat(vault.prune().deletedPacks()).isZero();
        }
        try (FaultyVault vault = FaultyVault.open(disk, prepared.history())) {
            assertThat(vault.vault().facts().segments()).isLessThan(before);
            assertThat(vault.vault().forgotten()).isEmpty();
            vault.requireSound();
        }
    }

    @Test
    void aPowerCutAtSomeSyncsLosesNothingThatWasCommitted() {
        Prepared prepared = VaultScript.prepare(Traits.PLAIN);
        int syncs = VaultScript.atEvery(9, sync -> powerCutAt(prepared, sync, 1));
        assertThat(syncs).as("syncs of the script").isGreaterThan(20);
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("fileSystems")
    void aPowerCutAtAnySyncLosesNothingThatWasCommitted(Traits traits) {
        Prepared prepared = VaultScript.prepare(traits);
        int syncs =
                VaultScript.atEvery(
                        VaultScript.stride(1), sync -> powerCutAt(prepared, sync, SEEDS));
        assertThat(syncs).as("syncs of the script").isGreaterThan(20);
    }

    /// Returns whether there was such a sync.
    private static boolean powerCutAt(Prepared prepared, int sync, int seeds) {
        History history = prepared.history().copy();
        FaultyDisk disk = runUntil(prepared, history, Operation.SYNCS, sync);
        for (int number = 0; number < seeds; number++) {
            long seed = VaultScript.seed(number);
            FaultyDisk after = disk.afterCrash(seed);
            try (FaultyVault vault = FaultyVault.open(after, history.copy())) {
                vault.requireSound();
                VaultScript.runNext(vault);
            } catch (RuntimeException | Error e) {
                throw new AssertionError("sync " + sync + ", seed " + seed, e);
            }
            FaultyVault.requireTidy(after);
        }
        return disk.isStopped();
    }

    private static FaultyDisk runUntil(
            Prepared prepared, History history, Set<Operation> counted, int call) {
        FaultyDisk disk = prepared.boot();
        disk.stopAt(counted, call);
        try (FaultyVault vault = FaultyVault.open(disk, history)) {
            VaultScript.run(vault);
        } catch (VaultException e) {
            if (!disk.isStopped()) {
                throw e;
            }
        }
        return disk;
    }

    @Test
    void whatAProcessDoesWithWhatAKilledOneLeftOutlivesAPowerCutAtSomeCalls() {
        Prepared prepared = VaultScript.prepare(Traits.PLAIN);
        int calls = VaultScript.atEvery(29, call -> killAt(prepared, call, 1));
        assertThat(calls).as("changing calls of the script").isGreaterThan(50);
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("fileSystems")
    void whatAProcessDoesWithWhatAKilledOneLeftOutlivesAPowerCut(Traits traits) {
        Prepared prepared = VaultScript.prepare(traits);
        // Where the order of changes is anything, nothing is left to find for the others but what
        // concerns links.
        int stride = VaultScript.stride(traits.equals(Traits.PLAIN) ? 1 : 9);
        int calls = VaultScript.atEvery(stride, call -> killAt(prepared, call, 1));
        assertThat(calls).as("changing calls of the script").isGreaterThan(50);
    }

    /// The next process stores the same content, so that it needs what the killed one stored and may store nothing itself. After each
    /// of its steps the power may fail. Returns whether there was such a call.
    private static boolean killAt(Prepared prepared, int call, int seeds) {
        History history = prepared.history().copy();
        FaultyDisk killed = runUntil(prepared, history, Operation.CHANGES, call);
        FaultyDisk disk = killed.afterKill();
        try (FaultyVault vault = FaultyVault.open(disk, history)) {
            for (VaultScript.Step step : VaultScript.STEPS) {
                step.run().accept(vault);
                for (int seed = 0; seed < seeds; seed++) {
                    requireSoundAfterCrash(
                            disk, history, seed, step.name() + " after call " + call);
                }
            }
        }
        FaultyVault.requireTidy(disk);
        return killed.isStopped();
    }

    private static void requireSoundAfterCrash(
            FaultyDisk disk, History history, int number, String when) {
        long seed = VaultScript.seed(number);
        try (FaultyVault vault = FaultyVault.open(disk.afterCrash(seed), history.copy())) {
            vault.requireSound();
        } catch (RuntimeException | Error e) {
            throw new AssertionError(when + ", seed " + seed, e);
        }
    }

    @Test
    void aVaultIsMadeWholeOrCanBeMadeAnewAfterAPowerCutAtSomeCalls() {
        int calls = VaultScript.atEvery(7, call -> initUntil(Traits.PLAIN, call, 1));
        assertThat(calls).as("changing calls of making a vault").isGreaterThan(20);
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("fileSystems")
    void aVaultIsMadeWholeOrCanBeMadeAnew(Traits traits) {
        int calls =
                VaultScript.atEvery(VaultScript.stride(1), call -> initUntil(traits, call, SEEDS));
        assertThat(calls).as("changing calls of making a vault").isGreaterThan(20);
    }

    private static boolean initUntil(Traits traits, int call, int seeds) {
        FaultyDisk disk = VaultScript.emptyDisk(traits);
        disk.stopAt(Operation.CHANGES, call);
        History history = new History();
        try (FaultyVault vault = FaultyVault.init(disk, history)) {
            assertThat(vault.vault().points()).isEmpty();
        } catch (VaultException e) {
            assertThat(disk.isStopped()).as(e.getMessage()).isTrue();
        }
        boolean mustBe = !disk.isStopped();
        for (int number = 0; number < seeds; number++) {
            use(disk.afterCrash(VaultScript.seed(number)), history.copy(), mustBe);
        }
        // As a killed process leaves it; then the next one, and a power cut.
        FaultyDisk next = disk.afterKill();
        use(next, history, mustBe);
        for (int number = 0; number < seeds; number++) {
            requireSoundAfterCrash(next, history, number, "call " + call);
        }
        return !mustBe;
    }

    /// Uses the vault that is there, or makes it.
    private static void use(FaultyDisk disk, History history, boolean mustBe) {
        try (FaultyVault vault = FaultyVault.open(disk, history)) {
            vault.backup("vm", VaultScript.SMALL);
        } catch (VaultException e) {
            assertThat(e.kind()).isEqualTo(VaultException.Kind.NOT_A_VAULT);
            assertThat(mustBe).as("the vault is lost").isFalse();
            try (FaultyVault vault = FaultyVault.init(disk, history)) {
                vault.backup("vm", VaultScript.SMALL);
            }
        }
        FaultyVault.requireTidy(disk);
    }

    /// The record of a forgotten point is named by the point and never rewritten, so the old one goes before the new one comes: a
    /// process that ends between leaves a point that is not forgotten any more. It is whole, and can be forgotten again.
    @Test
    void aPurgeThatIsMadeEarlierLosesNoPointWhereverItsProcessEnds() {
        Prepared prepared = VaultScript.prepare(Traits.PLAIN);
        Set<String> found = ConcurrentHashMap.newKeySet();
        int calls = VaultScript.atEvery(1, call -> purgeEarlierUntil(prepared, call, found));
        assertThat(calls).as("changing calls").isGreaterThan(3);
        assertThat(found).containsExactlyInAnyOrder("forgotten", "offered");
    }

    private static boolean purgeEarlierUntil(Prepared prepared, int call, Set<String> found) {
        History history = prepared.history().copy();
        FaultyDisk disk = prepared.boot();
        RecoveryPoint point;
        try (FaultyVault vault = FaultyVault.open(disk, history)) {
            point = vault.vault().points().getFirst();
            vault.vault().forget(point, Duration.ofDays(14));
        }
        disk.stopAt(Operation.CHANGES, call);
        try (FaultyVault vault = FaultyVault.open(disk, history)) {
            ForgottenPoint forgotten = vault.vault().forgotten().getFirst();
            vault.vault().purgeEarlier(forgotten, Duration.ZERO);
        } catch (VaultException e) {
            if (!disk.isStopped()) {
                throw e;
            }
        }
        boolean isStopped = disk.isStopped();
        for (FaultyDisk after : List.of(disk.afterCrash(VaultScript.seed(0)), disk.afterKill())) {
            found.add(forgetAgain(after, history.copy(), point));
        }
        return isStopped;
    }

    /// Returns what the point was.
    private static String forgetAgain(FaultyDisk disk, History history, RecoveryPoint point) {
        try (FaultyVault vault = FaultyVault.open(disk, history)) {
            vault.requireRestores(point);
            assertThat(vault.verify().problems()).isEmpty();
            boolean isOffered = vault.vault().points().contains(point);
            if (isOffered) {
                assertThat(vault.vault().forgotten()).isEmpty();
                vault.vault().forget(point, Duration.ZERO);
            } else {
                vault.vault().purgeEarlier(vault.vault().forgotten().getFirst(), Duration.ZERO);
            }
            vault.prune();
            assertThat(vault.vault().points()).doesNotContain(point);
            assertThat(vault.vault().forgotten()).isEmpty();
            assertThat(vault.verify().problems()).isEmpty();
            return isOffered ? "offered" : "forgotten";
        }
    }
}
