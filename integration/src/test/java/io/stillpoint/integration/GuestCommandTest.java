package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.text.Moment;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/// `stillpoint guest` where no guest is needed.
final class GuestCommandTest {
    private static final int USAGE = 2;
    private static final int INPUT = 3;
    private static final int ENVIRONMENT = 4;

    @TempDir Path folder;

    private Command.Result run(String... arguments) {
        return new Command()
                .environment(Map.of("STILLPOINT_STATE_DIR", folder.toString()))
                .run(arguments);
    }

    private void keep(String vm, boolean isHealthy, int passedOver) throws IOException {
        Path records = Files.createDirectories(folder.resolve("extensions"));
        Files.writeString(
                records.resolve(vm + ".json"),
                """
                {"vm": "%s", "type": "VMSnapshotLinux", "version": "1.2.3", "state": "enabled", "healthy": %s,
                 "checks": [{"name": "memory", "ok": false, "detail": "no /run"}],
                 "lastSeen": "2026-11-21T03:00:00Z", "vssPassedOver": %d}\
                """
                        .formatted(vm, isHealthy, passedOver));
    }

    @Test
    void whatIsKeptIsShownForPeopleAndForPrograms() throws IOException {
        assertThat(run("guest", "status").out()).contains("stillpoint guest install");
        keep("web", true, 0);
        keep("db", false, 2);

        Command.Result people = run("guest", "status");
        assertThat(people.status()).as(people.err()).isZero();
        String seen = Moment.text(Instant.parse("2026-11-21T03:00:00Z"));
        assertThat(people.out().lines().map(line -> line.replaceAll(" {2,}", "|")))
                .containsExactly(
                        "VM|EXTENSION|VERSION|STATE|HEALTH|LAST SEEN|WITHOUT VSS",
                        "db|VMSnapshotLinux|1.2.3|enabled|unhealthy|" + seen + "|2",
                        "web|VMSnapshotLinux|1.2.3|enabled|healthy|" + seen + "|0");
        JsonNode all = run("guest", "status", "--json").json().path("extensions");
        assertThat(all.size()).isEqualTo(2);
        assertThat(all.path(0).path("checks").path(0).path("detail").asString())
                .isEqualTo("no /run");
        JsonNode one = run("guest", "status", "--vm", "web", "--json").json().path("extensions");
        assertThat(one.size()).isEqualTo(1);
        assertThat(one.path(0).path("vm").asString()).isEqualTo("web");
    }

    @Test
    void aDamagedRecordIsToldWithItsFile() throws IOException {
        keep("web", true, 0);
        Path record = folder.resolve("extensions/web.json");
        Files.writeString(record, "{");
        Command.Result result = run("guest", "status", "--json");
        assertThat(result.status()).isEqualTo(ENVIRONMENT);
        JsonNode error = result.json().path("error");
        assertThat(error.path("code").asString()).isEqualTo("extension.record-unreadable");
        assertThat(error.path("message").asString()).contains(record.toString());
    }

    @Test
    void aGuestThatCantBeReachedIsToldAsSuch() {
        String socket = folder.resolve("no-such.sock").toString();
        for (String verb : new String[] {"status", "install", "uninstall", "test-scripts"}) {
            Command.Result result = run("guest", verb, "--vm", "web", "--agent", socket, "--json");
            assertThat(result.status()).as(verb).isEqualTo(ENVIRONMENT);
            assertThat(result.json().path("error").path("code").asString())
                    .isEqualTo("guest.unreachable");
        }
    }

    @Test
    void anInstallerThatIsNotMicrosoftsIsRefusedBeforeTheGuestIsAsked() throws IOException {
        Path installer = Files.writeString(folder.resolve("vcredist.exe"), "no installer");
        Command.Result result =
                run(
                        "guest",
                        "install",
                        "--vm",
                        "win",
                        "--agent",
                        folder.resolve("no-such.sock").toString(),
                        "--vcredist",
                        installer.toString(),
                        "--json");
        assertThat(result.status()).isEqualTo(INPUT);
        assertThat(result.json().path("error").path("code").asString())
                .isEqualTo("extension.prerequisite-hash");
        assertThat(folder.resolve("prerequisites")).doesNotExist();
    }

    @Test
    void whatIsMissingIsAMatterOfUsage() {
        for (String[] arguments :
                new String[][] {
                    {"guest", "install", "--vm", "web"},
                    {"guest", "uninstall", "--agent", "x"},
                    {"guest", "status", "--agent", "x"},
                    {"guest", "install", "--vm", "w", "--agent", "x", "--vcredist-sha256", "0"},
                    {"guest", "no-such-verb"},
                }) {
            Command.Result result = run(arguments);
            assertThat(result.status()).as(String.join(" ", arguments)).isEqualTo(USAGE);
            assertThat(result.err()).doesNotContain("\tat ");
        }
    }
}
