package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.demo.VmDisk;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.qemu.QemuVm;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.HostCommand;
import io.stillpoint.testkit.LiveWriters;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.TestDisks;
import io.stillpoint.testkit.TestVm;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDisk.Method;
import io.stillpoint.vault.point.RecoveryPoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Backups of a real guest that runs and writes, in a real QEMU with its real agent.
@Tag("qemu")
final class RunningVmTest {
    private static final ByteSize SIZE = ByteSize.parse("64M");

    @TempDir Path folder;
    private VmDisk first;
    private VmDisk second;
    private VmDisk third;

    @BeforeAll
    static void needQemu() {
        RealParts.assumeQemu();
    }

    @BeforeEach
    void makeDisks() {
        TestDisks disks = new TestDisks(folder);
        first = disks.qcow2Ext4("first", SIZE);
        second = disks.ext4("second", SIZE);
        third = disks.qcow2Ext4("third", SIZE).wired(VmDisk.Wiring.DRIVE);
    }

    private TestVm start() {
        return TestVm.start(first, second, third);
    }

    private void requireEqual(TestVault vault, RecoveryPoint point, ReferenceVm vm) {
        for (PointDisk disk : point.disks()) {
            assertThat(vault.restored(disk))
                    .as("disk %s of a point made by %s", disk.name(), disk.method())
                    .isEqualTo(vm.references().get(disk.name()));
        }
    }

    private void requireCleanFileSystems(TestVault vault, RecoveryPoint point) throws IOException {
        for (PointDisk disk : point.disks()) {
            Path image = folder.resolve("check.raw");
            Files.write(image, vault.restored(disk));
            // -n -f: a frozen file system needs no repair, only its journal's end noted.
            HostCommand.run("e2fsck", "-fn", image.toString());
        }
    }

    private boolean isFrozen(TestVm vm) {
        return vm.exitCode("timeout 5 sh -c 'date >/data/first/alive; sync /data/first/alive'")
                != 0;
    }

    private static String nodes(TestVm vm) {
        try (QmpProbe probe = new QmpProbe(vm.spareQmpSocket())) {
            return probe.execute("query-named-block-nodes") + probe.execute("query-block-exports");
        }
    }

    private void requireNothingLeft(TestVault vault, TestVm vm) throws IOException {
        assertThat(nodes(vm))
                .doesNotContain("copy-before-write")
                .doesNotContain("\"node-name\": \"sp-")
                .doesNotContain("\"id\": \"sp-");
        if (Files.exists(vault.scratch())) {
            try (Stream<Path> files = Files.list(vault.scratch())) {
                assertThat(files.filter(file -> file.toString().contains("sp-"))).isEmpty();
            }
        }
    }

    @Test
    void everyPointIsByteForByteTheInstantWhileTheGuestWrites() throws IOException {
        try (TestVm guest = start();
                TestVault vault = new TestVault(folder);
                LiveWriters writers =
                        new LiveWriters(guest)
                                .randomBlocks("/data/first", 8)
                                .smallFiles("/data/second")
                                .database("/data/third")) {
            for (int round = 0; round < 4; round++) {
                writers.awaitRounds(3);
                try (ReferenceVm vm =
                        new ReferenceVm(QemuVm.open(guest.qmpSocket(), Threads.ofProcess()))) {
                    RecoveryPoint point = vault.backup(vm, guest.agentSocket());
                    assertThat(point.consistency()).isEqualTo(Consistency.FILE_SYSTEM);
                    assertThat(point.frozenMillis().orElseThrow()).isLessThan(10_000);
                    assertThat(point.disks())
                            .extracting(PointDisk::method)
                            .containsOnly(round == 0 ? Method.FULL : Method.INCREMENTAL);
                    requireEqual(vault, point, vm);
                    requireCleanFileSystems(vault, point);
                }
                requireNothingLeft(vault, guest);
                assertThat(isFrozen(guest)).isFalse();
            }
            assertThat(writers.complaints()).isEmpty();
            assertThat(vault.warnings()).isEmpty();
            assertThat(vault.verify().problems()).isEmpty();
        }
    }

    @Test
    void withoutAgentThePointIsCrashConsistentAndSaysWhy() {
        try (TestVm guest = start();
                TestVault vault = new TestVault(folder)) {
            try (ReferenceVm vm =
                    new ReferenceVm(QemuVm.open(guest.qmpSocket(), Threads.ofProcess()))) {
                RecoveryPoint point = vault.backup(vm, null);
                assertThat(point.consistency()).isEqualTo(Consistency.CRASH);
                assertThat(point.consistencyReason()).isEqualTo("guest.no-agent-socket");
                requireEqual(vault, point, vm);
            }
            try (QemuVm vm = QemuVm.open(guest.qmpSocket(), Threads.ofProcess())) {
                RecoveryPoint point = vault.backup(vm, folder.resolve("no-such-socket"));
                assertThat(point.consistency()).isEqualTo(Consistency.CRASH);
                assertThat(vault.warnings()).contains("guest.unreachable");
            }
        }
    }

    @Test
    void afterARestartOfQemuEveryDiskIsReadWhole() {
        try (TestVault vault = new TestVault(folder)) {
            try (TestVm guest = start();
                    QemuVm vm = QemuVm.open(guest.qmpSocket(), Threads.ofProcess())) {
                vault.backup(vm, guest.agentSocket());
                guest.sh("dd if=/dev/urandom of=/data/first/x bs=64k count=3; sync");
                vm.close();
                guest.powerOff();
            }
            try (TestVm guest = start();
                    ReferenceVm vm =
                            new ReferenceVm(QemuVm.open(guest.qmpSocket(), Threads.ofProcess()))) {
                RecoveryPoint point = vault.backup(vm, guest.agentSocket());
                for (PointDisk disk : point.disks()) {
                    assertThat(disk.method()).isEqualTo(Method.COMPARISON);
                    assertThat(disk.reason()).isEqualTo("restarted");
                }
                requireEqual(vault, point, vm);
            }
        }
    }

