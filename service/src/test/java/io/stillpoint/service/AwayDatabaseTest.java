package io.stillpoint.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ConfigFile;
import io.stillpoint.service.config.ServiceConfig;
import io.stillpoint.service.control.ControlClient;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// A PostgreSQL that is stopped for ten minutes, while transfers run and others wait for their turn. By the service's clock:
/// it is moved, unless `-DawayMinutes=N` asks for real ones.
@Tag("qemu")
class AwayDatabaseTest {
    private static final Duration REAL = Duration.ofMinutes(Integer.getInteger("awayMinutes", 0));
    private static final Duration BRIEF = Duration.ofSeconds(8);
    private static final Duration LONG = Duration.ofMinutes(2);

    @TempDir Path folder;

    private final List<String> log = Collections.synchronizedList(new ArrayList<>());
    private volatile Duration leap = Duration.ZERO;
    private ControlClient client;

    @BeforeEach
    void makeVault() throws IOException {
        Files.createDirectories(folder.resolve("vms"));
        KeyFile key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        Vault.init(store("vault"), key, surroundings()).close();
        client = new ControlClient(folder.resolve("control.sock"));
    }

    private LocalStore store(String name) {
        return new LocalStore(folder.resolve(name));
    }

    private static Vault.Surroundings surroundings() {
        return new Vault.Surroundings(
                Randomness.secure(), InstantSource.system(), ProcessResources.ofThisProcess());
    }

    private ServiceConfig config(int port) throws IOException {
        return ConfigFile.read(
                Files.writeString(
                        folder.resolve("stillpoint.yaml"),
                        """
                        name: test
                        state: FOLDER/state
                        control: { socket: FOLDER/control.sock }
                        database: { url: 'jdbc:postgresql://localhost:PORT/postgres', user: postgres }
                        vaults:
                          main: { location: FOLDER/vault, key-file: FOLDER/key }
                          later: { location: FOLDER/later, key-file: FOLDER/key }
                        hosts:
                          here: { qemu: { monitors: ["FOLDER/vms/*/backup.qmp"] }, scratch: FOLDER/scratch, scratch-limit: 1G }
                        limits: { transfers: 2 }
                        """
                                .replace("FOLDER", folder.toString())
                                .replace("PORT", Integer.toString(port))));
    }

    private Service start(int port) throws IOException {
        Tools tools =
                new Tools(
                        ProcessResources.ofThisProcess(),
                        () -> InstantSource.system().instant().plus(leap),
                        Randomness.secure(),
                        Map.of(),
                        Optional.empty(),
                        line -> log.add(Instant.now() + " " + line),
                        "stillpoint test");
        return Service.start(config(port), tools);
    }

    /// A server whose data outlive it. On the port of an earlier one.
    private EmbeddedPostgres server(int port) throws IOException {
        EmbeddedPostgres.Builder builder =
                EmbeddedPostgres.builder()
                        .setDataDirectory(folder.resolve("data"))
                        .setCleanDataDirectory(false);
        return port == 0 ? builder.start() : builder.setPort(port).start();
    }

    private List<JsonNode> ask(String request) {
        return client.ask((ObjectNode) Json.parse(request.replace('\'', '"')));
    }

    private void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + LONG.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime() < deadline)
                    .as("%s%n%s", what, String.join("\n", log))
                    .isTrue();
            LockSupport.parkNanos(50_000_000);
        }
    }

    private long count(String state) {
        return ask("{'do': 'job list'}").stream()
                .filter(each -> each.path("state").asString().equals(state))
                .count();
    }

    private List<String> troubles() {
        return ask("{'do': 'status'}").getLast().path("troubles").values().stream()
                .map(JsonNode::asString)
                .toList();
    }

    @Test
    void tenMinutesWithoutTheDatabaseStopNoTransfer() throws Exception {
        List<String> names = List.of("a", "b", "c", "d");
        List<RealVm> vms = new ArrayList<>();
        EmbeddedPostgres server = server(0);
        int port = server.getPort();
        try {
            for (String name : names) {
                RealVm vm = RealVm.start(folder.resolve("vms").resolve(name), name);
                vms.add(vm);
                vm.write(0, 8 << 20, names.indexOf(name) + 1);
            }
            try (Service _ = start(port)) {
                await("found", () -> ask("{'do': 'vm list'}").size() == names.size());
                List<JsonNode> _ =
                        ask(
                                "{'do': 'policy apply', 'policies': [{'name': 'gold', 'vault': 'main', 'schedule':"
                                        + " {'zone': 'UTC', 'weekly': {'on': 'sunday', 'at': '02:00'}}, 'retention':"
                                        + " {'daily': 7}, 'select': {'names': '*'}, 'bandwidth': {'at-most': '1M'}}]}");
                names.forEach(name -> ask("{'do': 'backup', 'vm': '" + name + "'}"));
                await("two run, two wait", () -> count("running") == 2 && count("waiting") == 2);
                server.close();
                vms.forEach(vm -> vm.write(0, 8 << 20, 99));
                await("shown", () -> !troubles().isEmpty());
                // What an alert was about is over meanwhile.
                Vault.init(store("later"), KeyFile.read(folder.resolve("key")), surroundings())
                        .close();
                if (REAL.isZero()) {
                    LockSupport.parkNanos(BRIEF.toNanos());
                    leap = Duration.ofMinutes(10);
                } else {
                    Thread.sleep(REAL);
                }
                assertThat(troubles()).isNotEmpty();
                server = server(port);
                await(
                        "made",
                        () -> {
                            try {
                                return count("made") == names.size();
                            } catch (RuntimeException e) {
                                return false;
                            }
                        });
                await("well", () -> troubles().isEmpty());
                for (JsonNode each : ask("{'do': 'job list'}")) {
                    assertThat(each.path("attempts").asInt()).as("%s%n%s", each, log).isEqualTo(1);
                }
                EmbeddedPostgres now = server;
                await(
                        "the alert is over",
                        () ->
                                number(
                                                now,
                                                "select count(*) from alert where code = 'watch.vault-away'"
                                                        + " and closed_at is not null")
                                        == 1);
                assertThat(number(now, "select count(*) from alert where closed_at is null"))
                        .as("%s", ask("{'do': 'status'}"))
                        .isZero();
                assertThat(number(now, "select count(*) from scheduled_tasks where picked"))
                        .isZero();
            }
            for (RealVm vm : vms) {
                assertThat(vm.traces()).allMatch(each -> each.contains("sp-owner"));
                requireOnePoint(vm, names.indexOf(vm.name) + 1);
            }
        } finally {
            vms.forEach(RealVm::close);
            server.close();
        }
    }

    private static int number(EmbeddedPostgres server, String query) {
        try (Connection connection = server.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            return row.next() ? row.getInt(1) : -1;
        } catch (SQLException e) {
            throw new AssertionError(e);
        }
    }

    private void requireOnePoint(RealVm vm, int pattern) {
        try (Vault vault =
                Vault.open(store("vault"), KeyFile.read(folder.resolve("key")), surroundings())) {
            List<RecoveryPoint> points = vault.points(vm.name);
            assertThat(points).as("%s", log).hasSize(1);
            ReadBytes bytes = new ReadBytes(new byte[RealVm.DISK_BYTES]);
            vault.restore(
                    points.getFirst().disks().getFirst().image(),
                    bytes,
                    new Cancellation(),
                    _ -> {});
            for (int i = 0; i < 8 << 20; i += 4096) {
                assertThat(bytes.content()[i]).isEqualTo((byte) pattern);
            }
        }
    }
}
