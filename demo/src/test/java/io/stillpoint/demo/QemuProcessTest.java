package io.stillpoint.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.demo.VmDisk.Format;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("qemu")
final class QemuProcessTest {
    private static final String READY = "STILLPOINT-GUEST READY";

    @TempDir Path folder;

    @BeforeAll
    static void needsQemu() {
        SystemPrograms.assumeQemu();
    }

    @Test
    void bootsInMemoryAndFromTheRootDisk() throws Exception {
        Path root = folder.resolve("root.raw");
        guest().copyRootTo(root);
        try (QemuProcess memory = QemuProcess.start(VmLaunch.inMemory("memory", guest()));
                QemuProcess disk =
                        QemuProcess.start(
                                VmLaunch.fromDisk("disk", guest(), VmDisk.raw("os", root)))) {
            await("memory guest", () -> memory.console().contains(READY));
            await("disk guest", () -> disk.console().contains(READY));
        }
    }

    @Test
    void leavesNothingBehindWhenClosed() throws Exception {
        QemuProcess vm = QemuProcess.start(VmLaunch.inMemory("closed-vm", guest()));
        assertThat(vm.folder()).exists();
        assertThat(vm.qmpSocket()).exists();
        assertThat(Files.readString(vm.folder().resolve("pid")).strip())
                .isEqualTo(Long.toString(vm.pid()));

        vm.close();
        vm.close();

        assertThat(ProcessHandle.of(vm.pid())).isEmpty();
        assertThat(vm.folder()).doesNotExist();
    }

    @Test
    void keepsOnlyTheLogsInAFolderOfTheCaller() throws Exception {
        Path place = folder.resolve("vm");
        try (QemuProcess vm = QemuProcess.start(VmLaunch.inMemory("given", guest()).in(place))) {
            vm.kill9();
            assertThat(vm.alive()).isFalse();
        }
        try (Stream<Path> files = Files.list(place)) {
            assertThat(files.map(file -> file.getFileName().toString()))
                    .containsExactlyInAnyOrder("serial.log", "qemu.log");
        }
        // The remains of a killed VM are no obstacle.
        QemuProcess.start(VmLaunch.inMemory("again", guest()).in(place)).close();
    }

    @Test
    void outlivesTheThreadThatStartedIt() throws Exception {
        QemuProcess[] started = new QemuProcess[1];
        Thread thread =
                Thread.ofPlatform()
                        .start(() ->
                                started[0] = QemuProcess.start(VmLaunch.inMemory("t", guest())));
        thread.join();
        try (QemuProcess vm = Objects.requireNonNull(started[0])) {
            assertThat(vm.awaitExit(Duration.ofMillis(300))).isEmpty();
            assertThat(vm.alive()).isTrue();
        }
    }

    @Test
    void diesWithAKilledParent() throws Exception {
        Process parent =
                new ProcessBuilder(
                                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                                "-Xmx64m",
                                "-cp",
                                System.getProperty("java.class.path"),
                                Parent.class.getName(),
                                folder.resolve("vm").toString())
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start();
        try (BufferedReader output = parent.inputReader(StandardCharsets.UTF_8)) {
            String line = Objects.requireNonNull(output.readLine(), "the parent failed");
            ProcessHandle vm = ProcessHandle.of(Long.parseLong(line)).orElseThrow();
            assertThat(vm.info().command().orElse("")).contains("qemu");

            parent.destroyForcibly().waitFor();

            vm.onExit().get(10, TimeUnit.SECONDS);
        } finally {
            parent.destroyForcibly();
        }
    }

    @Test
    void tellsWhichDiskIsNotThere() throws Exception {
        VmDisk disk = VmDisk.raw("d1", folder.resolve("absent.raw"));
        assertThatThrownBy(() -> QemuProcess.start(VmLaunch.inMemory("vm", guest(), disk)))
                .isInstanceOfSatisfying(
                        DemoException.class,
                        e -> assertThat(e.code()).isEqualTo("demo.file-missing"))
                .hasMessageContaining("absent.raw")
                .hasMessageContaining("d1");
    }

    @Test
    void passesOnWhatQemuSaidAndCleansUp() throws Exception {
        Path file = Files.writeString(folder.resolve("not.qcow2"), "not an image");
        VmDisk disk =
                new VmDisk(
                        "d1", file, Format.QCOW2, VmDisk.Wiring.BLOCKDEV, false, VmDisk.Cache.NONE);
        assertThatThrownBy(
                        () -> QemuProcess.start(VmLaunch.inMemory("wrong-image-vm", guest(), disk)))
                .isInstanceOfSatisfying(
                        DemoException.class,
                        e -> assertThat(e.code()).isEqualTo("demo.qemu-failed"))
                .hasMessageContaining("Image is not in qcow2 format");
        assertThat(vmFolders("wrong-image-vm")).isEmpty();
    }

    @Test
    void refusesFoldersTooLongForSockets() {
        Path deep = folder.resolve("d".repeat(100));
        assertThatThrownBy(() -> QemuProcess.start(VmLaunch.inMemory("vm", guest()).in(deep)))
                .isInstanceOfSatisfying(
                        DemoException.class,
                        e -> assertThat(e.code()).isEqualTo("demo.socket-path-too-long"))
                .hasMessageContaining("at most 107");
    }

    @Test
    void tellsWhatAFolderWithoutAGuestLacks() {
        assertThatThrownBy(() -> GuestImage.in(folder))
                .isInstanceOf(DemoException.class)
                .hasMessageContaining("no file vmlinuz");
    }

    private static GuestImage guest() {
        return GuestImage.ensure(System.err::println);
    }

    private static List<Path> vmFolders(String name) throws IOException {
        try (Stream<Path> files = Files.list(Path.of("/tmp"))) {
            return files.filter(file -> file.toString().contains("stillpoint-" + name))
                    .sorted()
                    .toList();
        }
    }

    private static void await(String what, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            Thread.sleep(50);
        }
    }

    /// Starts a VM, prints its process id, waits to be killed.
    static final class Parent {
        private Parent() {}

        public static void main(String[] arguments) throws InterruptedException {
            VmLaunch launch = VmLaunch.inMemory("child", guest()).in(Path.of(arguments[0]));
            System.out.println(QemuProcess.start(launch).pid());
            Thread.sleep(Duration.ofMinutes(5));
        }
    }
}