    @Test
    void afterACrashOfQemuEveryDiskIsCompared() {
        try (TestVault vault = new TestVault(folder)) {
            try (TestVm guest = start()) {
                try (QemuVm vm = QemuVm.open(guest.qmpSocket(), Threads.ofProcess())) {
                    vault.backup(vm, guest.agentSocket());
                }
                guest.sh("dd if=/dev/urandom of=/data/first/x bs=64k count=3; sync");
                guest.process().kill9();
            }
            try (TestVm guest = start();
                    ReferenceVm vm =
                            new ReferenceVm(QemuVm.open(guest.qmpSocket(), Threads.ofProcess()))) {
                RecoveryPoint point = vault.backup(vm, guest.agentSocket());
                assertThat(point.disks())
                        .extracting(PointDisk::method)
                        .containsOnly(Method.COMPARISON);
                requireEqual(vault, point, vm);
            }
        }
    }

    @Test
    void scratchSpaceThatRunsOutBreaksTheSnapshotAndNotTheGuest() throws IOException {
        try (TestVm guest = start();
                TestVault vault = new TestVault(folder)) {
            vault.limitScratch(ByteSize.parse("2M"));
            try (ReferenceVm vm =
                    new ReferenceVm(QemuVm.open(guest.qmpSocket(), Threads.ofProcess()))) {
                guest.sh("dd if=/dev/urandom of=/data/first/x bs=1M count=20; sync");
                vm.beforeProof(() ->
                        guest.sh(
                                "dd if=/dev/urandom of=/data/first/x bs=1M count=20"
                                        + " conv=notrunc; sync"));
                assertThatThrownBy(() -> vault.backup(vm, guest.agentSocket()))
                        .isInstanceOfSatisfying(
                                HypervisorException.class,
                                e ->
                                        assertThat(e.kind())
                                                .isEqualTo(
                                                        HypervisorException.Kind.SNAPSHOT_BROKEN));
            }
            assertThat(vault.vault().points()).isEmpty();
            requireNothingLeft(vault, guest);
            assertThat(isFrozen(guest)).isFalse();
            vault.limitScratch(ByteSize.parse("1G"));
            try (QemuVm vm = QemuVm.open(guest.qmpSocket(), Threads.ofProcess())) {
                assertThat(vault.backup(vm, guest.agentSocket()).disks()).hasSize(3);
            }
        }
    }

    @Test
    void aCancelledJobLeavesNothingAndTheNextIsIncremental() throws IOException {
        try (TestVm guest = start();
                TestVault vault = new TestVault(folder)) {
            try (QemuVm vm = QemuVm.open(guest.qmpSocket(), Threads.ofProcess())) {
                vault.backup(vm, guest.agentSocket());
            }
            try (ReferenceVm vm =
                    new ReferenceVm(QemuVm.open(guest.qmpSocket(), Threads.ofProcess()))) {
                Cancellation cancellation = new Cancellation();
                vm.beforeProof(cancellation::request);
                assertThatThrownBy(() -> vault.backup(vm, guest.agentSocket(), cancellation))
                        .isInstanceOf(CancelledException.class);
            }
            requireNothingLeft(vault, guest);
            try (ReferenceVm vm =
                    new ReferenceVm(QemuVm.open(guest.qmpSocket(), Threads.ofProcess()))) {
                RecoveryPoint point = vault.backup(vm, guest.agentSocket());
                assertThat(point.disks())
                        .extracting(PointDisk::method)
                        .containsOnly(Method.INCREMENTAL);
                requireEqual(vault, point, vm);
            }
        }
    }

    @Test
    void aVmThatEndsMidwayMakesNoPoint() {
        try (TestVm guest = start();
                TestVault vault = new TestVault(folder)) {
            QemuVm qemu = QemuVm.open(guest.qmpSocket(), Threads.ofProcess());
            try (ReferenceVm vm = new ReferenceVm(qemu)) {
                vm.beforeProof(guest.process()::kill9);
                assertThatThrownBy(() -> vault.backup(vm, guest.agentSocket()))
                        .isInstanceOfSatisfying(
                                HypervisorException.class,
                                e ->
                                        assertThat(e.kind())
                                                .isEqualTo(HypervisorException.Kind.UNREACHABLE));
            }
            assertThat(vault.vault().points()).isEmpty();
            assertThat(vault.verify().isSound()).isTrue();
        }
    }

    @Test
    void twoVaultsKeepTheirChangesApart() throws IOException {
        Path other = Files.createDirectory(folder.resolve("other"));
        try (TestVm guest = start();
                TestVault one = new TestVault(folder);
                TestVault two = new TestVault(other)) {
            for (TestVault vault : List.of(one, two, one, two)) {
                guest.sh("dd if=/dev/urandom of=/data/first/x bs=64k count=5; sync");
                try (ReferenceVm vm =
                        new ReferenceVm(QemuVm.open(guest.qmpSocket(), Threads.ofProcess()))) {
                    int before = vault.vault().points().size();
                    RecoveryPoint point = vault.backup(vm, guest.agentSocket());
                    assertThat(point.disks())
                            .extracting(PointDisk::method)
                            .containsOnly(before == 0 ? Method.FULL : Method.INCREMENTAL);
                    requireEqual(vault, point, vm);
                }
            }
        }
    }
}
