package io.stillpoint.testkit;

import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.AgentTransport;
import io.stillpoint.platform.ByteSize;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// The small guest with its real agent and the real extension: one for all tests.
@Tag("qemu")
@Timeout(value = 4, unit = TimeUnit.MINUTES)
final class RealGuestContractTest extends GuestAgentContract {
    @TempDir static Path disks;
    private static TestVm vm;

    @BeforeAll
    static void boot() {
        RealParts.assumeQemu();
        RealParts.assumePrograms("mke2fs");
        vm = TestVm.start(new TestDisks(disks).ext4("data", ByteSize.parse("64M")));
    }

    @AfterAll
    static void end() {
        if (vm != null) {
            vm.close();
        }
    }

    @Override
    protected TestedGuest guest() {
        return new Tested();
    }

    private static final class Tested implements TestedGuest {
        @Override
        public AgentTransport agent() {
            return new AgentSocket(vm.agentSocket());
        }

        /// By a program that waits for as long as the file system is frozen; it must not have our output open then.
        @Override
        public boolean canWrite() {
            return vm.exitCode(
                            """
                            { echo x >/data/data/probe; } </dev/null >/dev/null 2>&1 &
                            writer=$!
                            tries=0
                            while kill -0 $writer 2>/dev/null; do
                                tries=$((tries + 1))
                                [ $tries -lt 20 ] || exit 1
                                usleep 20000
                            done
                            wait $writer
                            """)
                    == 0;
        }

        @Override
        public void pass(Duration time) {
            try {
                Thread.sleep(time);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        /// While frozen the new one writes no pid file.
        @Override
        public void restartAgent() {
            vm.sh(
                    """
                    agent=org.qemu.guest_agent.0
                    kill -9 $(cat /run/$agent/pid)
                    while kill -0 $(cat /run/$agent/pid) 2>/dev/null; do usleep 10000; done
                    qemu-ga -d -m virtio-serial -p /dev/virtio-ports/$agent -t /run/$agent -f /run/$agent/pid </dev/null >/dev/null 2>&1
                    """);
        }

        /// It goes on for the next test.
        @Override
        public void close() {}
    }
}
