package io.stillpoint.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.guest.AgentChannel;
import io.stillpoint.guest.AgentTransport;
import io.stillpoint.guest.ExecResult;
import io.stillpoint.guest.FreezeOutcome;
import io.stillpoint.guest.FreezeWatchdog;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.guest.ThawOutcome;
import io.stillpoint.guest.extension.Ensured;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.GuestSystem;
import io.stillpoint.guest.extension.Prerequisites;
import io.stillpoint.guest.quiesce.LinuxSnapshot;
import io.stillpoint.guest.quiesce.Quiescence;
import io.stillpoint.guest.quiesce.Rest;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// What a job relies on in a Linux guest with an agent, as the host sees it. The guest may be used by one test after the other:
/// each leaves it thawed.
public abstract class GuestAgentContract {
    private static final Duration PATIENCE = Duration.ofSeconds(20);
    private static final Duration LONG = Duration.ofSeconds(30);
    private static final byte[] NO_INPUT = {};
    private static final String FILE = "/root/contract";

    @TempDir Path state;
    private TestedGuest guest;

    /// A guest that runs. Closed once for each time that it was asked for.
    protected abstract TestedGuest guest();

    @BeforeEach
    final void meetGuest() {
        guest = guest();
    }

    /// Whatever the test did.
    @AfterEach
    final void thaw() {
        try (GuestAgent agent = connect()) {
            assertThat(agent.thaw()).isNotInstanceOf(ThawOutcome.Unproven.class);
        }
        assertThat(guest.canWrite()).isTrue();
        guest.close();
    }

    private GuestAgent connect() {
        return GuestAgent.connect(
                guest.agent(), PATIENCE, Randomness.secure(), Threads.ofProcess());
    }

    private static void requireKind(Kind kind, Runnable call) {
        assertThatThrownBy(call::run)
                .isInstanceOfSatisfying(
                        GuestException.class, e -> assertThat(e.kind()).isEqualTo(kind));
    }

    /// A client that speaks in bytes.
    private static final class Raw implements AutoCloseable {
        private final AgentChannel channel;
        private final ByteBuffer in = ByteBuffer.allocate(64 << 10).flip();

        Raw(AgentTransport way) {
            channel = way.open();
        }

        void send(String latin1) throws IOException {
            ByteBuffer bytes = ByteBuffer.wrap(latin1.getBytes(StandardCharsets.ISO_8859_1));
            while (bytes.hasRemaining()) {
                channel.write(bytes, PATIENCE);
            }
        }

        private String line() throws IOException {
            StringBuilder line = new StringBuilder();
            while (true) {
                if (!in.hasRemaining()) {
                    in.clear();
                    int count = channel.read(in, PATIENCE);
                    in.flip();
                    assertThat(count).isNotNegative();
                    continue;
                }
                char next = (char) (in.get() & 0xFF);
                if (next == '\n') {
                    return line.toString();
                }
                line.append(next);
            }
        }

        /// Up to the reply to this synchronisation, which the sentinel marks.
        void synchronise(int id) throws IOException {
            send(
                    "\u00FF{\"execute\":\"guest-sync-delimited\",\"arguments\":{\"id\":"
                            + id
                            + "}}\n");
            String line = line();
            while (!line.startsWith("\u00FF")) {
                line = line();
            }
            assertThat(Json.parse(line.substring(1)).path("return").asInt(0)).isEqualTo(id);
        }

        JsonNode reply() throws IOException {
            return Json.parse(line());
        }

        @Override
        public void close() {
            channel.close();
        }
    }

    @Test
    final void itSynchronisesAfterAnything() throws IOException {
        try (Raw raw = new Raw(guest.agent())) {
            raw.synchronise(7);
            raw.send("{\"execute\": \"guest-");
            raw.synchronise(8);
            raw.send("no JSON at all }{\n");
            raw.synchronise(9);
        }
    }

    @Test
    final void itAnswersInOrder() throws IOException {
        try (Raw raw = new Raw(guest.agent())) {
            raw.synchronise(7);
            raw.send(
                    """
                    {"execute":"guest-sync","arguments":{"id":1}}
                    {"execute":"guest-unheard-of"}
                    {"execute":"guest-ping"}
                    {"execute":"guest-sync","arguments":{"id":2}}
                    """);
            assertThat(raw.reply().path("return").asInt(0)).isEqualTo(1);
            assertThat(raw.reply().path("error").path("class").asString(""))
                    .isEqualTo("CommandNotFound");
            assertThat(raw.reply().path("return").isObject()).isTrue();
            assertThat(raw.reply().path("return").asInt(0)).isEqualTo(2);
        }
    }

