package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.Binaries;
import io.stillpoint.hypervisor.ChangedBlocks.Reason;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A monitor or a server that says too much, or what can't be.
@Timeout(20)
class HostilePeerTest {
    private static final String GREETING = "{\"QMP\":{\"version\":{},\"capabilities\":[]}}";

    @TempDir Path folder;
    private FakeMonitor fake;

    @BeforeEach
    void listen() throws IOException {
        fake = new FakeMonitor(folder.resolve("qmp"), GREETING);
    }

    @AfterEach
    void end() throws IOException {
        fake.close();
    }

    @Test
    void eventOfEightMegabytesEndsTheConnectionAtOnceWithTheReason() {
        fake.on("query-name", "{\"event\":\"X\",\"data\":{\"a\":[" + "1,".repeat(4 << 20) + "1]}}");
        try (QmpClient client = QmpClient.connect(fake.socket(), Threads.ofProcess())) {
            assertThatThrownBy(() -> client.execute("query-name"))
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.kind()).isEqualTo(Kind.PROTOCOL))
                    .hasMessageContaining("more in one message than 65536 bytes");
        }
    }

    @Test
    void eventThatHidesItsNameIsBoundedAsAReplyIs() {
        fake.on("query-name", "{\"data\":\"" + "x".repeat(8 << 20) + "\",\"event\":\"X\"}");
        try (QmpClient client = QmpClient.connect(fake.socket(), Threads.ofProcess())) {
            assertThatThrownBy(() -> client.execute("query-name"))
                    .hasMessageContaining("more in one message than");
        }
    }

    @Test
    void floodOfEventsIsKeptWithinAMegabyte() {
        String[] answer = new String[401];
        for (int i = 0; i < 400; i++) {
            answer[i] = "{\"event\":\"E" + i + "\",\"data\":\"" + "x".repeat(32 << 10) + "\"}";
        }
        answer[400] = "{\"return\":{},\"id\":ID}";
        fake.on("query-name", answer);
        try (QmpClient client = QmpClient.connect(fake.socket(), Threads.ofProcess())) {
            client.execute("query-name");
            assertThat(client.awaitEvent("E399", data -> true, Duration.ofSeconds(1))).isPresent();
            assertThat(client.awaitEvent("E0", data -> true, Duration.ZERO)).isEmpty();
            assertThat(client.awaitEvent("E350", data -> true, Duration.ZERO)).isEmpty();
        }
    }

    @Test
    void manyDisksAreRefusedBeforeEachIsAskedAbout() {
        fake.on("query-named-block-nodes", "{\"return\":[],\"id\":ID}");
        fake.on(
                "query-block",
                "{\"return\":["
                        + IntStream.range(0, 20_000)
                                .mapToObj(i -> drive("d" + i, "1048576"))
                                .collect(Collectors.joining(","))
                        + "],\"id\":ID}");
        fake.on("qom-get", "{\"error\":{\"class\":\"GenericError\",\"desc\":\"none\"},\"id\":ID}");
        try (Monitor monitor = new Monitor(fake.socket(), Threads.ofProcess())) {
            assertThatThrownBy(() -> new DiskList(monitor, DiskChoice.USUAL).look())
                    .hasMessageContaining("more than 256 disks");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "-1",
                "4611686018427387904",
                "9223372036854775807",
                "18446744073709551616",
                "1e300",
                "\"8\"",
                "null"
            })
    void sizeThatCanNotBeIsRefused(String size) {
        fake.on("query-named-block-nodes", "{\"return\":[],\"id\":ID}");
        fake.on("query-block", "{\"return\":[" + drive("d", size) + "],\"id\":ID}");
        fake.on("qom-get", "{\"error\":{\"class\":\"GenericError\",\"desc\":\"none\"},\"id\":ID}");
        try (Monitor monitor = new Monitor(fake.socket(), Threads.ofProcess())) {
            assertThatThrownBy(() -> new DiskList(monitor, DiskChoice.USUAL).look())
                    .isInstanceOfSatisfying(
                            HypervisorException.class,
                            e -> assertThat(e.code()).isEqualTo("vm.disk-size"));
        }
    }

    private static String drive(String name, String size) {
        return "{\"qdev\":\""
                + name
                + "\",\"device\":\"\",\"inserted\":{\"node-name\":\""
                + name
                + "\",\"drv\":\"raw\",\"image\":{\"virtual-size\":"
                + size
                + "}}}";
    }

    @Test
    @Tag("qemu")
    void exportOfAnotherSizeThanTheDiskIsRefused() throws Exception {
        Path image = RealVm.image(folder, "short", "raw");
        Path socket = folder.resolve("s");
        SnapshotRequest request =
                new SnapshotRequest(
                        "0a1b2c3d",
                        "0000000000000001",
                        Map.of(),
                        Json.object(),
                        folder,
                        ByteSize.parse("1M"));
        JobNames names = JobNames.of(request.name());
        Binaries.require("qemu-nbd");
        Process server =
                new ProcessBuilder(
                                "qemu-nbd",
                                "-r",
                                "-t",
                                "-f",
                                "raw",
                                "-x",
                                names.name(JobNames.Role.EXPORT, 0),
                                "-k",
                                socket.toString(),
                                image.toString())
                        .inheritIO()
                        .start();
        try {
            Binaries.awaitListening(socket, server);
            for (long size : new long[] {RealVm.DISK_BYTES * 2L, RealVm.DISK_BYTES / 2}) {
                GuestDisk disk =
                        new GuestDisk(
                                "d",
                                "n",
                                "/d",
                                "",
                                "raw",
                                "",
                                size,
                                "",
                                false,
                                List.of(),
                                "raw",
                                GuestDisk.Kind.DISK,
                                true,
                                false);
                HeldQemuDisk held =
                        new HeldQemuDisk(
                                new PlannedDisk(
                                        0,
                                        disk,
                                        "0000000000000001",
                                        Optional.empty(),
                                        Optional.of(Reason.FIRST_BACKUP)),
                                UnixDomainSocketAddress.of(socket),
                                names,
                                new SnapshotHealth(),
                                Threads.ofProcess());
                assertThatThrownBy(held::open)
                        .hasMessageContainingAll("" + RealVm.DISK_BYTES, "" + size);
            }
        } finally {
            server.destroyForcibly().waitFor();
        }
    }
}
