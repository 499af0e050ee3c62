package io.stillpoint.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The real script in the host's real shell, started by a fake agent. Its fsfreeze is one that only writes
/// down its arguments, and its mounts don't exist: nothing of the host is touched.
class FreezeWatchdogTest extends AgentTest {
    private static final String MOUNTS =
            """
            proc /proc proc rw 0 0
            tmpfs /run tmpfs rw 0 0
            /dev/vda1 /nowhere/root ext4 rw 0 0
            /dev/mapper/a-b /nowhere/with\\040blank\\134 xfs rw 0 0
            /dev/fuse /nowhere/user fuse.portal rw 0 0
            /dev/sdb1 /nowhere/ntfs fuseblk rw 0 0
            //server/share /nowhere/cifs cifs rw 0 0
            server:/export /nowhere/nfs nfs4 rw 0 0
            /dev/loop0 /nowhere/loop btrfs ro 0 0
            """;

    private Path run;
    private Path tools;
    private Path log;
    private final Map<Long, Process> started = new ConcurrentHashMap<>();

    @BeforeEach
    void guestWithAShell() throws IOException {
        run = Files.createDirectory(folder.resolve("run"));
        tools = Files.createDirectory(folder.resolve("bin"));
        log = Files.createFile(folder.resolve("log"));
        Files.writeString(folder.resolve("mounts"), MOUNTS);
        Path groups = Files.createDirectories(folder.resolve("cgroup/systemd"));
        Files.createFile(groups.resolve("cgroup.procs"));
        // busybox' knows no -u; neither does this one.
        // One write for each call, as several run at once.
        install("fsfreeze", "#!/bin/sh\nIFS='|'; printf '%s|\\n' \"$*\" >>" + log + "\n");
        fake.on("guest-exec", this::exec);
        fake.on("guest-exec-status", this::execStatus);
    }

