package io.stillpoint.hypervisor.nbd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.Extent;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

@Tag("qemu")
class RealNbdServerTest {
    private static final int CHUNK = 65536;

    @TempDir Path folder;
    private final List<Process> servers = new ArrayList<>();

    @AfterEach
    void endServers() throws InterruptedException {
        for (Process server : servers) {
            server.destroyForcibly();
            server.waitFor();
        }
    }

    @Test
    void readsDataAndHolesOfQcow2() {
        Path image = image("qcow2", "64M", "write -P 7 1M 128k", "write -P 8 40M 64k");
        try (NbdSource source = open(image, "qcow2", 1)) {
            assertThat(source.size()).isEqualTo(64 << 20);
            assertThat(list(source.dataExtents()))
                    .containsExactly(new Extent(1 << 20, 2 * CHUNK), new Extent(40 << 20, CHUNK));
            // Across data, hole and the most that the server takes at once.
            byte[] all = new byte[3 + (64 << 20)];
            Arrays.fill(all, (byte) 1);
            source.read(0, all, 3, 64 << 20);
            byte[] expected = new byte[all.length];
            Arrays.fill(expected, 0, 3, (byte) 1);
            Arrays.fill(expected, 3 + (1 << 20), 3 + (1 << 20) + 2 * CHUNK, (byte) 7);
            Arrays.fill(expected, 3 + (40 << 20), 3 + (40 << 20) + CHUNK, (byte) 8);
            assertThat(Arrays.equals(all, expected)).isTrue();
        }
    }

    @Test
    void dirtyBitmapOfQcow2IsExact() {
        Path image = image("qcow2", "6G", "write 0 1M");
        Binaries.run("qemu-img", "bitmap", "--add", "-g", "65536", image.toString(), "b0");
        io(image, "qcow2", "write 100k 1k", "write 5G 200k");
        UnixDomainSocketAddress server = serve("-r", "-B", "b0", "-f", "qcow2", image.toString());
        try (NbdClient client =
                NbdClient.connect(
                        server,
                        "disk",
                        Optional.of("qemu:dirty-bitmap:b0"),
                        1,
                        Threads.ofProcess())) {
            assertThat(list(client.dirtyExtents()))
                    .containsExactly(new Extent(CHUNK, CHUNK), new Extent(5L << 30, 4 * CHUNK));
        }
    }

    @Test
    void missingBitmapIsTold() {
        Path image = image("qcow2", "1M");
        UnixDomainSocketAddress server = serve("-r", "-f", "qcow2", image.toString());
        try (NbdClient client =
                NbdClient.connect(
                        server,
                        "disk",
                        Optional.of("qemu:dirty-bitmap:none"),
                        1,
                        Threads.ofProcess())) {
            assertThat(client.hasContext()).isFalse();
            assertThatThrownBy(client::dirtyExtents).isInstanceOf(HypervisorException.class);
        }
    }

    @Test
    void unknownExportIsTold() {
        Path image = image("qcow2", "1M");
        UnixDomainSocketAddress server = serve("-r", "-f", "qcow2", image.toString());
        assertThatThrownBy(() -> NbdSource.open(server, "other", 1, Threads.ofProcess()).close())
                .hasMessageContaining("has no export named other");
    }

    @Test
    void severalThreadsWriteAndReadAtOnce() throws IOException {
        Path image = image("raw", "32M");
        byte[] content = new byte[32 << 20];
        new Random(1).nextBytes(content);
        UnixDomainSocketAddress server = serve("-f", "raw", image.toString());
        try (NbdTarget target = NbdTarget.open(server, "disk", 4, Threads.ofProcess())) {
            inParallel(8, part -> target.write((long) part << 22, content, part << 22, 1 << 22));
            target.flush();
        }
        assertThat(Arrays.equals(Files.readAllBytes(image), content)).isTrue();
        byte[] read = new byte[content.length];
        try (NbdSource source = NbdSource.open(server, "disk", 4, Threads.ofProcess())) {
            inParallel(8, part -> source.read((long) part << 22, read, part << 22, 1 << 22));
        }
        assertThat(Arrays.equals(read, content)).isTrue();
    }

    @Test
    void killedServerIsUnreachable() {
        Path image = image("raw", "1M");
        try (NbdSource source = open(image, "raw", 2)) {
            servers.getFirst().destroyForcibly();
            assertThatThrownBy(() -> source.read(0, new byte[CHUNK], 0, CHUNK))
                    .isInstanceOfSatisfying(
                            HypervisorException.class, e -> assertThat(e.retryable()).isTrue());
        }
    }

    @Test
    void printsReadThroughput() {
        Path image = image("raw", "512M", "write -P 3 0 512M");
        for (int connections : new int[] {1, 4}) {
            try (NbdSource source = open(image, "raw", connections)) {
                byte[][] buffers = new byte[connections][1 << 20];
                for (int round = 0; round < 2; round++) {
                    long begin = System.nanoTime();
                    inParallel(
                            connections,
                            part -> {
                                for (int i = part; i < 512; i += connections) {
                                    source.read((long) i << 20, buffers[part], 0, 1 << 20);
                                }
                            });
                    double seconds = (System.nanoTime() - begin) / 1e9;
                    System.out.printf(
                            "NBD read, %d connections, 1 MiB requests: %.0f MB/s%n",
                            connections, 512 * 1.048576 / seconds);
                }
                assertThat(buffers[0]).containsOnly(3);
            }
        }
    }

    private interface Part {
        void run(int index);
    }

    private static void inParallel(int parts, Part part) {
        CompletableFuture<?>[] all = new CompletableFuture<?>[parts];
        for (int i = 0; i < parts; i++) {
            int index = i;
            all[i] =
                    CompletableFuture.runAsync(
                            () -> part.run(index), task -> Thread.ofPlatform().start(task));
        }
        CompletableFuture.allOf(all).join();
    }

    private Path image(String format, String size, String... writes) {
        Binaries.require("qemu-img", "qemu-io", "qemu-nbd");
        Path image = folder.resolve("disk." + format);
        Binaries.run("qemu-img", "create", "-q", "-f", format, image.toString(), size);
        io(image, format, writes);
        return image;
    }

    private static void io(Path image, String format, String... writes) {
        for (String write : writes) {
            Binaries.run("qemu-io", "-f", format, "-c", write, image.toString());
        }
    }

    private NbdSource open(Path image, String format, int connections) {
        return NbdSource.open(
                serve("-r", "-f", format, image.toString()),
                "disk",
                connections,
                Threads.ofProcess());
    }

    private UnixDomainSocketAddress serve(String... options) {
        Path socket = folder.resolve("nbd" + servers.size() + ".sock");
        List<String> command =
                new ArrayList<>(
                        List.of(
                                "qemu-nbd",
                                "-t",
                                "-e",
                                "8",
                                "-x",
                                "disk",
                                "-k",
                                socket.toString()));
        command.addAll(Arrays.asList(options));
        try {
            Process process =
                    new ProcessBuilder(command).redirectErrorStream(true).inheritIO().start();
            servers.add(process);
            Binaries.awaitListening(socket, process);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        return UnixDomainSocketAddress.of(socket);
    }

    private static List<Extent> list(Iterator<Extent> ranges) {
        List<Extent> list = new ArrayList<>();
        ranges.forEachRemaining(list::add);
        return list;
    }
}