    @Test
    final void itSaysWhatItCanDoAndWhereItRuns() {
        try (GuestAgent agent = connect()) {
            for (String command :
                    List.of(
                            "guest-exec",
                            "guest-exec-status",
                            "guest-file-open",
                            "guest-file-write",
                            "guest-fsfreeze-freeze",
                            "guest-fsfreeze-thaw",
                            "guest-fsfreeze-status")) {
                assertThat(agent.supports(command)).as(command).isTrue();
            }
            assertThat(agent.supports("guest-unheard-of")).isFalse();
            GuestSystem system = GuestSystem.of(agent);
            assertThat(system.os()).isEqualTo(GuestSystem.Os.LINUX);
            assertThat(system.architecture()).isEqualTo("x86_64");
        }
    }

    @Test
    final void whatAClientDidNotReadIsNoneOfTheNextOnes() throws IOException {
        try (Raw raw = new Raw(guest.agent())) {
            raw.synchronise(7);
            raw.send("{\"execute\":\"guest-info\"}\n");
        }
        try (GuestAgent agent = connect()) {
            assertThat(agent.exec(List.of("echo", "mine"), NO_INPUT, LONG).out())
                    .asString(StandardCharsets.UTF_8)
                    .isEqualTo("mine\n");
        }
    }

    @Test
    final void aSecondClientWaitsUntilTheFirstHasGone() {
        try (GuestAgent agent = connect()) {
            assertThat(agent.isFrozen()).isFalse();
            requireKind(
                    Kind.TIMEOUT,
                    () ->
                            GuestAgent.connect(
                                            guest.agent(),
                                            Duration.ofMillis(300),
                                            Randomness.secure(),
                                            Threads.ofProcess())
                                    .close());
            assertThat(agent.isFrozen()).isFalse();
        }
        connect().close();
    }

    @Test
    final void commandsRunWithInputAndTellTheirEnd() {
        try (GuestAgent agent = connect()) {
            ExecResult echo = agent.exec(List.of("echo", "a b", "c"), NO_INPUT, LONG);
            assertThat(echo.exitCode()).isZero();
            assertThat(echo.out()).asString(StandardCharsets.UTF_8).isEqualTo("a b c\n");
            byte[] input = "two\nlines\n".getBytes(StandardCharsets.UTF_8);
            assertThat(agent.exec(List.of("cat"), input, LONG).out()).isEqualTo(input);
            assertThat(agent.exec(List.of("false"), NO_INPUT, LONG).exitCode()).isEqualTo(1);
            requireKind(
                    Kind.REFUSED, () -> agent.exec(List.of("/no/such/program"), NO_INPUT, LONG));
        }
    }

    @Test
    final void filesAreWrittenReplacedAndRead() {
        byte[] content = Bytes.RANDOM.of(200_000, 1);
        try (GuestAgent agent = connect()) {
            agent.writeFile(FILE, content);
            assertThat(agent.readFile(FILE, content.length)).isEqualTo(content);
            requireKind(Kind.REFUSED, () -> agent.readFile(FILE, content.length - 1));
            agent.writeFile(FILE, new byte[] {1});
            assertThat(agent.readFile(FILE, 10)).containsExactly(1);
            requireKind(Kind.REFUSED, () -> agent.readFile("/no/such/file", 10));
            requireKind(Kind.REFUSED, () -> agent.openPipe("/no/such/pipe"));
        }
    }

    @Test
    final void aFreezeHoldsUntilTheThaw() {
        try (GuestAgent agent = connect()) {
            assertThat(guest.canWrite()).isTrue();
            FreezeOutcome outcome = agent.freeze();
            assertThat(outcome).isInstanceOf(FreezeOutcome.Frozen.class);
            int count = ((FreezeOutcome.Frozen) outcome).fileSystems();
            assertThat(guest.canWrite()).isFalse();
            assertThat(agent.isFrozen()).isTrue();
            requireKind(Kind.REFUSED, () -> agent.exec(List.of("true"), NO_INPUT, LONG));
            assertThat(agent.freeze())
                    .isInstanceOfSatisfying(
                            FreezeOutcome.Refused.class,
                            refused ->
                                    assertThat(refused.code()).isEqualTo("guest.already-frozen"));
            assertThat(agent.thaw()).isEqualTo(new ThawOutcome.Clean(count));
            assertThat(guest.canWrite()).isTrue();
            assertThat(agent.exec(List.of("true"), NO_INPUT, LONG).exitCode()).isZero();
        }
    }

    @Test
    final void nothingIsThawedThatWasNotFrozen() {
        try (GuestAgent agent = connect()) {
            assertThat(agent.thaw()).isEqualTo(new ThawOutcome.AlreadyThawed());
        }
    }

    @Test
    final void aFreezeOutlivesTheClient() {
        try (GuestAgent agent = connect()) {
            assertThat(agent.freeze()).isInstanceOf(FreezeOutcome.Frozen.class);
        }
        assertThat(guest.canWrite()).isFalse();
        try (GuestAgent agent = connect()) {
            assertThat(agent.isFrozen()).isTrue();
            assertThat(agent.thaw()).isInstanceOf(ThawOutcome.Clean.class);
        }
    }

