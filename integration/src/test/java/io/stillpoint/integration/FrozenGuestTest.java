package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.demo.VmDisk;
import io.stillpoint.demo.VmLaunch;
import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.TestDisks;
import io.stillpoint.testkit.TestVm;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// VMSnapshotLinux freezes a real guest, and lets go of it whatever happens: `docs/extensions.md`, "VMSnapshotLinux at work".
/// One guest serves all tests; after each of them every file system of it must take a write.
@Tag("qemu")
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(300)
final class FrozenGuestTest {
    private static final String HOME = "/var/lib/stillpoint/VMSnapshotLinux/1.0.0/";
    private static final String PROGRAM = HOME + "vmsnapshot";
    private static final String STATUS = "/run/stillpoint/VMSnapshotLinux/status.json";
    private static final List<String> PLACES =
            List.of("/", "/data/ext", "/data/xfs", "/data/btrfs");
    private static final long SECONDS_MAX = 60;

    private TestVm vm;
    private int task;

    @BeforeAll
    void boot(@TempDir Path folder) throws IOException {
        RealParts.assumeQemu();
        RealParts.assumePrograms("mkfs.xfs", "mkfs.btrfs");
        TestDisks disks = new TestDisks(folder);
        Path root = folder.resolve("root.raw");
        RealParts.guest().copyRootTo(root);
        vm =
                TestVm.start(
                        VmLaunch.fromDisk(
                                "frozen",
                                RealParts.guest(),
                                VmDisk.raw("root", root).cached(VmDisk.Cache.UNSAFE),
                                disks.ext4("ext", ByteSize.parse("32M")),
                                disks.xfs("xfs", ByteSize.parse("320M")),
                                disks.btrfs("btrfs", ByteSize.parse("160M")),
                                disks.ext4("listed", ByteSize.parse("16M"))));
        install();
    }

    @AfterAll
    void stop() {
        if (vm != null) {
            vm.close();
        }
    }

