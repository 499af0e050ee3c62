package io.stillpoint.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.service.control.ControlClient;
import io.stillpoint.service.control.ControlException;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Processes of the service end by kill -9 at moments of a seed's choice; others go on with their jobs.
@Tag("qemu")
class KilledServiceTest {
    /// How many kills of one server; any number with -Dkills. Three servers lose one for each twenty of these.
    private static final int KILLS = Integer.getInteger("kills", 6);

    private static final long SEED = Long.getLong("stillpoint.seed", 1);
    private static final int MIB = 1 << 20;

    @TempDir Path folder;

    private final Random random = new Random(SEED);

    @BeforeEach
    void makeVault() {
        KeyFile key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        Vault.init(store(), key, surroundings()).close();
    }

    private LocalStore store() {
        return new LocalStore(folder.resolve("vault"));
    }

    private static Vault.Surroundings surroundings() {
        return new Vault.Surroundings(
                Randomness.secure(), InstantSource.system(), ProcessResources.ofThisProcess());
    }

    /// A server in a process, by its name.
    private final class Server implements AutoCloseable {
        private final Path config;
        private final Path log;
        private final ControlClient client;
        private Process process;

        Server(String name, String database) throws IOException {
            Path socket = folder.resolve(name + ".sock");
            log = folder.resolve(name + ".log");
            client = new ControlClient(socket);
            config =
                    Files.writeString(
                            folder.resolve(name + ".yaml"),
                            """
                            name: NAME
                            state: FOLDER/state-NAME
                            control: { socket: FOLDER/NAME.sock }
                            vaults:
                              main: { location: FOLDER/vault, key-file: FOLDER/key }
                            hosts:
                              here: { qemu: { monitors: ["FOLDER/vms/*/backup.qmp"] }, scratch: FOLDER/scratch, scratch-limit: 1G }
                            """
                                            .replace("FOLDER", folder.toString())
                                            .replace("NAME", name)
                                    + database);
            process = begin();
        }

        private Process begin() throws IOException {
            String path =
                    System.getProperty(
                            "surefire.test.class.path", System.getProperty("java.class.path"));
            return new ProcessBuilder(
                            ProcessHandle.current().info().command().orElse("java"),
                            "-Xmx256m",
                            "-XX:+UseSerialGC",
                            "--enable-native-access=ALL-UNNAMED",
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            path,
                            ServiceToKill.class.getName(),
                            config.toString())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.appendTo(new File(log.toString())))
                    .start();
        }

        void kill() {
            try {
                int _ = process.destroyForcibly().waitFor();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }

        void restart() throws IOException {
            process = begin();
        }

        /// Asks until somebody answers.
        List<JsonNode> ask(String request) {
            long deadline = System.nanoTime() + Duration.ofSeconds(100).toNanos();
            while (true) {
                try {
                    return client.ask((ObjectNode) Json.parse(request.replace('\'', '"')));
                } catch (ControlException e) {
                    if (e.kind() != ControlException.Kind.AWAY || System.nanoTime() > deadline) {
                        throw e;
                    }
                    LockSupport.parkNanos(50_000_000);
                }
            }
        }

        void knows(int vms) {
            while (ask("{'do': 'vm list'}").size() < vms) {
                LockSupport.parkNanos(50_000_000);
            }
        }

        String backUp(String vm) {
            return ask("{'do': 'backup', 'vm': '" + vm + "'}").getFirst().path("job").asString();
        }

        String end(String job) throws IOException {
            JsonNode last =
                    ask("{'do': 'job watch', 'job': '" + job + "'}").stream()
                            .filter(each -> each.has("state"))
                            .toList()
                            .getLast();
            assertThat(last.path("state").asString())
                    .as("seed %d, job %s%n%s", SEED, last, Files.readString(log))
                    .isEqualTo("made");
            return last.path("point").asString();
        }

        @Override
        public void close() {
            kill();
        }
    }

