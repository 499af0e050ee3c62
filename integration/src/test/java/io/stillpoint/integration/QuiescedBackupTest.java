package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.demo.VmDisk;
import io.stillpoint.engine.JobException;
import io.stillpoint.hypervisor.qemu.QemuVm;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Threads;
import io.stillpoint.testkit.HostCommand;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.TestDisks;
import io.stillpoint.testkit.TestVm;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.RecoveryPoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// Jobs on a real guest with its extension, in which a database takes a transaction after the other, each into two
/// tables, and keeps them in its write-ahead log.
@Tag("qemu")
final class QuiescedBackupTest {
    private static final ByteSize SIZE = ByteSize.parse("64M");
    private static final String AGENT = "/run/org.qemu.guest_agent.0";

    /// Brings the database to rest: no transaction begins, and the log is in the database.
    private static final String PRE =
            """
            echo at rest
            until mkdir /run/db.lock 2>/dev/null; do usleep 10000; done
            sqlite3 /data/db/live.db 'PRAGMA wal_checkpoint(TRUNCATE)'
            """;

    private static final String POST = "rmdir /run/db.lock\n";

    @TempDir Path folder;
    private TestVm guest;
    private TestVault vault;
    private ReferenceVm vm;

    @BeforeAll
    static void needQemu() {
        RealParts.assumeQemu();
        RealParts.assumePrograms("dumpe2fs");
    }

    @BeforeEach
    void start() {
        guest = TestVm.start(new TestDisks(folder).qcow2Ext4("db", SIZE));
        vault = new TestVault(folder);
        vault.giveExtensions();
        vm = new ReferenceVm(QemuVm.open(guest.qmpSocket(), Threads.ofProcess()));
        guest.sh(
                """
                cd /data/db
                sqlite3 live.db 'PRAGMA journal_mode=WAL; CREATE TABLE a(n INTEGER, b BLOB); CREATE TABLE b(n INTEGER)'
                cat >/run/writer <<'SCRIPT'
                n=0
                while :; do
                    n=$((n + 1))
                    until mkdir /run/db.lock 2>/dev/null; do usleep 10000; done
                    sqlite3 live.db '.dbconfig no_ckpt_on_close on' 'PRAGMA wal_autocheckpoint=0' \\
                        "BEGIN; INSERT INTO a VALUES($n, randomblob(3000)); INSERT INTO b VALUES($n); COMMIT" >/dev/null
                    rmdir /run/db.lock
                    echo $n >/run/written
                done
                SCRIPT
                setsid sh /run/writer </dev/null >/run/writer.log 2>&1 &
                """);
    }

    @AfterEach
    void stop() {
        vm.close();
        vault.close();
        guest.close();
    }

    private RecoveryPoint backup() {
        awaitWriter();
        return vault.backup(vm, guest.agentSocket());
    }

    /// The database goes on: nothing is frozen, and its lock is free.
    private void awaitWriter() {
        guest.sh(
                """
                from=$(cat /run/written); tries=0
                while [ "$(($(cat /run/written) - from))" -lt 3 ]; do
                    tries=$((tries + 1)); [ $tries -lt 1200 ] || exit 1
                    usleep 50000
                done
                """);
        assertThat(guest.sh("cat /run/writer.log").strip()).isEmpty();
    }

    private void configure(String settings, String pre) {
        guest.sh(
                """
                mkdir -p /etc/stillpoint; cd /etc/stillpoint; umask 077
                cat >pre.sh <<'SCRIPT'
                %sSCRIPT
                cat >post.sh <<'SCRIPT'
                %sSCRIPT
                cat >VMSnapshotScriptPluginConfig.json <<'CONFIGURATION'
                { "pluginName": "ScriptRunner", "preScriptLocation": "/etc/stillpoint/pre.sh", "preScriptParams": [],
                  "postScriptLocation": "/etc/stillpoint/post.sh", "postScriptParams": [], "timeoutInSeconds": 60,
                  "preScriptNoOfRetries": 0, "postScriptNoOfRetries": 0 %s }
                CONFIGURATION
                chmod 600 VMSnapshotScriptPluginConfig.json; chmod 700 pre.sh post.sh
                """
                        .formatted(pre, POST, settings));
    }

    private static void require(RecoveryPoint point, Consistency consistency, String reason) {
        assertThat(point.consistencyReason()).isEqualTo(reason);
        assertThat(point.consistency()).isEqualTo(consistency);
    }