    @Test
    final void aFreezeOutlivesTheAgentAndTheNextOneThaws() {
        try (GuestAgent agent = connect()) {
            assertThat(agent.freeze()).isInstanceOf(FreezeOutcome.Frozen.class);
        }
        guest.restartAgent();
        assertThat(guest.canWrite()).isFalse();
        try (GuestAgent agent = connect()) {
            assertThat(agent.isFrozen()).isTrue();
            agent.thaw();
            assertThat(guest.canWrite()).isTrue();
            assertThat(agent.isFrozen()).isFalse();
        }
    }

    @Test
    final void theWatchdogThawsAtItsDeadlineAndTheAgentDoesNotKnow() {
        try (GuestAgent agent = connect();
                FreezeWatchdog watchdog =
                        FreezeWatchdog.arm(agent, Duration.ofSeconds(2), Randomness.secure())
                                .orElseThrow()) {
            assertThat(agent.freeze()).isInstanceOf(FreezeOutcome.Frozen.class);
            assertThat(guest.canWrite()).isFalse();
            guest.pass(Duration.ofSeconds(5));
            assertThat(guest.canWrite()).isTrue();
            assertThat(agent.isFrozen()).isTrue();
            assertThat(agent.thaw()).isEqualTo(new ThawOutcome.AlreadyThawed());
            assertThat(watchdog).isNotNull();
        }
    }

    @Test
    final void aWatchdogThatIsCalledOffThawsNothing() {
        try (GuestAgent agent = connect()) {
            FreezeWatchdog.arm(agent, Duration.ofSeconds(1), Randomness.secure())
                    .orElseThrow()
                    .close();
            assertThat(agent.freeze()).isInstanceOf(FreezeOutcome.Frozen.class);
            guest.pass(Duration.ofSeconds(4));
            assertThat(guest.canWrite()).isFalse();
            assertThat(agent.thaw()).isInstanceOf(ThawOutcome.Clean.class);
        }
    }

    private Ensured.Ready ensured(GuestAgent agent) {
        Ensured ensured =
                ExtensionKeeper.in(
                                state,
                                Prerequisites.Absent.WARN,
                                Randomness.secure(),
                                InstantSource.system())
                        .ensure("contract", agent);
        assertThat(ensured).isInstanceOf(Ensured.Ready.class);
        return (Ensured.Ready) ensured;
    }

    private static LinuxSnapshot snapshot(GuestAgent agent, Ensured.Ready ready, int seconds) {
        return new LinuxSnapshot(
                agent,
                ready.extension(),
                new LinuxSnapshot.Settings(
                        Randomness.secure().hex(8),
                        Duration.ofSeconds(seconds),
                        Duration.ofSeconds(10)),
                new Cancellation());
    }

    @Test
    final void theExtensionHoldsAndLetsGoAtTheHostsWord() {
        try (GuestAgent agent = connect()) {
            assertThat(ensured(agent).done()).isNotEqualTo(Ensured.Done.NOTHING);
            Ensured.Ready ready = ensured(agent);
            assertThat(ready.done()).isEqualTo(Ensured.Done.NOTHING);
            LinuxSnapshot snapshot = snapshot(agent, ready, 60);
            assertThat(snapshot.begin()).isTrue();
            assertThat(guest.canWrite()).isFalse();
            // The agent is not frozen with it.
            assertThat(agent.isFrozen()).isFalse();
            Quiescence quiescence = snapshot.end(true);
            assertThat(quiescence.rest()).isEqualTo(Rest.HELD);
            assertThat(quiescence.frozenMillis()).isPresent();
            assertThat(guest.canWrite()).isTrue();
        }
    }

    @Test
    final void theExtensionLetsGoAtItsDeadlineByItself() {
        try (GuestAgent agent = connect()) {
            LinuxSnapshot snapshot = snapshot(agent, ensured(agent), 2);
            assertThat(snapshot.begin()).isTrue();
            guest.pass(Duration.ofSeconds(4));
            assertThat(guest.canWrite()).isTrue();
            assertThat(snapshot.end(true).rest()).isEqualTo(Rest.LOST);
        }
    }

    /// It would last until its deadline, and the next snapshot would find the guest busy.
    @Test
    final void theNextSnapshotEndsTheHoldOfAJobThatWasKilled() {
        try (GuestAgent agent = connect()) {
            assertThat(snapshot(agent, ensured(agent), 300).begin()).isTrue();
        }
        assertThat(guest.canWrite()).isFalse();
        try (GuestAgent agent = connect()) {
            LinuxSnapshot snapshot = snapshot(agent, ensured(agent), 60);
            assertThat(snapshot.begin()).isTrue();
            assertThat(guest.canWrite()).isFalse();
            assertThat(snapshot.end(true).rest()).isEqualTo(Rest.HELD);
            assertThat(guest.canWrite()).isTrue();
        }
    }
}
