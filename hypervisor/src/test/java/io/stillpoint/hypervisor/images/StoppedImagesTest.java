package io.stillpoint.hypervisor.images;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.ChildJvm;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoppedImagesTest {
    @TempDir Path folder;

    @Test
    void readsRawImagesAndSkipsTheirHoles() throws IOException {
        Path image = sparse("system.raw");
        try (HeldSnapshot snapshot = hold(image)) {
            HeldDisk disk = snapshot.disks().getFirst();
            assertThat(disk.name()).isEqualTo("system");
            assertThat(disk.format()).isEqualTo("raw");
            assertThat(disk.size()).isEqualTo((64 << 20) + 100);
            assertThat(disk.generation()).isEmpty();
            assertThat(disk.changes())
                    .isEqualTo(new ChangedBlocks.Unknown(ChangedBlocks.Reason.NOT_SUPPORTED));
            try (BlockSource source = disk.open()) {
                List<Extent> extents = new ArrayList<>();
                source.dataExtents().forEachRemaining(extents::add);
                assertThat(extents.getFirst().offset()).isEqualTo(1 << 20);
                assertThat(extents.stream().mapToLong(Extent::length).sum()).isLessThan(1 << 20);
                assertThat(extents.getLast().end()).isEqualTo((64 << 20) + 100);
                byte[] bytes = new byte[4];
                source.read((1 << 20) + 1, bytes, 1, 3);
                assertThat(bytes).containsExactly(0, 2, 3, 4);
            }
            snapshot.proveValid();
        }
    }

    @Test
    void imageThatIsWrittenMeanwhileIsFound() throws IOException {
        Path image = sparse("system.raw");
        try (HeldSnapshot snapshot = hold(image)) {
            Files.setLastModifiedTime(image, FileTime.fromMillis(1));
            assertThatThrownBy(snapshot::proveValid)
                    .hasMessageContaining("seems to have been started");
        }
    }

    @Test
    void missingImageIsTold() {
        assertThatThrownBy(() ->
                        StoppedImages.of(
                                "vm",
                                List.of(ImageFile.of(folder.resolve("none.qcow2"))),
                                Threads.ofProcess()))
                .isInstanceOf(HypervisorException.class)
                .hasMessageContaining("There is no image");
    }

    @Test
    @Tag("qemu")
    void readsQcow2ThroughTheStorageDaemonAndEndsIt() throws IOException {
        Path image = qcow2("data.qcow2");
        long before = daemons();
        try (HeldSnapshot snapshot = hold(image)) {
            HeldDisk disk = snapshot.disks().getFirst();
            assertThat(disk.format()).isEqualTo("qcow2");
            assertThat(disk.size()).isEqualTo(32 << 20);
            assertThat(daemons()).isEqualTo(before + 1);
            try (BlockSource source = disk.open()) {
                byte[] bytes = new byte[32 << 20];
                source.read(0, bytes, 0, bytes.length);
                byte[] expected = new byte[32 << 20];
                Arrays.fill(expected, 3 << 20, 4 << 20, (byte) 5);
                assertThat(Arrays.equals(bytes, expected)).isTrue();
                assertThat(source.dataExtents().next()).isEqualTo(new Extent(3 << 20, 1 << 20));
            }
            snapshot.proveValid();
        }
        assertThat(daemons()).isEqualTo(before);
    }

    @Test
    @Tag("qemu")
    void imagesThatARunningQemuHoldsAreRefused() throws Exception {
        Path qcow2 = qcow2("data.qcow2");
        Path raw = sparse("data.raw");
        Process holder =
                new ProcessBuilder(
                                "qemu-storage-daemon",
                                "--blockdev",
                                "driver=qcow2,node-name=a,file.driver=file,file.filename=" + qcow2,
                                "--blockdev",
                                "driver=raw,node-name=b,file.driver=file,file.filename=" + raw,
                                "--nbd-server",
                                "addr.type=unix,addr.path=" + folder.resolve("held.sock"),
                                "--export",
                                "type=nbd,id=a,node-name=a,writable=on",
                                "--export",
                                "type=nbd,id=b,node-name=b,writable=on",
                                "--pidfile",
                                folder.resolve("pid").toString())
                        .inheritIO()
                        .start();
        try {
            while (!Files.exists(folder.resolve("pid"))) {
                Thread.sleep(10);
            }
            assertThatThrownBy(() -> hold(qcow2)).hasMessageContaining("holds the image's lock");
            assertThatThrownBy(() -> hold(raw)).hasMessageContaining("holds the image's lock");
        } finally {
            holder.destroyForcibly().waitFor();
        }
        hold(raw).close();
    }

    @Test
    @Tag("qemu")
    void storageDaemonEndsWithTheKilledProcessAndNotWithItsStarter() throws InterruptedException {
        List<ProcessHandle> started;
        try (ChildJvm child = new ChildJvm(DaemonToLose.class, qcow2("data.qcow2").toString())) {
            Thread.sleep(300);
            started = child.handle().descendants().toList();
            assertThat(started).filteredOn(StoppedImagesTest::isDaemon).hasSize(1);
            assertThat(started).allMatch(ProcessHandle::isAlive);
        }
        for (int i = 0; i < 100 && started.stream().anyMatch(ProcessHandle::isAlive); i++) {
            Thread.sleep(20);
        }
        assertThat(started).noneMatch(ProcessHandle::isAlive);
    }

    @Test
    @Tag("qemu")
    void aKilledDaemonTakesItsShellsWithIt() throws Exception {
        Path image = qcow2("data.qcow2");
        try (HeldSnapshot _ = hold(image)) {
            List<ProcessHandle> started = ProcessHandle.current().descendants().toList();
            ProcessHandle daemon =
                    started.stream().filter(StoppedImagesTest::isDaemon).findFirst().orElseThrow();
            ProcessHandle shell = daemon.parent().orElseThrow();
            daemon.destroyForcibly();
            shell.onExit().get(10, TimeUnit.SECONDS);
            assertThat(shell.descendants().filter(ProcessHandle::isAlive)).isEmpty();
        }
    }

    private static boolean isDaemon(ProcessHandle process) {
        return process.info().command().orElse("").endsWith("qemu-storage-daemon");
    }

    @Test
    @Tag("qemu")
    void brokenImageIsToldInQemusWords() throws IOException {
        Binaries.require("qemu-storage-daemon");
        Path image = folder.resolve("broken.qcow2");
        Files.write(
                image, Arrays.copyOf(new byte[] {'Q', 'F', 'I', (byte) 0xfb, 0, 0, 0, 9}, 4096));
        assertThatThrownBy(() -> hold(image)).hasMessageContaining("version");
    }

    /// Lets go of it, and holds it again as another process does that has only what was stored.
    private HeldSnapshot adopt(StoppedImages vm, String stored) {
        return vm.adopt(SnapshotDescriptor.of(Json.parse(stored)));
    }

    private String holdAndLeave(Path image) {
        HeldSnapshot snapshot = hold(image);
        String stored = snapshot.descriptor().json().toString();
        snapshot.detach();
        return stored;
    }

    @Test
    @Tag("qemu")
    void imagesAreHeldAgainIfNothingChanged() throws IOException {
        for (Path image : List.of(sparse("system.raw"), qcow2("data.qcow2"))) {
            long before = daemons();
            String stored = holdAndLeave(image);
            assertThat(daemons()).isEqualTo(before);
            try (StoppedImages vm =
                            StoppedImages.of(
                                    "vm", List.of(ImageFile.of(image)), Threads.ofProcess());
                    HeldSnapshot snapshot = adopt(vm, stored);
                    BlockSource source = snapshot.disks().getFirst().open()) {
                assertThat(snapshot.descriptor().json().toString()).isEqualTo(stored);
                byte[] bytes = new byte[1 << 20];
                source.read(1 << 20, bytes, 0, bytes.length);
                assertThat(bytes[4]).isEqualTo((byte) (image.toString().endsWith("raw") ? 5 : 0));
                snapshot.proveValid();
            }
        }
    }

    @Test
    void imageThatWasWrittenOrReplacedOrIsUsedIsNotHeldAgain() throws IOException {
        Path image = sparse("system.raw");
        List<Harm> harms =
                List.of(
                        // Written, and the time of that set back.
                        () -> {
                            FileTime time = Files.getLastModifiedTime(image);
                            try (FileChannel channel =
                                    FileChannel.open(image, StandardOpenOption.WRITE)) {
                                channel.write(ByteBuffer.wrap(new byte[1]), 1 << 20);
                            }
                            Files.setLastModifiedTime(image, time);
                        },
                        // Another copy of the same content.
                        () -> {
                            Path copy = image.resolveSibling("copy");
                            Files.copy(image, copy, StandardCopyOption.COPY_ATTRIBUTES);
                            Files.move(copy, image, StandardCopyOption.REPLACE_EXISTING);
                        },
                        () -> {
                            try (FileChannel channel =
                                    FileChannel.open(image, StandardOpenOption.WRITE)) {
                                channel.truncate(1 << 20);
                            }
                        });
        for (Harm harm : harms) {
            String stored = holdAndLeave(image);
            harm.done();
            assertBroken(image, stored, "image.adopt-changed");
        }
        String stored = holdAndLeave(image);
        try (ImageUser _ = new ImageUser(image)) {
            assertBroken(image, stored, "snapshot.not-whole");
        }
        assertBroken(sparse("other.raw"), stored, "image.adopt-changed");
        try (StoppedImages vm =
                StoppedImages.of("vm", List.of(ImageFile.of(image)), Threads.ofProcess())) {
            adopt(vm, stored).close();
        }
    }

    private interface Harm {
        void done() throws IOException;
    }

    private void assertBroken(Path image, String stored, String code) {
        try (StoppedImages vm =
                StoppedImages.of("vm", List.of(ImageFile.of(image)), Threads.ofProcess())) {
            assertThatThrownBy(() -> adopt(vm, stored))
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> {
                                assertThat(e.code()).isEqualTo(code);
                                assertThat(e.kind())
                                        .isEqualTo(HypervisorException.Kind.SNAPSHOT_BROKEN);
                            });
        }
    }

    @Test
    @Tag("qemu")
    void blockDeviceIsNotHeldAgainBecauseNothingTellsWhatWasWrittenThere() throws IOException {
        try (LoopDevices devices = LoopDevices.require(folder)) {
            Path device = devices.make(folder.resolve("disk"), 1 << 20);
            assertBroken(device, holdAndLeave(device), "image.adopt-device");
        }
    }

    private Path sparse(String name) throws IOException {
        Path image = folder.resolve(name);
        try (FileChannel channel =
                FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}), 1 << 20);
            channel.write(ByteBuffer.wrap(new byte[100]), 64 << 20);
        }
        return image;
    }

    private Path qcow2(String name) {
        Binaries.require("qemu-img", "qemu-io", "qemu-storage-daemon");
        Path image = folder.resolve(name);
        Binaries.run("qemu-img", "create", "-q", "-f", "qcow2", image.toString(), "32M");
        Binaries.run("qemu-io", "-f", "qcow2", "-c", "write -P 5 3M 1M", image.toString());
        return image;
    }

    private static long daemons() {
        return ProcessHandle.current().descendants().filter(StoppedImagesTest::isDaemon).count();
    }

    private HeldSnapshot hold(Path image) {
        SnapshotRequest request =
                new SnapshotRequest(
                        "0a1b2c3d",
                        "0000000000000001",
                        Map.of(),
                        Json.object(),
                        folder,
                        ByteSize.parse("1M"));
        try (StoppedImages vm =
                        StoppedImages.of("vm", List.of(ImageFile.of(image)), Threads.ofProcess());
                PreparedSnapshot prepared = vm.prepare(request)) {
            assertThat(vm.running()).isFalse();
            return prepared.take();
        }
    }
}
