package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.demo.GuestImage;
import io.stillpoint.demo.VmDisk;
import io.stillpoint.demo.VmLaunch;
import io.stillpoint.hypervisor.qemu.QemuVm;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.TestDisks;
import io.stillpoint.testkit.TestVm;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.RecoveryPoint;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A guest that runs on a disk, its extension too, is reset in each step of a job: the job ends with a point that claims
/// no more than it has, nothing stays frozen, and the next job is as good as any.
@Tag("qemu")
final class RestartedGuestTest {
    private static final Set<Consistency> NOT_FROZEN = Set.of(Consistency.CRASH);
    private static final Set<Consistency> EITHER =
            Set.of(Consistency.CRASH, Consistency.FILE_SYSTEM);

    @TempDir Path folder;

    @Test
    void inAnyStep() {
        RealParts.assumeQemu();
        GuestImage image = RealParts.guest();
        Path root = folder.resolve("root.raw");
        image.copyRootTo(root);
        VmDisk disk = VmDisk.raw("os", root).cached(VmDisk.Cache.UNSAFE);
        VmDisk data = new TestDisks(folder).ext4("data", ByteSize.parse("64M"));
        try (TestVm guest = TestVm.start(VmLaunch.fromDisk("test", image, disk, data));
                TestVault vault = new TestVault(folder)) {
            vault.giveExtensions();
            resetInStep("extension", Duration.ofMillis(200), guest, vault);
            guest.sh(
                    """
                    mkdir -p /etc/stillpoint; cd /etc/stillpoint; umask 077
                    echo 'sleep 20' >pre.sh; : >post.sh
                    cat >VMSnapshotScriptPluginConfig.json <<'CONFIGURATION'
                    { "preScriptLocation": "/etc/stillpoint/pre.sh", "postScriptLocation": "/etc/stillpoint/post.sh",
                      "timeoutInSeconds": 60 }
                    CONFIGURATION
                    chmod 600 VMSnapshotScriptPluginConfig.json; chmod 700 *.sh; sync
                    """);
            resetInStep("snapshot", Duration.ofSeconds(3), guest, vault);
            guest.sh("rm -r /etc/stillpoint; sync");
            resetWhile(vm -> vm.beforeTake(() -> reset(guest)), NOT_FROZEN, guest, vault);
            resetWhile(vm -> vm.afterTake(() -> reset(guest)), NOT_FROZEN, guest, vault);
            resetWhile(
                    vm -> vm.beforeProof(() -> reset(guest)),
                    Set.of(Consistency.FILE_SYSTEM),
                    guest,
                    vault);
            assertThat(vault.verify().isSound()).isTrue();
        }
    }

    private interface Arranged {
        void in(ReferenceVm vm);
    }

    private static void reset(TestVm guest) {
        try (QmpProbe probe = new QmpProbe(guest.spareQmpSocket())) {
            assertThat(probe.execute("system_reset")).contains("return");
        }
    }

    private static void resetInStep(String step, Duration later, TestVm guest, TestVault vault) {
        boolean[] isDone = {false};
        vault.onStep(name -> {
            if (name.equals(step) && !isDone[0]) {
                isDone[0] = true;
                Thread.ofVirtual()
                        .start(() -> {
                            Command.pause(later);
                            reset(guest);
                        });
            }
        });
        resetWhile(_ -> {}, EITHER, guest, vault);
        vault.onStep(_ -> {});
    }

    private static void resetWhile(
            Arranged arranged, Set<Consistency> possible, TestVm guest, TestVault vault) {
        String boot = guest.bootId();
        try (ReferenceVm vm =
                new ReferenceVm(QemuVm.open(guest.qmpSocket(), Threads.ofProcess()))) {
            arranged.in(vm);
            RecoveryPoint point = vault.backup(vm, guest.agentSocket());
            assertThat(point.consistency()).as(vault.steps().toString()).isIn(possible);
        }
        guest.awaitBootAfter(boot);
        vault.onStep(_ -> {});
        guest.sh("for f in /root/alive /data/data/alive; do date >$f && sync $f || exit 1; done");
        guest.sh("test ! -e /etc/stillpoint/pre.sh || : >/etc/stillpoint/pre.sh");
        try (QemuVm vm = QemuVm.open(guest.qmpSocket(), Threads.ofProcess())) {
            RecoveryPoint next = vault.backup(vm, guest.agentSocket());
            assertThat(next.consistency())
                    .as(vault.steps().toString() + vault.warnings())
                    .isGreaterThanOrEqualTo(Consistency.FILE_SYSTEM);
        }
    }
}
