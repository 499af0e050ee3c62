package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.demo.VmDisk;
import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.FreezeOutcome;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.HostCommand;
import io.stillpoint.testkit.LiveWriters;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.TestDisks;
import io.stillpoint.testkit.TestVm;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// The process that backs up a running VM is killed in each step: the guest goes on, and the next run cleans up.
@Tag("qemu")
final class KilledLiveBackupTest {
    private static final int FREEZE_LIMIT_SECONDS = 3;

    /// Beyond the limit: for a guest on a loaded machine to notice, and to sync.
    private static final Duration SLACK = Duration.ofSeconds(12);

    private static final Pattern OUR_NAME = Pattern.compile("\"(sp-[0-9a-z-]+)\"");
    private static final String RECORDING_BITMAP = "sp-[0-9a-f]{8}-[0-9a-f]{16}(-w)?";

    /// A step as the command tells it, and how long into it.
    private record Moment(String step, int millis) {}

    private static final List<Moment> MOMENTS =
            List.of(
                    new Moment("Checking the extension", 0),
                    new Moment("Checking the extension", 150),
                    new Moment("Preparing", 30),
                    new Moment("Taking the snapshot", 0),
                    new Moment("Taking the snapshot", 120),
                    new Moment("Taking the snapshot", 350),
                    new Moment("Storing", 0),
                    new Moment("Storing", 150),
                    new Moment("Making the recovery point", 0),
                    new Moment("Releasing", 0));

    @TempDir Path folder;
    private CommandVault vault;
    private VmDisk first;
    private VmDisk second;

    @BeforeAll
    static void needQemu() {
        RealParts.assumeQemu();
        RealParts.assumePrograms("e2fsck");
    }

    @BeforeEach
    void makeVault() {
        vault = CommandVault.make(folder).bulk();
        TestDisks disks = new TestDisks(folder);
        first = disks.qcow2Ext4("first", ByteSize.parse("64M"));
        second = disks.ext4("second", ByteSize.parse("64M"));
    }

    private String[] backupOf(TestVm guest, String extension) {
        return new String[] {
            "backup",
            "--vm",
            "vm",
            "--qmp",
            guest.qmpSocket().toString(),
            "--agent",
            guest.agentSocket().toString(),
            "--scratch",
            folder.resolve("scratch").toString(),
            "--freeze-limit",
            Integer.toString(FREEZE_LIMIT_SECONDS),
            "--extension",
            extension
        };
    }

    @Test
    void killedInAnyStepTheGuestGoesOnAndTheNextRunWorks() {
        List<Moment> moments = new ArrayList<>(MOMENTS);
        moments.addAll(randomMoments(Integer.getInteger("kills", 0) - MOMENTS.size()));
        killIn(moments, "auto");
    }

    /// None but with `-Dkills=N`: then the rest of so many, from `-Dstillpoint.seed`.
    private static List<Moment> randomMoments(int count) {
        Random random = new Random(VaultScript.seed(0));
        return Stream.generate(
                        () -> {
                            Moment any = MOMENTS.get(random.nextInt(MOMENTS.size()));
                            return new Moment(any.step, random.nextInt(600));
                        })
                .limit(Math.max(0, count))
                .toList();
    }

    /// Then the agent freezes the guest, and a watchdog thaws it.
    @Test
    void killedWithoutAnExtensionTheGuestGoesOnAndTheNextRunWorks() {
        killIn(
                MOMENTS.stream().filter(moment -> moment.step.startsWith("Taking")).toList(),
                "none");
    }

