package io.stillpoint.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.StillpointException.Blame;
import io.stillpoint.platform.Threads;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class GuestAgentTest extends AgentTest {
    private static final Duration SHORT = Duration.ofMillis(300);

    @Test
    void skipsGarbageBeforeItIsSynchronised() {
        fake.greetWith(
                "{\"return\": 17}\nlogin: \u0000\u00FE}}{\u00FF{\"return\": 4711}\n\u00FFnoise\n\u00FF");

        try (GuestAgent agent = connect()) {
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    void skipsMoreGarbageThanALineMayHold() {
        fake.greetWith("x".repeat(3 * AgentCommand.REPLY_BYTES_MAX));

        try (GuestAgent agent = connect()) {
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    void saysWhatTheAgentKnowsAndHasEnabled() {
        fake.disable("guest-fsfreeze-freeze");

        try (GuestAgent agent = connect()) {
            assertThat(agent.supports("guest-ping")).isTrue();
            assertThat(agent.supports("guest-fsfreeze-freeze")).isFalse();
            assertThat(agent.supports("guest-nonsense")).isFalse();
        }
    }

    @Test
    void aMissingSocketIsUnreachable() {
        Path nowhere = folder.resolve("none.sock");

        GuestException failure = failure(() -> connectTo(nowhere));

        assertThat(failure.kind()).isEqualTo(Kind.UNREACHABLE);
        assertThat(failure.code()).isEqualTo("guest.unreachable");
        assertThat(failure.retryable()).isTrue();
        assertThat(failure.blame()).isEqualTo(Blame.GUEST);
        assertThat(failure).hasMessageContaining(nowhere.toString());
    }

    @Test
    void aSocketThatNobodyListensToIsUnreachable() throws Exception {
        fake.close();

        assertThat(failure(() -> connectTo(fake.socket())).kind()).isEqualTo(Kind.UNREACHABLE);
    }

    @Test
    void anAgentThatDoesNotAnswerIsATimeout() {
        fake.on("guest-sync-delimited", call -> {});
        fake.once("guest-sync-delimited", call -> {});

        GuestException failure = failure(() -> connectTo(fake.socket()));

        assertThat(failure.kind()).isEqualTo(Kind.TIMEOUT);
        assertThat(failure.code()).isEqualTo("guest.no-answer");
    }

    @Test
    void aSecondClientGetsATimeoutAndTheFirstStaysUnharmed() {
        try (GuestAgent first = connect()) {
            assertThat(failure(() -> connectTo(fake.socket())).kind()).isEqualTo(Kind.TIMEOUT);
            assertThat(first.isFrozen()).isFalse();
        }
    }

    @Test
    void aFullQueueOfClientsIsRefusedAtOnce() throws Exception {
        UnixDomainSocketAddress address = UnixDomainSocketAddress.of(folder.resolve("full.sock"));
        try (ServerSocketChannel full = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            full.bind(address, 1);
            try (SocketChannel first = SocketChannel.open(address);
                    SocketChannel second = SocketChannel.open(address)) {
                assertThat(first.isConnected() && second.isConnected()).isTrue();
                assertThat(failure(() -> connectTo(address.getPath())).kind())
                        .isEqualTo(Kind.UNREACHABLE);
            }
        }
    }

    @Test
    void theChannelIsFreeAgainAfterClose() {
        connect().close();

        try (GuestAgent second = connect()) {
            assertThat(second.isFrozen()).isFalse();
        }
    }

    @Test
    void aLateReplyIsNotTakenForTheNextCommands() {
        fake.on("guest-get-osinfo", call -> call.reply(Json.object().put("id", "debian")));
        fake.once(
                "guest-fsfreeze-status",
                call -> {
                    Thread.sleep(700);
                    call.reply(FakeAgent.text("frozen"));
                });

        try (GuestAgent agent = connect()) {
            assertThat(failure(agent::isFrozen).kind()).isEqualTo(Kind.TIMEOUT);
            assertThat(agent.osInfo().path("id").asString()).isEqualTo("debian");
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    void aReplyInTwoPartsWithATimeoutBetweenThemIsDropped() {
        fake.once(
                "guest-fsfreeze-status",
                call -> {
                    call.raw("{\"return\": \"fro");
                    Thread.sleep(700);
                    call.raw("zen\"}\n");
                });

        try (GuestAgent agent = connect()) {
            assertThat(failure(agent::isFrozen).kind()).isEqualTo(Kind.TIMEOUT);
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    void aHangingAgentIsATimeoutEachTimeAndUsableOnceItAnswers() {
        fake.once("guest-fsfreeze-status", call -> Thread.sleep(2500));

        try (GuestAgent agent = connect()) {
            assertThat(failure(agent::isFrozen).code()).isEqualTo("guest.timeout");
            assertThat(failure(agent::isFrozen).code()).isEqualTo("guest.no-answer");
            Thread.sleep(2000);
            assertThat(agent.isFrozen()).isFalse();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void connectsAgainAfterTheConnectionBroke() {
        fake.once("guest-fsfreeze-status", FakeAgent.Call::drop);

        try (GuestAgent agent = connect()) {
            GuestException failure = failure(agent::isFrozen);
            assertThat(failure.kind()).isEqualTo(Kind.UNREACHABLE);
            assertThat(failure.code()).isEqualTo("guest.lost");
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    void anOverlongLineIsABrokenProtocolAndIsSkipped() {
        fake.once(
                "guest-fsfreeze-status",
                call -> call.raw("x".repeat(AgentCommand.REPLY_BYTES_MAX + 100) + "\n"));

        try (GuestAgent agent = connect()) {
            assertThat(failure(agent::isFrozen).kind()).isEqualTo(Kind.PROTOCOL);
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    void anEndlessLineIsGivenUpAtTheDeadline() {
        fake.once(
                "guest-sync-delimited",
                call -> {
                    while (true) {
                        call.raw("x".repeat(1 << 16));
                    }
                });

        assertThat(failure(() -> connectTo(fake.socket())).kind()).isEqualTo(Kind.TIMEOUT);
    }

    @Test
    void whatIsNoReplyIsABrokenProtocol() {
        for (String line : List.of("hello", "{}", "[1]", "{\"return\"", "\u00FF")) {
            fake.once("guest-fsfreeze-status", call -> call.raw(line + "\n"));
        }
        fake.once("guest-fsfreeze-status", call -> call.raw("{\"QMP\": {\"version\": {}}}\n"));

        try (GuestAgent agent = connect()) {
            for (int i = 0; i < 6; i++) {
                assertThat(failure(agent::isFrozen).kind()).isEqualTo(Kind.PROTOCOL);
            }
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    void anErrorIsARefusalInTheAgentsWords() {
        fake.once(
                "guest-fsfreeze-status",
                call -> call.refuse("GenericError", "out of \u001b[31m patience"));

        try (GuestAgent agent = connect()) {
            GuestException failure = failure(agent::isFrozen);
            assertThat(failure.kind()).isEqualTo(Kind.REFUSED);
            assertThat(failure.retryable()).isFalse();
            assertThat(failure)
                    .hasMessageContaining("guest-fsfreeze-status")
                    // Controls and blanks together are one blank.
                    .hasMessageContaining("GenericError: out of [31m patience");
        }
    }

    @Test
    void anAgentWithoutOsInfoGivesAnEmptyOne() {
        try (GuestAgent agent = connect()) {
            assertThat(agent.osInfo().isEmpty()).isTrue();
        }
    }

    @Test
    void interruptingCancelsTheCommandAndTheNextOneWorks() throws Exception {
        fake.once("guest-fsfreeze-status", call -> Thread.sleep(300));
        AtomicReference<Throwable> thrown = new AtomicReference<>();

        try (GuestAgent agent = connect()) {
            Thread thread =
                    Thread.ofVirtual()
                            .start(() -> {
                                try {
                                    agent.isFrozen();
                                } catch (CancelledException | GuestException e) {
                                    thrown.set(e);
                                }
                            });
            Thread.sleep(100);
            thread.interrupt();
            thread.join();
            assertThat(thrown.get()).isInstanceOf(CancelledException.class);
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    void closingEndsWhatAnotherThreadWaitsFor() throws Exception {
        fake.once("guest-fsfreeze-status", call -> Thread.sleep(5000));
        AtomicReference<GuestException> thrown = new AtomicReference<>();
        GuestAgent agent = connect(AgentTimeouts.DEFAULT);
        Thread thread = Thread.ofVirtual().start(() -> thrown.set(failure(agent::isFrozen)));
        Thread.sleep(100);

        agent.close();
        thread.join(Duration.ofSeconds(2));

        assertThat(thrown.get().kind()).isEqualTo(Kind.UNREACHABLE);
        assertThat(failure(agent::isFrozen).kind()).isEqualTo(Kind.UNREACHABLE);
    }

    @Test
    void severalThreadsGetTheirOwnReplies() throws Exception {
        fake.on(
                "guest-file-open",
                call -> call.reply(Json.parse(call.arguments().path("path").asString())));
        fake.on("guest-file-close", call -> call.reply(Json.object()));
        fake.on(
                "guest-file-read",
                call ->
                        call.reply(
                                Json.object()
                                        .put("buf-b64", base64(call.arguments().path("handle")))
                                        .put("eof", true)));
        List<Throwable> wrong = new CopyOnWriteArrayList<>();
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            List<Thread> threads =
                    IntStream.range(0, 8)
                            .mapToObj(number ->
                                    Thread.ofVirtual().start(() -> readOften(agent, number, wrong)))
                            .toList();
            for (Thread thread : threads) {
                thread.join();
            }
        }
        assertThat(wrong).isEmpty();
    }

    private static void readOften(GuestAgent agent, int number, List<Throwable> wrong) {
        try {
            for (int i = 0; i < 50; i++) {
                assertThat(agent.readFile(Integer.toString(number), 100))
                        .asString()
                        .isEqualTo(Integer.toString(number));
            }
        } catch (GuestException | AssertionError e) {
            wrong.add(e);
        }
    }

    private static String base64(JsonNode handle) {
        return Base64.getEncoder()
                .encodeToString(handle.asString().getBytes(StandardCharsets.UTF_8));
    }

    private static void connectTo(Path socket) {
        GuestAgent.connect(new AgentSocket(socket), SHORT, Randomness.secure(), Threads.ofProcess())
                .close();
    }

    private static GuestException failure(ThrowingCallable call) {
        return catchThrowableOfType(GuestException.class, call);
    }
}
