package io.stillpoint.testkit;

import io.stillpoint.demo.QemuProcess;
import io.stillpoint.demo.VmDisk;
import io.stillpoint.demo.VmLaunch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;

/// A real guest whose agent answers. Use in a try block.
///
/// [#sh] speaks to a second agent in the guest, so that the agent, whose socket takes one client, is free for the code
/// under test, and commands run even while that has frozen the file systems. (What writes to them then waits.)
public final class TestVm implements AutoCloseable {
    /// Translated guests on a loaded machine have needed 20 s.
    private static final Duration BOOT_MAX = Duration.ofMinutes(2);

    private static final String BOOT_ID = "cat /proc/sys/kernel/random/boot_id";

    private static final Duration COMMAND_MAX = Duration.ofMinutes(2);

    private final QemuProcess process;
    private final GuestShell shell;
    private final Duration bootTime;

    private TestVm(QemuProcess process, GuestShell shell, Duration bootTime) {
        this.process = process;
        this.shell = shell;
        this.bootTime = bootTime;
    }

    /// A guest in memory with these disks; those with an ext4 are mounted at `/data/<serial>`.
    public static TestVm start(VmDisk... disks) {
        return start(VmLaunch.inMemory("test", RealParts.guest(), disks));
    }

    /// Starts the VM and waits for its agent. Throws an [AssertionError] with the guest's console if none answers.
    public static TestVm start(VmLaunch launch) {
        long begin = System.nanoTime();
        QemuProcess process = QemuProcess.start(launch);
        try {
            GuestShell shell = GuestShell.connect(process.shellSocket());
            awaitAnswer(process, shell, begin);
            return new TestVm(process, shell, Duration.ofNanos(System.nanoTime() - begin));
        } catch (IOException e) {
            process.close();
            throw new UncheckedIOException(e);
        }
    }

    private static void awaitAnswer(QemuProcess process, GuestShell shell, long begin)
            throws IOException {
        while (!shell.answers(Duration.ofMillis(250))) {
            Duration waited = Duration.ofNanos(System.nanoTime() - begin);
            if (!process.alive() || waited.compareTo(BOOT_MAX) > 0) {
                String console = process.console();
                process.close();
                throw new AssertionError("no agent after " + waited + "; console: " + console);
            }
        }
    }

    /// Differs from one boot of the guest to the next.
    public String bootId() {
        return sh(BOOT_ID).strip();
    }

    /// Waits until the guest has booted since the boot with this id, and its agent answers.
    public synchronized void awaitBootAfter(String bootId) {
        long end = System.nanoTime() + BOOT_MAX.toNanos();
        while (!isBootAfter(bootId)) {
            if (System.nanoTime() > end) {
                throw new AssertionError("no agent after a reset: " + process.console());
            }
        }
    }

    /// Whether the agent answers, and that of another boot. What is asked while it starts may be lost.
    private boolean isBootAfter(String bootId) {
        try {
            return shell.answers(Duration.ofMillis(500))
                    && !shell.run(BOOT_ID, Duration.ofSeconds(5)).output().strip().equals(bootId);
        } catch (AssertionError e) {
            return false;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted during a reset", e);
        }
    }

    public QemuProcess process() {
        return process;
    }

    /// For the code under test.
    public Path qmpSocket() {
        return process.qmpSocket(0);
    }

    /// For the test itself.
    public Path spareQmpSocket() {
        return process.qmpSocket(1);
    }

    /// Free for the code under test.
    public Path agentSocket() {
        return process.agentSocket();
    }

    /// From the start of QEMU to the agent's first answer.
    public Duration bootTime() {
        return bootTime;
    }

    /// Runs a script as root with the guest's shell. The guest has busybox, sqlite3, mke2fs, fsfreeze, and
    /// dd, sync and sha256sum of coreutils.
    ///
    /// Returns its standard output. Throws an [AssertionError] with its errors if it fails.
    public String sh(String script) {
        GuestShell.Result result = result(script);
        if (result.exitCode() != 0) {
            throw new AssertionError(
                    "in the guest, exit code %d of: %s%n%s%s"
                            .formatted(
                                    result.exitCode(), script, result.output(), result.errors()));
        }
        return result.output();
    }

    /// Like [#sh], but returns the exit code, whatever it is; negative for a signal.
    public int exitCode(String script) {
        return result(script).exitCode();
    }

    private synchronized GuestShell.Result result(String script) {
        try {
            return shell.run(script, COMMAND_MAX);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted during: " + script, e);
        }
    }

    /// Makes an ext4 on a disk that has none and mounts it at `/data/<serial>`.
    public void format(VmDisk disk) {
        sh(
                """
                for d in /sys/block/*; do
                    if [ "$(cat $d/serial 2>/dev/null)" = %s ]; then
                        mke2fs -q -F -t ext4 "/dev/${d##*/}" && mount-data && exit 0
                    fi
                done
                exit 1
                """
                        .formatted(disk.serial()));
    }

    /// Shuts the guest down in order and waits until QEMU has ended: the images are complete then.
    public synchronized void powerOff() {
        try {
            shell.send("guest-shutdown");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        if (process.awaitExit(Duration.ofSeconds(60)).isEmpty()) {
            throw new AssertionError("the guest did not switch off: " + process.console());
        }
    }

    @Override
    public void close() {
        try (process) {
            shell.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