    private static final String POLICY =
            "{'do': 'policy apply', 'policies': [{'name': 'gold', 'vault': 'main', 'schedule': {'zone': 'UTC',"
                    + " 'weekly': {'on': 'sunday', 'at': '02:00'}}, 'retention': {'daily': 7}, 'select': {'names': '*'}}]}";

    private List<RecoveryPoint> points(String vm) {
        try (Vault vault =
                Vault.open(store(), KeyFile.read(folder.resolve("key")), surroundings())) {
            return vault.points(vm);
        }
    }

    private byte[] restored(String vm) {
        ReadBytes bytes = new ReadBytes(new byte[RealVm.DISK_BYTES]);
        try (Vault vault =
                Vault.open(store(), KeyFile.read(folder.resolve("key")), surroundings())) {
            RecoveryPoint newest =
                    vault.points(vm).stream()
                            .max(Comparator.comparingLong(each -> each.lineage().ordinal()))
                            .orElseThrow();
            vault.restore(newest.disks().getFirst().image(), bytes, new Cancellation(), _ -> {});
        }
        return bytes.content();
    }

    /// Also as the guest would read it: the disk's file is QEMU's, which has written all of it.
    private void requireWhole(RealVm vm, int points) throws IOException {
        assertThat(points(vm.name)).as("seed %d", SEED).hasSize(points);
        assertThat(restored(vm.name)).as("seed %d", SEED).isEqualTo(Files.readAllBytes(vm.disk()));
    }

    @Test
    void serverThatIsKilledIsGoneOnWithByTheNext() throws IOException {
        try (RealVm web = RealVm.start(folder.resolve("vms/web"), "web");
                Server server = new Server("a", "")) {
            server.knows(1);
            List<JsonNode> _ = server.ask(POLICY);
            for (int i = 1; i <= KILLS; i++) {
                web.write((long) random.nextInt(12) * MIB, 4 * MIB, i % 255 + 1);
                String job = server.backUp("web");
                LockSupport.parkNanos(random.nextInt(400) * 1_000_000L);
                server.kill();
                server.restart();
                String _ = server.end(job);
                requireWhole(web, i);
                assertThat(server.ask("{'do': 'job list', 'count': 10000}")).hasSize(i);
            }
            assertThat(web.traces()).allMatch(each -> each.contains("sp-owner"));
        }
    }

    @Test
    void serverThatIsKilledForGoodIsReplacedByAnother() throws IOException {
        try (EmbeddedPostgres database = EmbeddedPostgres.builder().start();
                RealVm web = RealVm.start(folder.resolve("vms/web"), "web");
                RealVm db = RealVm.start(folder.resolve("vms/db"), "db")) {
            String place =
                    "database: { url: 'jdbc:postgresql://localhost:"
                            + database.getPort()
                            + "/postgres', user: postgres }\n";
            List<Server> servers = new ArrayList<>();
            try {
                for (String name : List.of("a", "b", "c")) {
                    servers.add(new Server(name, place));
                }
                servers.getFirst().knows(2);
                List<JsonNode> _ = servers.getFirst().ask(POLICY);
                for (int i = 1; i <= Math.max(1, KILLS / 20); i++) {
                    web.write((long) random.nextInt(12) * MIB, 4 * MIB, i);
                    db.write((long) random.nextInt(12) * MIB, 4 * MIB, i);
                    Server asked = servers.get(random.nextInt(3));
                    List<String> jobs = List.of(asked.backUp("web"), asked.backUp("db"));
                    LockSupport.parkNanos(random.nextInt(1500) * 1_000_000L);
                    Server killed = servers.get(random.nextInt(3));
                    killed.kill();
                    Server other = servers.get((servers.indexOf(killed) + 1) % 3);
                    for (String job : jobs) {
                        String _ = other.end(job);
                    }
                    requireWhole(web, i);
                    requireWhole(db, i);
                    killed.restart();
                }
                assertThat(web.traces()).allMatch(each -> each.contains("sp-owner"));
                assertThat(db.traces()).allMatch(each -> each.contains("sp-owner"));
            } finally {
                servers.forEach(Server::close);
            }
        }
    }
}
