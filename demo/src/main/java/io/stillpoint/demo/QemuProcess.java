package io.stillpoint.demo;

import io.stillpoint.demo.DemoException.Kind;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;

/// A running VM. It ends with [#close], with the JVM, and (where `setpriv` is installed, as on every common
/// distribution) even when the JVM is killed. Safe for several threads.
public final class QemuProcess implements AutoCloseable {
    /// A loaded machine may need long to map QEMU; a wrong argument ends it in milliseconds.
    private static final Duration START_MAX = Duration.ofSeconds(60);

    private static final Duration END_MAX = Duration.ofSeconds(10);
    private static final int LOG_SHOWN = 2000;

    private final VmLaunch launch;
    private final VmFolder folder;
    private final Process process;
    private final Thread atExit;
    private boolean ended;

    private QemuProcess(VmLaunch launch, VmFolder folder, Process process) {
        this.launch = launch;
        this.folder = folder;
        this.process = process;
        this.atExit = Thread.ofPlatform().unstarted(this::end);
    }

    /// Starts the VM. When this returns QEMU is complete and answers on its control sockets; the guest has only
    /// begun to boot.
    ///
    /// Throws a [DemoException] with QEMU's own words when it does not start; then nothing is left behind.
    public static QemuProcess start(VmLaunch launch) {
        requireFiles(launch);
        List<String> command = new ArrayList<>();
        Programs programs = Programs.of(System.getenv());
        if (programs.find("qemu-system-x86_64").isEmpty()) {
            throw new DemoException(
                    Kind.MISSING, "demo.program-missing", null, "qemu-system-x86_64");
        }
        if (programs.find("setpriv").isPresent()) {
            command.addAll(List.of("setpriv", "--pdeathsig", "KILL", "--"));
        }
        VmFolder folder = VmFolder.of(launch);
        command.addAll(launch.command(folder));
        QemuProcess vm = new QemuProcess(launch, folder, spawn(command, launch, folder));
        try {
            Runtime.getRuntime().addShutdownHook(vm.atExit);
            vm.awaitControlSocket();
            return vm;
        } catch (DemoException | IllegalStateException e) {
            vm.close();
            throw e;
        }
    }

    private static void requireFiles(VmLaunch launch) {
        for (VmDisk disk : launch.disks()) {
            if (!Files.exists(disk.file())) {
                throw new DemoException(
                        Kind.REQUEST,
                        "demo.file-missing",
                        null,
                        launch.name(),
                        disk.file().toString(),
                        "the " + disk.format().driver() + " image of disk " + disk.serial());
            }
        }
    }

    private static Process spawn(List<String> command, VmLaunch launch, VmFolder folder) {
        try {
            return ParentThread.start(
                    new ProcessBuilder(command)
                            .redirectInput(
                                    ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                            .redirectErrorStream(true)
                            .redirectOutput(folder.qemuLog().toFile()));
        } catch (IOException e) {
            throw new DemoException(
                    Kind.REQUEST,
                    "demo.folder-unusable",
                    e,
                    folder.path().toString(),
                    launch.name(),
                    Reason.of(e));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DemoException(Kind.VM, "demo.interrupted", e, launch.name());
        }
    }

    /// QEMU listens early, but greets when its machine is complete.
    private void awaitControlSocket() {
        long deadline = System.nanoTime() + START_MAX.toNanos();
        try {
            while (!QmpGreeting.heard(qmpSocket(), Duration.ofMillis(500))) {
                if (process.waitFor(10, TimeUnit.MILLISECONDS)) {
                    throw new DemoException(
                            Kind.VM,
                            "demo.qemu-failed",
                            null,
                            launch.name(),
                            Integer.toString(process.exitValue()),
                            tail(folder.qemuLog()),
                            String.join(" ", launch.command(folder)));
                }
                if (System.nanoTime() > deadline) {
                    throw new DemoException(
                            Kind.VM,
                            "demo.qemu-silent",
                            null,
                            launch.name(),
                            qmpSocket().toString(),
                            Long.toString(START_MAX.toSeconds()),
                            tail(folder.qemuLog()));
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new DemoException(Kind.VM, "demo.interrupted", e, launch.name());
        }
    }

    public VmLaunch launch() {
        return launch;
    }

    /// Where sockets, logs and pid file are.
    public Path folder() {
        return folder.path();
    }

    /// The first QMP socket.
    public Path qmpSocket() {
        return qmpSocket(0);
    }

    /// One of the QMP sockets.
    ///
    /// @param index below [VmLaunch#controlSockets]
    public Path qmpSocket(int index) {
        if (index < 0 || index >= launch.controlSockets()) {
            throw new IndexOutOfBoundsException(index);
        }
        return folder.qmpSocket(index);
    }

    /// The socket of the guest agent. It takes one client; what a second one sends is lost.
    public Path agentSocket() {
        return folder.agentSocket();
    }

    /// The socket of a second guest agent, for whom wants to run commands in the guest while the first one is in
    /// use or has frozen the file systems. Speaks the same protocol.
    public Path shellSocket() {
        return folder.shellSocket();
    }

    /// What the guest wrote to its console so far, at most the last 2000 bytes.
    public String console() {
        return tail(folder.serialLog());
    }

    public long pid() {
        return process.pid();
    }

    public boolean alive() {
        return process.isAlive();
    }

    /// A power cut for the guest, and no last act for QEMU (SIGKILL). Returns when the process is gone.
    public void kill9() {
        process.destroyForcibly();
        awaitExit(END_MAX);
    }

    /// A power cut for the guest, but QEMU closes its images in order (SIGTERM). Returns at once.
    public void terminate() {
        process.destroy();
    }

    /// Waits for the end. Empty when the time is over first, or when interrupted.
    public OptionalInt awaitExit(Duration atMost) {
        try {
            return process.waitFor(atMost.toMillis(), TimeUnit.MILLISECONDS)
                    ? OptionalInt.of(process.exitValue())
                    : OptionalInt.empty();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return OptionalInt.empty();
        }
    }

    /// Ends the VM if it still runs (no shutdown of the guest), and removes its sockets, and its folder unless the
    /// caller gave it. May be called again.
    @Override
    public void close() {
        end();
        try {
            Runtime.getRuntime().removeShutdownHook(atExit);
        } catch (IllegalStateException e) {
            // The JVM is ending; the hook has done or will do the same.
        }
    }

    private synchronized void end() {
        // Once only: another VM may have the folder by now.
        if (ended) {
            return;
        }
        ended = true;
        terminate();
        if (awaitExit(END_MAX).isEmpty()) {
            kill9();
        }
        try {
            folder.clear(launch);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String tail(Path log) {
        try {
            byte[] bytes = Files.exists(log) ? Files.readAllBytes(log) : new byte[0];
            int from = Math.max(0, bytes.length - LOG_SHOWN);
            return new String(bytes, from, bytes.length - from, StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