    @Test
    void thawsEveryLocalFileSystemAtItsDeadlineAndLeavesNothingBehind() throws Exception {
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            long begin = System.nanoTime();
            assertThat(arm(agent, Duration.ofSeconds(2))).isPresent();
            assertThat(traces()).hasSize(1);
            assertThat(thawed()).isEmpty();
            awaitNoTraces();
            assertThat(Duration.ofNanos(System.nanoTime() - begin))
                    .isBetween(Duration.ofSeconds(2), Duration.ofSeconds(10));
        }
        assertThat(thawed())
                .containsExactlyInAnyOrder(
                        "/nowhere/root", "/nowhere/with blank\\", "/nowhere/loop");
    }

    @Test
    void leavesTheAgentsControlGroup() throws Exception {
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            arm(agent, Duration.ofSeconds(1));
            awaitNoTraces();
        }
        assertThat(folder.resolve("cgroup/systemd/cgroup.procs")).hasContent("0");
    }

    @Test
    void aCancelledOneNeverThawsAndEnds() throws Exception {
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            FreezeWatchdog watchdog = arm(agent, Duration.ofSeconds(2)).orElseThrow();
            assertThat(traces()).hasSize(1);
            assertThat(watchdogs()).isNotEmpty();
            watchdog.close();
            assertThat(traces()).isEmpty();
            Thread.sleep(4500);
        }
        assertThat(thawed()).isEmpty();
        assertThat(watchdogs()).isEmpty();
    }

    @Test
    void whoEndsItMakesItThawAtOnce() throws Exception {
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            arm(agent, Duration.ofMinutes(5));
            assertThat(watchdogs()).allMatch(ProcessHandle::destroy).isNotEmpty();
            awaitNoTraces();
        }
        assertThat(thawed()).contains("/nowhere/root");
    }

    @Test
    void oneThatAKilledJobLeftIsCalledOffAndWhatItGuardedThawed() throws Exception {
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            FreezeWatchdog left = arm(agent, Duration.ofSeconds(2)).orElseThrow();
            try (FreezeWatchdog next = arm(agent, Duration.ofMinutes(5)).orElseThrow()) {
                assertThat(next).isNotSameAs(left);
                assertThat(traces()).hasSize(1);
                List<String> once = thawed();
                assertThat(once).hasSize(3).contains("/nowhere/root");
                Thread.sleep(4500);
                assertThat(thawed()).isEqualTo(once);
            }
        }
    }

    @Test
    void closingTwiceOrAfterItFiredIsHarmless() throws Exception {
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            FreezeWatchdog watchdog = arm(agent, Duration.ofSeconds(1)).orElseThrow();
            awaitNoTraces();
            watchdog.close();
            watchdog.close();
        }
    }

    @Test
    void everythingItRunsHasRunBeforeItIsArmed() throws Exception {
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT);
                FreezeWatchdog watchdog = arm(agent, Duration.ofMinutes(5)).orElseThrow()) {
            assertThat(watchdog).isNotNull();
            assertThat(log).hasContent("--help|");
        }
    }

    @Test
    void aGuestWithoutFsfreezeHasNone() throws Exception {
        // The script looks in the usual folders, too, where this host has one.
        install("sh-without-fsfreeze", "#!/bin/sh\nexit 3\n");
        fake.once(
                "guest-exec",
                call -> {
                    call.arguments().put("path", tools.resolve("sh-without-fsfreeze").toString());
                    exec(call);
                });
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            assertThat(arm(agent, Duration.ofSeconds(5))).isEmpty();
        }
        assertThat(traces()).isEmpty();
    }

    @Test
    void aGuestWithoutItsFolderHasNone() throws Exception {
        Files.delete(run);
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            assertThat(arm(agent, Duration.ofSeconds(5))).isEmpty();
        }
        assertThat(watchdogs()).isEmpty();
    }

    @Test
    void anAgentThatRunsNoCommandsHasNone() {
        fake.disable("guest-exec");
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            assertThat(arm(agent, Duration.ofSeconds(5))).isEmpty();
        }
        assertThat(fake.received()).containsExactly("guest-info");
    }

    @Test
    void aGuestWithoutAShellHasNone() {
        fake.on("guest-exec", call -> call.refuse("GenericError", "No such file or directory"));
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            assertThat(arm(agent, Duration.ofSeconds(5))).isEmpty();
        }
    }

    @Test
    void anAgentThatDoesNotAnswerIsAFailureAndWhatItStartedIsCancelled() throws Exception {
        fake.once("guest-exec-status", call -> {});
        try (GuestAgent agent = connect()) {
            assertThatExceptionOfType(GuestException.class)
                    .isThrownBy(() -> arm(agent, Duration.ofMinutes(5)))
                    .satisfies(e -> assertThat(e.kind()).isEqualTo(Kind.TIMEOUT));
            assertThat(traces()).isEmpty();
        }
    }

    @Test
    void closingNeverThrowsWhenTheAgentWentAwayAndItFires() throws Exception {
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            FreezeWatchdog watchdog = arm(agent, Duration.ofSeconds(2)).orElseThrow();
            fake.once("guest-exec", FakeAgent.Call::drop);
            fake.close();
            watchdog.close();
            awaitNoTraces();
        }
        assertThat(thawed()).contains("/nowhere/root");
    }

    @Test
    void anInterruptedThreadCancelsItAllTheSame() throws Exception {
        try (GuestAgent agent = connect(AgentTimeouts.DEFAULT)) {
            FreezeWatchdog watchdog = arm(agent, Duration.ofMinutes(5)).orElseThrow();
            Thread.currentThread().interrupt();
            watchdog.close();
            assertThat(Thread.interrupted()).isTrue();
            assertThat(traces()).isEmpty();
        }
    }

    private Optional<FreezeWatchdog> arm(GuestAgent agent, Duration deadline) {
        return FreezeWatchdog.arm(
                agent,
                deadline,
                Randomness.secure(),
                new FreezeWatchdog.Places(
                        run.toString(),
                        folder.resolve("mounts").toString(),
                        folder.resolve("cgroup").toString()));
    }

    private void exec(FakeAgent.Call call) throws IOException {
        ObjectNode arguments = call.arguments();
        List<String> command = new ArrayList<>();
        command.add(arguments.path("path").asString());
        for (JsonNode argument : arguments.path("arg")) {
            command.add(argument.asString());
        }
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("PATH", tools + ":/usr/bin:/bin");
        Process process = builder.start();
        byte[] input = Base64.getDecoder().decode(arguments.path("input-data").asString(""));
        try (OutputStream in = process.getOutputStream()) {
            in.write(input);
        } catch (IOException e) {
            // As with the agent: a command may end without reading its input.
            assertThat(process.onExit()).succeedsWithin(Duration.ofSeconds(5));
        }
        started.put(process.pid(), process);
        call.reply(Json.object().put("pid", process.pid()));
    }

    private void execStatus(FakeAgent.Call call) throws IOException, InterruptedException {
        Process process =
                Objects.requireNonNull(started.get(call.arguments().path("pid").asLong()));
        assertThat(process.waitFor(5, TimeUnit.SECONDS)).isTrue();
        // As the agent does: it waits for the end of the outputs, too.
        byte[] out = process.getInputStream().readAllBytes();
        call.reply(
                Json.object()
                        .put("exited", true)
                        .put("exitcode", process.exitValue())
                        .put("out-data", Base64.getEncoder().encodeToString(out)));
    }

    private void install(String name, String script) throws IOException {
        Path file = Files.writeString(tools.resolve(name), script);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private List<String> thawed() throws IOException {
        return Files.readAllLines(log).stream()
                .filter(line -> line.startsWith("--unfreeze|"))
                .map(line -> line.substring(11, line.length() - 1))
                .toList();
    }

    private List<Path> traces() {
        if (!Files.exists(run)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(run)) {
            return files.toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The shells that wait, by the token in their command line.
    private List<ProcessHandle> watchdogs() {
        return ProcessHandle.allProcesses()
                .filter(process ->
                        process.info()
                                .commandLine()
                                .filter(line -> line.contains(run + "/stillpoint-freeze-"))
                                .isPresent())
                .toList();
    }

    private void awaitNoTraces() throws InterruptedException {
        while (!traces().isEmpty()) {
            Thread.sleep(20);
        }
    }
}