    private void killIn(List<Moment> moments, String extension) {
        try (TestVm guest = TestVm.start(first, second);
                LiveWriters writers =
                        new LiveWriters(guest)
                                .randomBlocks("/data/first", 8)
                                .smallFiles("/data/second")) {
            for (Moment moment : moments) {
                killAt(moment, guest, extension);
                requireThawed(guest);
                Command.Result next = vault.succeed(backupOf(guest, extension));
                assertThat(next.out())
                        .as("after %s: %s", moment, next.err())
                        .contains("file-system");
                requireNothingLeft(guest);
                writers.awaitRounds(1);
            }
            assertThat(writers.complaints()).isEmpty();
        }
        List<JsonNode> points = vault.points();
        assertThat(points.size()).isBetween(moments.size(), 2 * moments.size());
        assertThat(points.getLast().path("quiescing").path("way").asString())
                .isEqualTo(extension.equals("auto") ? "extension" : "agent");
        vault.requireSound(points.size());
        points.forEach(this::requireCleanFileSystems);
    }

    /// The watchdog thaws the file systems, not the agent's own idea of them.
    @Test
    void aFreezeThatAKilledJobLeftIsEndedAndTheBackupIsAsGoodAsAny() {
        try (TestVm guest = TestVm.start(first, second)) {
            try (GuestAgent agent =
                    GuestAgent.connect(
                            new AgentSocket(guest.agentSocket()),
                            Duration.ofSeconds(5),
                            Randomness.secure(),
                            Threads.ofProcess())) {
                assertThat(agent.freeze()).isInstanceOf(FreezeOutcome.Frozen.class);
            }
            Command.Result result = vault.succeed(backupOf(guest, "auto"));
            assertThat(result.out()).as(result.err()).contains("file-system");
            assertThat(result.err()).contains("note").contains("frozen state");
            requireThawed(guest);
        }
    }

    private void killAt(Moment moment, TestVm guest, String extension) {
        try (Command.Running running = vault.command().start(backupOf(guest, extension))) {
            boolean isInTime = running.await(err -> err.contains(moment.step));
            Command.pause(Duration.ofMillis(moment.millis));
            System.err.printf(
                    "%s: killed %s, after: %s%n",
                    moment,
                    isInTime && running.process().isAlive() ? "midway" : "too late",
                    running.err().lines().reduce("", (_, last) -> last));
            running.kill9();
        }
    }

    /// A write and a sync must come through once the watchdog's time is over.
    private static void requireThawed(TestVm guest) {
        long start = System.nanoTime();
        for (String disk : List.of("first", "second")) {
            guest.sh("date >/data/%1$s/alive && sync /data/%1$s/alive".formatted(disk));
        }
        Duration took = Duration.ofNanos(System.nanoTime() - start);
        assertThat(took).isLessThan(Duration.ofSeconds(FREEZE_LIMIT_SECONDS).plus(SLACK));
    }

    private void requireNothingLeft(TestVm guest) {
        String all;
        try (QmpProbe probe = new QmpProbe(guest.spareQmpSocket())) {
            all =
                    probe.execute("query-named-block-nodes")
                            + probe.execute("query-block-exports")
                            + probe.execute("query-jobs");
        }
        List<String> ours =
                OUR_NAME.matcher(all)
                        .results()
                        .map((MatchResult found) -> found.group(1))
                        .distinct()
                        .toList();
        assertThat(ours).allMatch(name -> name.matches(RECORDING_BITMAP));
        // One generation of each of the two disks, and its witness: a bitmap of an older one would
        // cost the guest for
        // nothing.
        assertThat(ours).hasSizeLessThanOrEqualTo(4);
        assertThat(all).doesNotContain("copy-before-write");
        String[] scratch = folder.resolve("scratch").toFile().list();
        assertThat(scratch == null ? new String[0] : scratch)
                .noneMatch(name -> name.startsWith("sp-"));
    }

    private void requireCleanFileSystems(JsonNode point) {
        String id = point.path("id").asString();
        Path target = folder.resolve("restored-" + id);
        vault.succeed("restore", "--point", id, "--format", "raw", "--to", target + "/");
        for (String disk : List.of("first", "second")) {
            Path image = target.resolve(disk + ".raw");
            HostCommand.run("e2fsck", "-fn", image.toString());
            assertThat(image.toFile().delete()).as("of hundreds there is no room for all").isTrue();
        }
    }
}
