package io.stillpoint.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.Json;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

class GuestCommandTest extends AgentTest {
    private static final Duration LONG = Duration.ofSeconds(20);

    private final AtomicReference<ObjectNode> started = new AtomicReference<>(Json.object());

    @BeforeEach
    void startsAnything() {
        fake.on(
                "guest-exec",
                call -> {
                    started.set(call.arguments());
                    call.reply(Json.object().put("pid", 77));
                });
    }

    @Test
    void asksUntilTheCommandHasEnded() {
        for (int i = 0; i < 4; i++) {
            fake.once("guest-exec-status", call -> call.reply(running()));
        }
        ended(ended -> ended.put("exitcode", 5).put("out-data", base64("yes")));

        try (GuestAgent agent = connect()) {
            long begin = System.nanoTime();
            ExecResult result = agent.exec(List.of("/bin/do", "it", "now"), bytes("in"), LONG);
            assertThat(result.exitCode()).isEqualTo(5);
            assertThat(result.out()).asString().isEqualTo("yes");
            assertThat(result.err()).isEmpty();
            assertThat(result.truncated()).isFalse();
            // 20 + 40 + 80 + 160 ms.
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .isGreaterThan(Duration.ofMillis(290));
        }
        assertThat(fake.received()).filteredOn("guest-exec-status"::equals).hasSize(5);
        assertThat(started.get())
                .isEqualTo(
                        Json.parse(
                                """
                                {"path": "/bin/do", "capture-output": true, "arg": ["it", "now"],
                                 "input-data": "aW4="}\
                                """));
    }

    @Test
    void withoutInputNoneIsSent() {
        ended(ended -> ended.put("exitcode", 0));
        try (GuestAgent agent = connect()) {
            agent.exec(List.of("true"), NO_INPUT, LONG);
        }
        assertThat(started.get().has("input-data")).isFalse();
    }

    @Test
    void aSignalIsReportedAsAShellDoes() {
        ended(ended -> ended.put("signal", 9));
        try (GuestAgent agent = connect()) {
            assertThat(agent.exec(List.of("x"), NO_INPUT, LONG).exitCode()).isEqualTo(137);
        }
    }

    @Test
    void windowsExitCodesKeepTheirBits() {
        ended(ended -> ended.put("exitcode", 0xC000013AL));
        try (GuestAgent agent = connect()) {
            assertThat(agent.exec(List.of("x"), NO_INPUT, LONG).exitCode()).isEqualTo(0xC000013A);
        }
    }

    @Test
    void theLargestOutputOfAnAgentIsTakenAndItsCutTold() {
        byte[] most = FakeAgent.pattern(16 << 20);
        ended(ended ->
                ended.put("exitcode", 0)
                        .put("out-data", Base64.getEncoder().encodeToString(most))
                        .put("err-data", Base64.getEncoder().encodeToString(most))
                        .put("err-truncated", true));
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            ExecResult result = agent.exec(List.of("x"), NO_INPUT, LONG);
            assertThat(result.out()).isEqualTo(most);
            assertThat(result.err()).isEqualTo(most);
            assertThat(result.truncated()).isTrue();
        }
    }

    @Test
    void aCommandThatDoesNotEndIsATimeout() {
        fake.on("guest-exec-status", call -> call.reply(running()));
        try (GuestAgent agent = connect()) {
            GuestException failure = failureOf(agent, Duration.ofMillis(300));
            assertThat(failure.kind()).isEqualTo(Kind.TIMEOUT);
            assertThat(failure.code()).isEqualTo("guest.exec-timeout");
            assertThat(failure).hasMessageContaining("77");
        }
    }

    @Test
    void aCommandThatCannotBeStartedIsRefused() {
        fake.on("guest-exec", call -> call.refuse("GenericError", "Failed to execute child"));
        try (GuestAgent agent = connect()) {
            assertThat(failureOf(agent, LONG).kind()).isEqualTo(Kind.REFUSED);
        }
    }

    @Test
    void aDisabledCommandIsRefused() {
        fake.disable("guest-exec");
        try (GuestAgent agent = connect()) {
            assertThat(agent.supports("guest-exec")).isFalse();
            assertThat(failureOf(agent, LONG).kind()).isEqualTo(Kind.REFUSED);
        }
    }

    @Test
    void whatIsNoResultIsABrokenProtocol() {
        ended(ended -> ended.put("exitcode", 0).put("out-data", "*not base64*"));
        ended(ended -> {});
        ended(ended -> ended.put("exitcode", "zero"));
        try (GuestAgent agent = connect()) {
            for (int i = 0; i < 3; i++) {
                assertThat(failureOf(agent, LONG).kind()).isEqualTo(Kind.PROTOCOL);
            }
        }
    }

    private void ended(Consumer<ObjectNode> fields) {
        ObjectNode status = Json.object().put("exited", true);
        fields.accept(status);
        fake.once("guest-exec-status", call -> call.reply(status));
    }

    private static GuestException failureOf(GuestAgent agent, Duration timeout) {
        return catchThrowableOfType(
                GuestException.class, () -> agent.exec(List.of("x"), NO_INPUT, timeout));
    }

    private static ObjectNode running() {
        return Json.object().put("exited", false);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(bytes(text));
    }
}