    @Test
    void aPointSaysHowConsistentItIsAndIsSo() throws IOException {
        Map<String, RecoveryPoint> points = new LinkedHashMap<>();

        RecoveryPoint first = backup();
        require(first, Consistency.FILE_SYSTEM, "guest.no-scripts");
        assertThat(vault.steps()).anyMatch(step -> step.matches("extension: .* was installed.*"));
        JsonNode mount =
                first.configuration().path("quiescing").path("freeze").path("mounts").path(0);
        assertThat(mount.path("path").asString()).isEqualTo("/data/db");
        assertThat(mount.path("outcome").asString()).isEqualTo("frozen");
        long frozen = mount.path("micros").asLong();
        assertThat(frozen).isPositive().isLessThan(10_000_000);
        assertThat(first.frozenMillis().orElseThrow()).isBetween(frozen / 1000, frozen / 1000 + 1);
        points.put("files", first);

        configure("", PRE);
        RecoveryPoint second = backup();
        require(second, Consistency.APPLICATION, "");
        assertThat(vault.steps())
                .anyMatch(step -> step.startsWith("pre-script") && step.contains("at rest"))
                .anyMatch(step -> step.startsWith("post-script"));
        points.put("application", second);
        assertThat(vault.warnings()).isEmpty();

        vault.demand(Consistency.APPLICATION);
        guest.sh("rm -r /etc/stillpoint");
        requireNoPoint("engine.below-minimum");
        vault.demand(Consistency.CRASH);

        configure("", PRE + "exit 7\n");
        RecoveryPoint failed = backup();
        require(failed, Consistency.FILE_SYSTEM, "guest.scripts-failed");
        assertThat(vault.warnings()).contains("guest.scripts-failed");

        configure(", \"continueBackupOnFailure\": false", PRE + "exit 7\n");
        requireNoPoint("engine.scripts-demand");

        guest.sh("rm -r /etc/stillpoint");
        vault.limitFreeze(Duration.ofSeconds(1));
        vm.beforeTake(() -> Command.pause(Duration.ofSeconds(3)));
        RecoveryPoint late = backup();
        require(late, Consistency.CRASH, "guest.thawed-early");
        vm.beforeTake(() -> {});
        vault.limitFreeze(Duration.ofSeconds(10));
        points.put("crash", late);

        awaitWriter();
        requireContents(points);
    }

    private void requireNoPoint(String code) {
        int before = vault.vault().points().size();
        assertThatThrownBy(this::backup)
                .isInstanceOfSatisfying(
                        JobException.class, e -> assertThat(e.code()).isEqualTo(code));
        assertThat(vault.vault().points()).hasSize(before);
        awaitWriter();
        try (QmpProbe probe = new QmpProbe(guest.spareQmpSocket())) {
            assertThat(probe.execute("query-named-block-nodes"))
                    .doesNotContain("copy-before-write");
        }
    }

    /// In a guest of its own, to which each restored disk is given.
    private void requireContents(Map<String, RecoveryPoint> points) throws IOException {
        VmDisk[] disks = new VmDisk[points.size()];
        int count = 0;
        for (Map.Entry<String, RecoveryPoint> one : points.entrySet()) {
            Path image = folder.resolve(one.getKey() + ".raw");
            Files.write(image, vault.restored(one.getValue().disk("db").orElseThrow()));
            String features = HostCommand.run("dumpe2fs", "-h", image.toString());
            assertThat(features.contains("needs_recovery"))
                    .as(one.getKey())
                    .isEqualTo(one.getKey().equals("crash"));
            disks[count] = VmDisk.raw(one.getKey(), image);
            count++;
        }
        try (TestVm reader = TestVm.start(disks)) {
            for (String name : points.keySet()) {
                long logBytes =
                        Long.parseLong(
                                reader.sh("stat -c %s /data/" + name + "/live.db-wal || echo 0")
                                        .strip());
                assertThat(logBytes == 0).as(name).isEqualTo(name.equals("application"));
                String check =
                        "PRAGMA integrity_check; SELECT (SELECT max(n) FROM a) = (SELECT max(n) FROM b),"
                                + " (SELECT count(*) FROM a) = (SELECT max(n) FROM a), (SELECT count(*) FROM a) > 3";
                assertThat(reader.sh("sqlite3 /data/%s/live.db '%s'".formatted(name, check)))
                        .as(name)
                        .isEqualTo("ok\n1|1|1\n");
            }
        }
    }

    /// The helper in the guest thaws at its deadline, whoever else is gone.
    @Test
    void theAgentDiesWhileTheGuestIsFrozen() {
        backup();
        vault.limitFreeze(Duration.ofSeconds(3));
        for (boolean returns : List.of(true, false)) {
            vm.beforeTake(() -> {
                vm.beforeTake(() -> {});
                guest.sh("kill -9 $(cat " + AGENT + "/pid); rm " + AGENT + "/pid");
                if (returns) {
                    startAgent();
                }
            });
            RecoveryPoint point = backup();
            if (returns) {
                require(point, Consistency.FILE_SYSTEM, "guest.no-scripts");
            } else {
                require(point, Consistency.CRASH, "guest.thawed-early");
            }
            awaitWriter();
        }
        startAgent();
        require(backup(), Consistency.FILE_SYSTEM, "guest.no-scripts");
    }

    private void startAgent() {
        guest.sh(
                "qemu-ga -d -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 -t %1$s -f %1$s/pid"
                        .formatted(AGENT));
    }

    /// Ten here; any number with -Dbackups.
    @Test
    void manyBackupsUnderLoad() {
        for (int i = 0; i < Integer.getInteger("backups", 10); i++) {
            require(backup(), Consistency.FILE_SYSTEM, "guest.no-scripts");
        }
        awaitWriter();
        assertThat(vault.warnings()).isEmpty();
        assertThat(vault.verify().isSound()).isTrue();
    }
}
