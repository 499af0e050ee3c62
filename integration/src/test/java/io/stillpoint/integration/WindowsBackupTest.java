package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.engine.JobException;
import io.stillpoint.hypervisor.qemu.QemuVm;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.TestDisks;
import io.stillpoint.testkit.TestVm;
import io.stillpoint.testkit.WineGuest;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.RecoveryPoint;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Jobs on a VM whose disks are a real QEMU's and whose guest, as the job sees it, is Wine with QEMU's real agent for
/// Windows and the service that the job puts there. What runs on the disks has no part in it.
@Tag("qemu")
final class WindowsBackupTest {
    private static final String KEY = "HKLM\\SOFTWARE\\Microsoft\\BcdrAgent";

    @TempDir Path folder;
    private TestVm machine;
    private TestVault vault;
    private QemuVm vm;

    @BeforeEach
    void start() {
        RealParts.assumeQemu();
        RealParts.assumeWine();
        machine = TestVm.start(new TestDisks(folder).qcow2Ext4("disk", ByteSize.parse("16M")));
        vault = new TestVault(folder);
        vault.giveExtensions();
        vm = QemuVm.open(machine.qmpSocket(), Threads.ofProcess());
    }

    @AfterEach
    void stop() {
        vm.close();
        vault.close();
        machine.close();
    }

    private RecoveryPoint backup(WineGuest guest) {
        // Wine's guest has its channel beside the VM, not on a device of it.
        return vault.backup(new ReferenceVm(vm).withAnyChannel(), guest.agentSocket());
    }

    private void require(RecoveryPoint point, Consistency consistency, String reason, String way) {
        assertThat(point.consistencyReason()).as(vault.steps().toString()).isEqualTo(reason);
        assertThat(point.consistency()).isEqualTo(consistency);
        assertThat(quiescing(point).path("way").asString()).isEqualTo(way);
    }

    private static JsonNode quiescing(RecoveryPoint point) {
        return point.configuration().path("quiescing");
    }

    @Test
    void writersThatAreWellMakeAnApplicationConsistentPointAndOneThatFailsDoesNot() {
        try (WineGuest guest = WineGuest.start(WineGuest.Vss.SCRIPTED)) {
            guest.script();
            RecoveryPoint full = backup(guest);
            require(full, Consistency.APPLICATION, "", "vss");
            assertThat(quiescing(full).path("backupType").asString()).isEqualTo("full");
            assertThat(vault.steps())
                    .anyMatch(step -> step.matches("extension: VMSnapshot .* was installed.*"));
            assertThat(guest.calls()).contains("BackupComplete");
            assertThat(vault.steps())
                    .anyMatch(step -> step.startsWith("warning") && step.contains("--vcredist"));

            guest.register(KEY, "USEVSSCOPYBACKUP", "REG_SZ", "True");
            RecoveryPoint copy = backup(guest);
            require(copy, Consistency.APPLICATION, "", "vss");
            assertThat(quiescing(copy).path("backupType").asString()).isEqualTo("copy");

            // In the state after the freeze.
            guest.script("failing=2", "failsAt=9", "failsWith=0x800423F4");
            vault.demand(Consistency.APPLICATION);
            int before = vault.vault().points().size();
            assertThatThrownBy(() -> backup(guest))
                    .isInstanceOfSatisfying(
                            JobException.class,
                            e -> {
                                assertThat(e.code()).isEqualTo("engine.below-minimum");
                                assertThat(e.getMessage()).contains("SqlServerWriter");
                            });
            assertThat(vault.vault().points()).hasSize(before);

            vault.demand(Consistency.CRASH);
            require(backup(guest), Consistency.FILE_SYSTEM, "guest.writer-failed", "flush");
            assertThat(vault.steps())
                    .anyMatch(
                            step -> step.startsWith("warning") && step.contains("SqlServerWriter"));
            // The next three leave the writers alone, though they would be well.
            guest.script();
            for (int i = 0; i < 3; i++) {
                require(backup(guest), Consistency.FILE_SYSTEM, "guest.flushed", "flush");
                assertThat(guest.calls()).isEmpty();
            }
            require(backup(guest), Consistency.APPLICATION, "", "vss");
        }
    }

    /// The VSS of stock Wine is none: its failure is a genuine one.
    @Test
    void whereVssDoesNotWorkTheVolumesAreFlushed() {
        try (WineGuest guest = WineGuest.start(WineGuest.Vss.NONE)) {
            require(backup(guest), Consistency.FILE_SYSTEM, "guest.vss-failed", "flush");
            assertThat(vault.warnings()).contains("guest.vss-failed");
            assertThat(vault.verify().isSound()).isTrue();
        }
    }
}