    private void install() throws IOException {
        byte[] program;
        try (InputStream in =
                FrozenGuestTest.class.getResourceAsStream(
                        "/io/stillpoint/extensions/VMSnapshotLinux/x86_64/vmsnapshot")) {
            program = Objects.requireNonNull(in, "not built: a compiler is missing").readAllBytes();
        }
        ObjectNode manifest = Json.object().put("type", "VMSnapshotLinux").put("version", "1.0.0");
        manifest.put("executable", "vmsnapshot");
        manifest.putArray("files")
                .addObject()
                .put("path", "vmsnapshot")
                .put("bytes", program.length)
                .put("sha256", sha256(program));
        vm.sh("mkdir -p -m 700 " + HOME);
        try (GuestAgent agent =
                GuestAgent.connect(
                        new AgentSocket(vm.agentSocket()),
                        Duration.ofSeconds(30),
                        Randomness.secure(),
                        Threads.ofProcess())) {
            agent.writeFile(PROGRAM, program);
            agent.writeFile(HOME + "manifest.json", Json.bytes(manifest));
        }
        vm.sh("chmod 700 " + PROGRAM);
        run("install");
        JsonNode health = run("enable");
        assertThat(health.path("healthy").asBoolean()).as(health.toString()).isTrue();
        assertThat(health.path("checks").findValues("ok")).allMatch(JsonNode::asBoolean);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @BeforeEach
    void noScripts() {
        vm.sh("mkdir -p /etc/azure; rm -f /etc/azure/*");
    }

    /// Whatever a test did: nothing is frozen, and the next snapshot can be made.
    @AfterEach
    void everythingTakesWritesAgain() {
        if (vm != null) {
            write("after");
            awaitWritten("after", PLACES);
        }
    }

    /// Begins to write and sync a file on each file system; what is frozen lets it wait, and it can't be killed then.
    private void write(String name) {
        vm.sh("rm -rf /run/%1$s; mkdir /run/%1$s".formatted(name));
        for (String place : PLACES) {
            vm.sh(
                    "(echo x >%1$s/probe && sync %1$s/probe && echo %1$s >/run/%2$s/$$%3$d) </dev/null >/dev/null 2>&1 &"
                            .formatted(place, name, PLACES.indexOf(place)));
        }
    }

    private List<String> written(String name) {
        return vm.sh("cat /run/%s/* 2>/dev/null | sort; true".formatted(name)).lines().toList();
    }

    private void awaitWritten(String name, List<String> places) {
        await(() -> written(name).size() == places.size(), () -> "written: " + written(name));
        assertThat(written(name)).containsExactlyInAnyOrderElementsOf(places);
    }

    private interface Condition {
        boolean holds();
    }

    private interface Words {
        String text();
    }

    private static void await(Condition condition, Words otherwise) {
        long end = System.nanoTime() + Duration.ofSeconds(SECONDS_MAX).toNanos();
        while (!condition.holds()) {
            if (System.nanoTime() > end) {
                throw new AssertionError(otherwise.text());
            }
            pause(50);
        }
    }

    private static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    private JsonNode run(String verb) {
        return Json.parse(vm.sh(PROGRAM + " " + verb));
    }

    /// Freezes, and proves it.
    private JsonNode freeze(int deadlineSeconds) {
        run("snapshot --task t%d --deadline %d".formatted(++task, deadlineSeconds));
        JsonNode held = await("held");
        write("while");
        pause(500);
        assertThat(written("while")).isEmpty();
        return held;
    }

    private JsonNode await(String state) {
        await(() -> state().equals(state), () -> "not " + state + ": " + status());
        return status();
    }

    private JsonNode status() {
        return Json.parse(vm.sh("cat " + STATUS));
    }

    private String state() {
        JsonNode status = status();
        return status.path("task").asString().equals("t" + task)
                ? status.path("state").asString()
                : "";
    }

    private void thaw() {
        vm.sh("echo thaw >/run/stillpoint/VMSnapshotLinux/control");
    }

    /// The end of a snapshot that froze everything, and of the writes that waited for it.
    private JsonNode awaitEnd(String thawedBy, boolean held) {
        awaitWritten("while", PLACES);
        JsonNode done = await("done");
        assertThat(done.path("thawedBy").asString()).as(done.toString()).isEqualTo(thawedBy);
        assertThat(done.path("held").asBoolean()).as(done.toString()).isEqualTo(held);
        return done;
    }

    private static JsonNode mount(JsonNode status, String path) {
        for (JsonNode mount : status.path("freeze").path("mounts")) {
            if (mount.path("path").asString().equals(path)) {
                return mount;
            }
        }
        throw new AssertionError(path + " is not in " + status);
    }

    private static Map<String, String> outcomes(JsonNode status) {
        Map<String, String> outcomes = new LinkedHashMap<>();
        for (JsonNode mount : status.path("freeze").path("mounts")) {
            outcomes.put(mount.path("path").asString(), mount.path("outcome").asString());
        }
        return outcomes;
    }

    /// The process of this name: `vmsnapshot` works, `stillpoint-thaw` guards.
    private String process(String name) {
        return vm.sh(
                        "for p in /proc/[0-9]*; do [ \"$(cat $p/comm 2>/dev/null)\" = %s ] && echo ${p#/proc/}; done; true"
                                .formatted(name))
                .strip();
    }

    private void kill(String signal, String processes) {
        vm.sh("kill -" + signal + " " + processes);
    }

    @Test
    void freezesEachFileSystemOnceAndTheRootLast() {
        vm.sh(
                """
                set -e
                mkdir -p /mnt/again /mnt/loop /mnt/old /mnt/hidden
                mount --bind /data/ext /mnt/again
                modprobe loop
                truncate -s 8M /run/loop.img /run/old.img
                mke2fs -q -F -t ext4 /run/loop.img
                mke2fs -q -F -t ext2 /run/old.img
                mount -t ext4 -o loop /run/loop.img /mnt/loop
                mount -t ext2 -o loop /run/old.img /mnt/old
                mount --bind /data/listed /mnt/hidden
                mount -t tmpfs above /mnt/hidden
                printf '[SnapshotThread]\\nMountsToSkip = /mnt/none, /data/listed/\\n' >/etc/azure/vmbackup.conf
                printf 'echo pre >>/data/ext/trace; echo said' >/root/pre.sh
                printf 'echo post >>/data/ext/trace' >/root/post.sh
                echo '{"preScriptLocation":"/root/pre.sh","postScriptLocation":"/root/post.sh"}' \\
                    >/etc/azure/VMSnapshotScriptPluginConfig.json
                chmod 600 /etc/azure/*.json /root/*.sh
                """);

        freeze(60);
        assertThat(
                        vm.sh(
                                "echo x >/data/listed/file && sync /data/listed/file && echo x >/mnt/loop/file && echo done"))
                .isEqualTo("done\n");
        pause(1000);
        thaw();
        JsonNode done = awaitEnd("command", true);

        vm.sh(
                "umount /mnt/again /mnt/loop /mnt/old /mnt/hidden /mnt/hidden; rm /run/loop.img /run/old.img");
        assertThat(outcomes(done))
                .containsOnly(
                        Map.entry("/", "frozen"),
                        Map.entry("/data/ext", "frozen"),
                        Map.entry("/data/xfs", "frozen"),
                        Map.entry("/data/btrfs", "frozen"),
                        Map.entry("/data/listed", "skipped-listed"),
                        Map.entry("/mnt/again", "skipped-duplicate"),
                        Map.entry("/mnt/loop", "skipped-loop"),
                        Map.entry("/mnt/old", "skipped-type"),
                        Map.entry("/mnt/hidden", "skipped-hidden"));
        assertThat(done.path("freeze").path("code").asInt()).isZero();
        long root = mount(done, "/").path("micros").asLong();
        // The test alone held it for a second and a half.
        assertThat(root).isBetween(1_500_000L, 60_000_000L);
        for (String place : PLACES.subList(1, 4)) {
            // Frozen before the root, and thawed after it.
            assertThat(mount(done, place).path("micros").asLong())
                    .as(place)
                    .isGreaterThan(root)
                    .isLessThan(60_000_000L);
        }
        assertThat(done.path("scripts").path("code").asInt()).isZero();
        assertThat(done.path("scripts").path("pre").path("output").asString()).isEqualTo("said\n");
        assertThat(vm.sh("cat /data/ext/trace")).isEqualTo("pre\npost\n");
    }

    @Test
    void onlyTheGuardianThawsAtTheDeadlineIfTheWorkerIsStopped() {
        // In one go, to be done before the deadline on a slow machine, too.
        String worker =
                vm.sh(
                                """
                                set -e
                                %s snapshot --task t%d --deadline 10 >/dev/null
                                until grep -q '"state":"held"' %s; do usleep 20000; done
                                for p in /proc/[0-9]*; do
                                    [ "$(cat $p/comm 2>/dev/null)" != vmsnapshot ] || worker=${p#/proc/}
                                done
                                kill -STOP $worker
                                echo $worker
                                """
                                        .formatted(PROGRAM, ++task, STATUS))
                        .strip();
        write("while");

        awaitWritten("while", PLACES);
        await(() -> state().equals("thawed"), () -> status().toString());
        assertThat(vm.sh("cut -d' ' -f3 /proc/" + worker + "/stat")).isEqualTo("T\n");
        kill("CONT", worker);
        awaitEnd("deadline", false);
    }

    @Test
    void thawsAtTheDeadlineWithoutACommand() {
        run("snapshot --task t%d --deadline 5".formatted(++task));
        write("while");

        JsonNode done = awaitEnd("deadline", false);
        for (String place : PLACES) {
            // The deadline counts from the first one; the others are frozen somewhat shorter.
            assertThat(mount(done, place).path("micros").asLong()).as(place).isGreaterThan(100_000);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "KILL,stillpoint-thaw,guardian",
        "KILL,vmsnapshot,guardian",
        "SEGV,vmsnapshot,guardian",
        "TERM,vmsnapshot,signal",
    })
    void thawsAtOnceWhateverEndsOneOfItsProcesses(String signal, String process, String thawedBy) {
        freeze(500);

        kill(signal, process(process));

        awaitEnd(thawedBy, false);
    }

    @Test
    void theEndOfTheAgentAndAllInItsControlGroupChangesNothing() {
        vm.sh(
                """
                set -e
                mount -t cgroup2 groups /sys/fs/cgroup
                mkdir /sys/fs/cgroup/agent
                echo $$ >/sys/fs/cgroup/agent/cgroup.procs
                cat /run/org.qemu.guest_agent.0/pid >/sys/fs/cgroup/agent/cgroup.procs
                %s snapshot --task t%d --deadline 500
                """
                        .formatted(PROGRAM, ++task));
        await("held");
        write("while");
        for (String name : List.of("vmsnapshot", "stillpoint-thaw")) {
            String process = "/proc/" + process(name);
            assertThat(vm.sh("cat %1$s/cgroup %1$s/oom_score_adj".formatted(process)))
                    .as(name)
                    .isEqualTo("0::/\n-1000\n");
            assertThat(vm.sh("grep VmLck " + process + "/status")).as(name).doesNotContain(" 0 kB");
        }

        vm.sh("echo 1 >/sys/fs/cgroup/agent/cgroup.kill");

        pause(500);
        assertThat(vm.exitCode("kill -0 $(cat /run/org.qemu.guest_agent.0/pid)")).isNotZero();
        assertThat(written("while")).isEmpty();
        assertThat(state()).isEqualTo("held");
        thaw();
        awaitEnd("command", true);
        vm.sh(
                """
                umount /sys/fs/cgroup
                rm -f /run/org.qemu.guest_agent.0/pid
                qemu-ga -d -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 \\
                    -t /run/org.qemu.guest_agent.0 -f /run/org.qemu.guest_agent.0/pid
                """);
    }

    @Test
    void aSecondOneMeanwhileIsBusyAndDisturbsNothing() {
        freeze(500);

        assertThat(vm.exitCode(PROGRAM + " snapshot --task other --deadline 60")).isEqualTo(13);
        assertThat(vm.exitCode(PROGRAM + " uninstall")).isEqualTo(13);

        assertThat(status().path("task").asString()).isEqualTo("t" + task);
        assertThat(run("thaw").path("code").asString()).isEqualTo("ok");
        awaitEnd("command", true);
    }

    @Test
    void oneThatCantBeFrozenThawsTheOthersAtOnce() {
        vm.sh("fsfreeze -f /data/ext");

        run("snapshot --task t%d --deadline 500".formatted(++task));

        JsonNode done = await("done");
        vm.sh("fsfreeze -u /data/ext");
        assertThat(done.path("held").asBoolean()).isFalse();
        assertThat(done.path("freeze").path("code").asInt()).isEqualTo(121);
        JsonNode failed = mount(done, "/data/ext");
        assertThat(failed.path("outcome").asString()).isEqualTo("failed");
        assertThat(failed.path("detail").asString()).isEqualTo("somebody else has frozen it");
    }

    @Test
    void whatSomebodyElseThawedWasNotHeld() {
        freeze(500);

        vm.sh("fsfreeze -u /data/xfs");
        thaw();

        JsonNode done = awaitEnd("command", false);
        assertThat(mount(done, "/data/xfs").path("detail").asString())
                .isEqualTo("somebody else thawed it");
    }

    @Test
    void whatTwoKilledProcessesLeftFrozenTheNextOneThaws() {
        freeze(500);
        killBoth();
        pause(500);
        assertThat(written("while")).isEmpty();
        assertThat(vm.exitCode(PROGRAM + " health")).isEqualTo(19);
        assertThat(vm.exitCode(PROGRAM + " status")).isEqualTo(19);

        // As the host does when it finds the extension unhealthy.
        run("install");

        awaitWritten("while", PLACES);
        freeze(500);
        killBoth();
        freezeAgainAndThaw();
    }

    /// Stopped first, as either thaws as soon as it sees the other's end.
    private void killBoth() {
        String both = process("vmsnapshot") + " " + process("stillpoint-thaw");
        kill("STOP", both);
        kill("KILL", both);
    }

    private void freezeAgainAndThaw() {
        freeze(60);
        thaw();
        awaitEnd("command", true);
    }

    @Test
    void aPowerCutInTheMiddleLeavesNothingBehind() {
        freeze(500);

        VmLaunch launch = vm.process().launch();
        vm.process().kill9();
        vm.close();
        vm = TestVm.start(launch);

        assertThat(run("health").path("healthy").asBoolean()).isTrue();
        assertThat(run("status").path("state").asString()).isEqualTo("none");
        freezeAgainAndThaw();
    }
}
