package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.ChildJvm;
import io.stillpoint.hypervisor.HypervisorException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class VmLockTest {
    @TempDir Path folder;

    /// Another job, in a process of its own.
    static final class OtherJob {
        private OtherJob() {}

        static void main(String[] arguments) {
            try (VmLock lock = VmLock.acquire(Path.of(arguments[0]))) {
                System.out.println(lock == null ? "" : "locked");
            } catch (HypervisorException e) {
                System.out.println(e.code());
            }
        }
    }

    private static String otherJob(Path socket) {
        try (ChildJvm child = new ChildJvm(OtherJob.class, socket.toString())) {
            return child.firstLine();
        }
    }

    @Test
    void secondJobInTheProcessDoesNotTakeTheLockFromTheFirst() throws Exception {
        Path socket = folder.resolve("qmp");
        try (VmLock first = VmLock.acquire(socket)) {
            assertThat(first).isNotNull();
            assertThatThrownBy(() -> VmLock.acquire(socket))
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.code()).isEqualTo("vm.locked"));
            assertThat(otherJob(socket)).isEqualTo("vm.locked");
        }
        assertThat(otherJob(socket)).isEqualTo("locked");
    }

    @Test
    void lockFileIsNotMadeWhereALinkLeads() throws Exception {
        Path socket = folder.resolve("qmp");
        Path victim = folder.resolve("victim");
        Files.createSymbolicLink(folder.resolve("qmp.stillpoint-lock"), victim);
        assertThatThrownBy(() -> VmLock.acquire(socket))
                .hasMessageContaining("symbolic link")
                .hasMessageNotContaining("Exception");
        assertThat(victim).doesNotExist();
    }
}
