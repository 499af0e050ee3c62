package io.stillpoint.hypervisor.qemu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.natives.OwnedDescriptor;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QmpClientTest {
    private static final String GREETING =
            "{\"QMP\":{\"version\":{\"qemu\":{\"major\":7}},\"capabilities\":[\"oob\"]}}";

    @TempDir Path folder;
    private FakeMonitor monitor;

    @BeforeEach
    void listen() throws IOException {
        monitor = new FakeMonitor(folder.resolve("qmp.sock"), GREETING);
    }

    @AfterEach
    void end() throws IOException {
        monitor.close();
    }

    @Test
    void returnsTheAnswerOfACommand() {
        monitor.on("query-name", "{\"return\":{\"name\":\"vm\"},\"id\":ID}");
        try (QmpClient client = QmpClient.connect(monitor.socket(), Threads.ofProcess())) {
            assertThat(client.execute("query-name").path("name").asString()).isEqualTo("vm");
        }
    }

    @Test
    void errorHasCommandClassAndText() {
        monitor.on(
                "blockdev-del",
                "{\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"No such node\"},\"id\":ID}");
        try (QmpClient client = QmpClient.connect(monitor.socket(), Threads.ofProcess())) {
            assertThatThrownBy(() -> client.execute("blockdev-del"))
                    .hasMessageContainingAll("blockdev-del", "DeviceNotFound", "No such node")
                    .satisfies(e -> assertThat(kind(e)).isEqualTo(Kind.REFUSED));
        }
    }

    @Test
    void eventsAreKeptUntilAsked() {
        monitor.on(
                "cont",
                "{\"event\":\"RESUME\"}",
                "{\"event\":\"DONE\",\"data\":{\"id\":\"a\"}}",
                "{\"event\":\"DONE\",\"data\":{\"id\":\"b\"}}",
                "{\"return\":{},\"id\":ID}");
        try (QmpClient client = QmpClient.connect(monitor.socket(), Threads.ofProcess())) {
            client.execute("cont");
            assertThat(
                            client.awaitEvent(
                                            "DONE",
                                            data -> data.path("id").asString().equals("b"),
                                            Duration.ofSeconds(1))
                                    .orElseThrow()
                                    .path("id")
                                    .asString())
                    .isEqualTo("b");
            assertThat(client.awaitEvent("DONE", data -> true, Duration.ofSeconds(1))).isPresent();
            assertThat(client.awaitEvent("DONE", data -> true, Duration.ofMillis(20))).isEmpty();
        }
    }

    @Test
    void lateReplyIsDroppedAfterTimeout() {
        monitor.on("slow");
        monitor.on("query-name", "{\"return\":{\"late\":1},\"id\":2}", "{\"return\":{},\"id\":ID}");
        try (QmpClient client = QmpClient.connect(monitor.socket(), Threads.ofProcess())) {
            assertThatThrownBy(() -> client.execute("slow", Json.object(), Duration.ofMillis(50)))
                    .hasMessageContaining("did not answer the command slow");
            assertThat(client.execute("query-name").isEmpty()).isTrue();
        }
    }

    @Test
    void garbageIsAProtocolError() {
        monitor.on("query-name", "this is no json");
        fails(Kind.PROTOCOL, () -> run("query-name"));
    }

    @Test
    void replyToNobodyIsAProtocolError() {
        monitor.on("query-name", "{\"return\":{},\"id\":99}");
        fails(Kind.PROTOCOL, () -> run("query-name"));
    }

    @Test
    void overlongLineIsAProtocolError() {
        monitor.on("query-name", "x".repeat(QmpLines.LINE_BYTES_MAX + 1));
        fails(Kind.PROTOCOL, () -> run("query-name"));
    }

    @Test
    void dropIsUnreachableAndANewClientWorks() {
        monitor.on("query-name", FakeMonitor.DROP);
        fails(Kind.UNREACHABLE, () -> run("query-name"));
        monitor.on("query-name", "{\"return\":{},\"id\":ID}");
        run("query-name");
    }

    @Test
    void missingGreetingSaysThatTheMonitorIsHeld() throws IOException {
        try (FakeMonitor silent = new FakeMonitor(folder.resolve("silent.sock"), "")) {
            assertThatThrownBy(() ->
                            QmpClient.connect(
                                            silent.socket(),
                                            Duration.ofMillis(100),
                                            Threads.ofProcess())
                                    .close())
                    .hasMessageContainingAll("another program holds this monitor", "-qmp unix:")
                    .satisfies(e -> assertThat(kind(e)).isEqualTo(Kind.UNREACHABLE));
        }
    }

    @Test
    void missingSocketIsUnreachable() {
        fails(
                Kind.UNREACHABLE,
                () -> QmpClient.connect(folder.resolve("none.sock"), Threads.ofProcess()).close());
    }

    @Test
    @Tag("qemu")
    void speaksWithARealMonitor() {
        try (RealVm vm = RealVm.bare(folder, List.of(), "-S")) {
            QmpClient client = QmpClient.connect(vm.socket(), Threads.ofProcess());
            assertThat(client.execute("query-status").path("status").asString())
                    .isEqualTo("prelaunch");
            client.execute("cont");
            assertThat(client.awaitEvent("RESUME", data -> true, Duration.ofSeconds(5)))
                    .isPresent();
            assertThatThrownBy(() -> client.execute("no-such-command"))
                    .hasMessageContaining("CommandNotFound");
            assertThat(client.process().user()).hasValue(OwnedDescriptor.user());
            assertThat(client.process().arguments()).contains("-nodefaults");
            assertThat(client.process().isStopped()).isFalse();
            client.close();
            try (QmpClient again = QmpClient.connect(vm.socket(), Threads.ofProcess())) {
                assertThat(again.execute("query-status").path("running").asBoolean()).isTrue();
                vm.kill();
                assertThatThrownBy(() -> again.awaitEvent("X", data -> true, Duration.ofSeconds(5)))
                        .satisfies(e -> assertThat(kind(e)).isEqualTo(Kind.UNREACHABLE));
            }
        }
    }

    private void run(String command) {
        try (QmpClient client = QmpClient.connect(monitor.socket(), Threads.ofProcess())) {
            client.execute(command);
        }
    }

    private static void fails(Kind kind, ThrowingCallable call) {
        assertThatThrownBy(call).satisfies(e -> assertThat(kind(e)).isEqualTo(kind));
    }

    private static Kind kind(Throwable thrown) {
        return ((HypervisorException) thrown).kind();
    }
}
