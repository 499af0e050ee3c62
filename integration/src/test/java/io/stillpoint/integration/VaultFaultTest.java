package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.integration.FaultyVault.History;
import io.stillpoint.integration.VaultScript.Prepared;
import io.stillpoint.testkit.disk.Fault;
import io.stillpoint.testkit.disk.FaultyDisk;
import io.stillpoint.testkit.disk.FaultyDisk.Traits;
import io.stillpoint.testkit.disk.Operation;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// A disk that is full, can't be read, denies access or answers by halves, from the n-th call on or just then, for each n.
final class VaultFaultTest {
    /// @param operations which fail
    /// @param forEver from then on
    /// @param stride at every which call, if not said otherwise
    record Failing(Set<Operation> operations, Fault fault, boolean forEver, int stride) {
        Set<Kind> kinds() {
            return switch (fault) {
                case NO_SPACE -> EnumSet.of(Kind.STORE_FULL);
                case IO_ERROR, DENIED -> EnumSet.of(Kind.STORE);
                case SHORT -> EnumSet.noneOf(Kind.class);
            };
        }
    }

    private static final Set<Operation> ALL = EnumSet.allOf(Operation.class);
    private static final Set<Operation> TRANSFER = EnumSet.of(Operation.READ, Operation.WRITE);

    static List<Failing> failing() {
        return List.of(
                new Failing(Operation.ROOM_TAKING, Fault.NO_SPACE, true, 1),
                new Failing(Operation.ROOM_TAKING, Fault.NO_SPACE, false, 1),
                new Failing(ALL, Fault.IO_ERROR, false, 5),
                new Failing(ALL, Fault.DENIED, true, 5));
    }

    @Test
    void aFullDiskAtSomeWritesHarmsNothing() {
        strikeAtEvery(7, new Failing(Operation.ROOM_TAKING, Fault.NO_SPACE, true, 1));
    }

    @Tag("slow")
    @ParameterizedTest
    @MethodSource("failing")
    void aFaultAtAnyCallSaysWhatItIsHarmsNothingAndIsForgottenOnceItIsGone(Failing failing) {
        int calls = strikeAtEvery(VaultScript.stride(failing.stride), failing);
        assertThat(calls).as("calls of the script").isGreaterThan(10);
    }

    @Test
    void readsAndWritesByHalvesAreCompleted() {
        assertThat(
                        strike(
                                VaultScript.prepare(Traits.PLAIN),
                                1,
                                new Failing(TRANSFER, Fault.SHORT, true, 1)))
                .isTrue();
    }

    /// Returns how many calls there were.
    private static int strikeAtEvery(int stride, Failing failing) {
        Prepared prepared = VaultScript.prepare(Traits.PLAIN);
        return VaultScript.atEvery(stride, call -> strike(prepared, call, failing));
    }

    /// Returns whether there was such a call.
    private static boolean strike(Prepared prepared, int call, Failing failing) {
        History history = prepared.history().copy();
        FaultyDisk disk = prepared.boot();
        try {
            disk.fail(failing.operations, call, failing.fault, failing.forEver);
            try (FaultyVault vault = FaultyVault.open(disk, history)) {
                requireClear(failing, () -> use(vault));
                disk.heal();
                // The same process goes on as if nothing had been.
                VaultScript.runNext(vault);
            } catch (VaultException e) {
                assertThat(failing.kinds()).as("opening: " + e).contains(e.kind());
                disk.heal();
            }
            try (FaultyVault vault = FaultyVault.open(disk, history)) {
                vault.requireSound();
            }
            FaultyVault.requireTidy(disk);
        } catch (RuntimeException | Error e) {
            throw new AssertionError(failing + " at call " + call, e);
        }
        return disk.hasStruck();
    }

    private static void use(FaultyVault vault) {
        VaultScript.run(vault);
        assertThat(vault.verify().problems()).isEmpty();
        vault.requireRestores(vault.vault().points().getLast());
    }

    private static void requireClear(Failing failing, Runnable calls) {
        try {
            calls.run();
        } catch (VaultException e) {
            assertThat(failing.kinds()).as(e.toString()).contains(e.kind());
            assertThat(e.getMessage()).contains("/srv/backups/vault");
        }
    }
}
