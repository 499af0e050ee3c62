package io.stillpoint.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Json;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class GuestAgentTest {
    private static final Duration SHORT = Duration.ofMillis(200);

    @TempDir Path folder;
    private FakeAgent fake;
    private GuestAgent agent;

    @BeforeEach
    void connect() throws IOException {
        fake = new FakeAgent(folder);
        agent = GuestAgent.at(fake.socket(), Duration.ofSeconds(2));
    }

    @AfterEach
    void disconnect() throws IOException {
        agent.close();
        fake.close();
    }

    @Test
    void answersOfOtherSessionsAreDroppedBeforeTheFirstCommand() {
        fake.on(
                "guest-ping",
                (channel, arguments) -> {
                    FakeAgent.send(channel, "{\"return\":{}}");
                    FakeAgent.send(channel, "{\"return\":\"late rubbish\"}");
                    return null;
                });
        fake.returns("guest-fsfreeze-status", "\"thawed\"");
        agent.ping();
        agent.close();
        assertThat(agent.isFrozen()).isFalse();
    }

    @Test
    void lateReplyIsNotTakenForTheNextOne() throws InterruptedException {
        fake.on(
                "guest-get-osinfo",
                (channel, arguments) -> {
                    GuestAgent.pause(Duration.ofMillis(500));
                    return "{\"return\":{\"id\":\"late\"}}";
                });
        fake.returns("guest-fsfreeze-status", "\"thawed\"");
        assertThatThrownBy(() -> agent.execute("guest-get-osinfo", Json.object(), SHORT))
                .isInstanceOf(GuestException.TimedOut.class)
                .hasMessageContaining("guest-get-osinfo");
        assertThat(agent.isFrozen()).isFalse();
    }

    @Test
    void silentSocketIsExplained() throws IOException {
        try (ServerSocketChannel silent = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            Path socket = folder.resolve("silent.sock");
            silent.bind(UnixDomainSocketAddress.of(socket));
            try (GuestAgent other = GuestAgent.at(socket, SHORT)) {
                assertThatThrownBy(other::ping)
                        .isInstanceOf(GuestException.TimedOut.class)
                        .hasMessageContaining("another program holds the socket");
            }
        }
    }

    @Test
    void missingSocketIsUnreachable() {
        try (GuestAgent other = GuestAgent.at(folder.resolve("none.sock"))) {
            assertThatThrownBy(other::ping).isInstanceOf(GuestException.Unreachable.class);
        }
    }

    @Test
    void connectsAnewAfterDrop() {
        AtomicInteger calls = new AtomicInteger();
        fake.on(
                "guest-ping",
                (channel, arguments) -> {
                    if (calls.getAndIncrement() == 0) {
                        FakeAgent.drop(channel);
                        return null;
                    }
                    return "{\"return\":{}}";
                });
        assertThatThrownBy(agent::ping).isInstanceOf(GuestException.Unreachable.class);
        agent.ping();
        assertThat(calls).hasValue(2);
    }

    @Test
    void garbageEndsTheConnection() {
        fake.on("guest-ping", (channel, arguments) -> "no json at all");
        assertThatThrownBy(agent::ping)
                .isInstanceOf(GuestException.Protocol.class)
                .hasMessageContaining("no json at all");
    }

    @Test
    void listsEnabledCommandsOnly() {
        fake.returns(
                "guest-info",
                """
                {"version":"7.2","supported_commands":[
                 {"name":"guest-ping","enabled":true},
                 {"name":"guest-exec","enabled":false}]}
                """
                        .replace("\n", ""));
        AgentInfo info = agent.info();
        assertThat(info.version()).isEqualTo("7.2");
        assertThat(info.commands()).containsExactly("guest-ping");
        assertThat(info.canFreeze()).isFalse();
    }

    @Test
    void freezeAndThawAreCleanWhenCountsAgree() {
        freezable(3, 3);
        assertThat(agent.freeze(Duration.ofSeconds(5))).isEqualTo(new FreezeOutcome.Frozen(3));
        assertThat(agent.thaw(3, Duration.ofSeconds(5))).isEqualTo(new ThawOutcome.Clean(3));
        assertThat(fake.asked()).endsWith("guest-fsfreeze-thaw", "guest-fsfreeze-status");
    }

    @Test
    void thawIsLateWhenSomethingElseHadThawed() {
        freezable(3, 0);
        agent.freeze(Duration.ofSeconds(5));
        assertThat(agent.thaw(3, Duration.ofSeconds(5)))
                .isInstanceOfSatisfying(
                        ThawOutcome.Late.class, late -> assertThat(late.thawed()).isZero());
    }

    @Test
    void thawIsTriedAgainAfterDrop() {
        AtomicInteger calls = new AtomicInteger();
        freezable(2, 2);
        fake.on(
                "guest-fsfreeze-thaw",
                (channel, arguments) -> {
                    if (calls.getAndIncrement() < 2) {
                        FakeAgent.drop(channel);
                        return null;
                    }
                    fake.returns("guest-fsfreeze-status", "\"thawed\"");
                    return "{\"return\":2}";
                });
        agent.freeze(Duration.ofSeconds(5));
        assertThat(agent.thaw(2, Duration.ofSeconds(10))).isEqualTo(new ThawOutcome.Clean(2));
        assertThat(calls).hasValue(3);
    }

    @Test
    void thawThatCanNotBeProvedFails() {
        freezable(2, 2);
        agent.freeze(Duration.ofSeconds(5));
        fake.returns("guest-fsfreeze-thaw", "0");
        assertThat(agent.thaw(2, Duration.ofMillis(500))).isInstanceOf(ThawOutcome.Failed.class);
        assertThat(fake.asked().stream().filter("guest-fsfreeze-thaw"::equals).count())
                .isGreaterThan(1);
    }

    @Test
    void freezeThatTimesOutIsUndone() {
        freezable(2, 2);
        fake.on("guest-fsfreeze-freeze", (channel, arguments) -> null);
        assertThat(agent.freeze(SHORT))
                .isInstanceOfSatisfying(
                        FreezeOutcome.Refused.class,
                        refused -> assertThat(refused.code()).isEqualTo("freeze.timeout"));
        assertThat(fake.asked())
                .endsWith("guest-fsfreeze-freeze", "guest-fsfreeze-thaw", "guest-fsfreeze-status");
    }

    @Test
    void freezeThatFailsSaysWhyAndIsProvedThawed() {
        freezable(2, 0);
        fake.refuses("guest-fsfreeze-freeze", "fsfreeze hook has failed with status 7");
        assertThat(agent.freeze(Duration.ofSeconds(5)))
                .isEqualTo(
                        new FreezeOutcome.Refused(
                                "freeze.failed", "fsfreeze hook has failed with status 7"));
        assertThat(fake.asked()).endsWith("guest-fsfreeze-thaw", "guest-fsfreeze-status");
    }

    @Test
    void freezeOfAgentWithoutItIsNotSupported() {
        assertThat(agent.freeze(Duration.ofSeconds(5)))
                .isInstanceOfSatisfying(
                        FreezeOutcome.Refused.class,
                        refused -> assertThat(refused.code()).isEqualTo("freeze.not-supported"));
    }

    @Test
    void guestThatIsFrozenAlreadyIsLeftAlone() {
        fake.returns("guest-fsfreeze-status", "\"frozen\"");
        assertThat(agent.freeze(Duration.ofSeconds(5)))
                .isInstanceOfSatisfying(
                        FreezeOutcome.Refused.class,
                        refused -> assertThat(refused.code()).isEqualTo("freeze.already-frozen"));
        assertThat(fake.asked()).containsExactly("guest-fsfreeze-status");
    }

    @Test
    void negativeCountIsProtocolDamage() {
        freezable(2, 2);
        fake.returns("guest-fsfreeze-freeze", "-5");
        assertThat(agent.freeze(Duration.ofSeconds(5))).isInstanceOf(FreezeOutcome.Refused.class);
    }

    @Test
    void runsProgramsToTheirEnd() {
        AtomicInteger polls = new AtomicInteger();
        fake.returns("guest-exec", "{\"pid\":77}");
        fake.on(
                "guest-exec-status",
                (channel, arguments) ->
                        polls.incrementAndGet() < 3
                                ? "{\"return\":{\"exited\":false}}"
                                : "{\"return\":{\"exited\":true,\"exitcode\":4,\"out-data\":\""
                                        + base64("hello")
                                        + "\",\"out-truncated\":true}}");
        GuestExit exit = agent.execute(GuestCommand.of(Duration.ofSeconds(5), "/bin/x", "a b"));
        assertThat(exit).isEqualTo(new GuestExit(4, "hello", "", true));
    }

    @Test
    void programThatDoesNotEndTimesOut() {
        fake.returns("guest-exec", "{\"pid\":77}");
        fake.returns("guest-exec-status", "{\"exited\":false}");
        assertThatThrownBy(() -> agent.execute(GuestCommand.of(SHORT, "/bin/sleep")))
                .isInstanceOf(GuestException.TimedOut.class)
                .hasMessageContaining("/bin/sleep");
    }

    @Test
    void movesFilesInChunks() {
        StringBuilder sizes = new StringBuilder();
        fake.returns("guest-file-open", "1000");
        fake.returns("guest-file-close", "{}");
        fake.on(
                "guest-file-write",
                (channel, arguments) -> {
                    int bytes = Base64.getDecoder().decode(text(arguments, "buf-b64")).length;
                    sizes.append(bytes).append(' ');
                    return "{\"return\":{\"count\":" + bytes + ",\"eof\":false}}";
                });
        try (GuestFile file = agent.openForWriting("/tmp/x")) {
            file.write(new byte[(2 << 20) + 5], 0, (2 << 20) + 5);
        }
        assertThat(sizes.toString()).isEqualTo("1048576 1048576 5 ");
        fake.returns(
                "guest-file-read",
                "{\"count\":3,\"buf-b64\":\"" + base64("abc") + "\",\"eof\":true}");
        byte[] into = new byte[10];
        try (GuestFile file = agent.openForReading("/tmp/x")) {
            assertThat(file.read(into, 2, 8)).isEqualTo(3);
        }
        assertThat(into).startsWith(0, 0, 'a', 'b', 'c', 0);
    }

    @Test
    void fileOfMoreBytesThanAskedForIsProtocolDamage() {
        fake.returns("guest-file-open", "1000");
        fake.returns("guest-file-close", "{}");
        fake.returns(
                "guest-file-read",
                "{\"count\":3,\"buf-b64\":\"" + base64("abc") + "\",\"eof\":true}");
        GuestFile file = agent.openForReading("/tmp/x");
        assertThatThrownBy(() -> file.read(new byte[2], 0, 2))
                .isInstanceOf(GuestException.Protocol.class);
    }

    @Test
    void watchdogIsArmedCancelledAndToldToHaveFired() {
        fake.returns("guest-exec", "{\"pid\":1}");
        fake.returns("guest-exec-status", "{\"exited\":true,\"exitcode\":0}");
        WatchdogOutcome outcome = FreezeWatchdog.arm(agent, "abc", Duration.ofSeconds(60));
        assertThat(outcome).isInstanceOf(WatchdogOutcome.Armed.class);
        FreezeWatchdog watchdog = ((WatchdogOutcome.Armed) outcome).watchdog();
        fake.returns(
                "guest-exec-status",
                "{\"exited\":true,\"exitcode\":0,\"out-data\":\"" + base64("cancelled\n") + "\"}");
        assertThat(watchdog.cancel()).isTrue();
        fake.returns(
                "guest-exec-status",
                "{\"exited\":true,\"exitcode\":0,\"out-data\":\"" + base64("fired\n") + "\"}");
        assertThat(watchdog.cancel()).isFalse();
    }

    @Test
    void watchdogIsNotArmedWhereTheGuestLacksIt() {
        fake.refuses("guest-exec", "Failed to execute child process /bin/sh");
        assertThat(FreezeWatchdog.arm(agent, "abc", Duration.ofSeconds(60)))
                .isEqualTo(new WatchdogOutcome.NotArmed("Failed to execute child process /bin/sh"));
        fake.returns("guest-exec", "{\"pid\":1}");
        fake.returns(
                "guest-exec-status",
                "{\"exited\":true,\"exitcode\":3,\"out-data\":\""
                        + base64("no fsfreeze program\n")
                        + "\"}");
        assertThat(FreezeWatchdog.arm(agent, "abc", Duration.ofSeconds(60)))
                .isEqualTo(new WatchdogOutcome.NotArmed("no fsfreeze program"));
    }

    /// An agent that freezes and thaws so many file systems.
    private void freezable(int frozen, int thawed) {
        fake.returns("guest-fsfreeze-status", "\"thawed\"");
        fake.on(
                "guest-fsfreeze-freeze",
                (channel, arguments) -> {
                    fake.returns("guest-fsfreeze-status", "\"frozen\"");
                    return "{\"return\":" + frozen + "}";
                });
        fake.on(
                "guest-fsfreeze-thaw",
                (channel, arguments) -> {
                    fake.returns("guest-fsfreeze-status", "\"thawed\"");
                    return "{\"return\":" + thawed + "}";
                });
    }

    private static String text(JsonNode node, String field) {
        return node.path(field).asString();
    }

    private static String base64(String text) {
        return Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8));
    }
}
