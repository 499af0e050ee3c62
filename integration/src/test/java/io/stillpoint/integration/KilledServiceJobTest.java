package io.stillpoint.integration;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.cli.Stillpoint;
import io.stillpoint.integration.BreakableProcess.Call;
import io.stillpoint.integration.BreakableProcess.End;
import io.stillpoint.integration.BreakableProcess.Place;
import io.stillpoint.integration.BreakableProcess.Plan;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.service.control.ControlClient;
import io.stillpoint.service.control.ControlException;
import io.stillpoint.testkit.LiveWriters;
import io.stillpoint.testkit.RealParts;
import io.stillpoint.testkit.TestDisks;
import io.stillpoint.testkit.TestVm;
import io.stillpoint.vault.copy.VaultCopy;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.store.ObjectName.Area;
import io.stillpoint.vault.verify.Verification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// `stillpoint serve` ends by kill -9 before and after each record of a job's journal, at each other change of the job in the
/// database, and anywhere between; the guest writes all the time. The next process goes on: each job makes one point, of one
/// instant, and leaves nothing.
@Tag("qemu")
final class KilledServiceJobTest {
    /// How many jobs; any number with -Dkills. From [#BOUNDARIES] on they end at places of a seed's choice.
    private static final int KILLS = Integer.getInteger("kills", 0);

    private static final long SEED = VaultScript.seed(1);
    private static final int DISK_BYTES = 16 << 20;
    private static final Duration LONG = Duration.ofMinutes(2);

    /// Everything is read then.
    private static final int VERIFY_EVERY = 25;

    private static final String JOBS = "io.stillpoint.service.database.Jobs";
    private static final Place RECORD = new Place(JOBS, "record");
    private static final Place BEGIN = new Place(JOBS, "begin");
    private static final Place END = new Place(JOBS, "end");
    private static final Place POINT = new Place("io.stillpoint.service.database.Points", "add");

    /// Between the records: what is said to the database, QEMU, the guest and the vault's store.
    private static final List<Place> INSIDE =
            List.of(
                    new Place("io.stillpoint.service.database.Database", "write"),
                    new Place("io.stillpoint.hypervisor.qemu.QmpClient", "execute"),
                    new Place("io.stillpoint.guest.AgentSession", "ask"),
                    new Place("io.stillpoint.vault.store.LocalUpload", "commit"),
                    new Place("io.stillpoint.vault.store.LocalStore", "delete"));

    private static final List<Boundary> BOUNDARIES =
            Stream.of(
                            Stream.of(
                                    new Boundary(BEGIN, "", false), new Boundary(BEGIN, "", true)),
                            Stream.of(
                                            "begun",
                                            "preparing",
                                            "held",
                                            "storing",
                                            "sealed",
                                            "committed",
                                            "finished")
                                    .flatMap(state ->
                                            Stream.of(
                                                    new Boundary(RECORD, state, false),
                                                    new Boundary(RECORD, state, true))),
                            Stream.of(
                                    new Boundary(POINT, "", false),
                                    new Boundary(POINT, "", true),
                                    new Boundary(END, "", false),
                                    new Boundary(END, "", true)))
                    .flatMap(each -> each)
                    .toList();

    /// Some of them, where there is no time for more.
    private static final List<Boundary> SAMPLE =
            List.of(
                    new Boundary(RECORD, "held", true),
                    new Boundary(RECORD, "sealed", true),
                    new Boundary(RECORD, "finished", false));

    @TempDir private Path folder;

    private final Random random = new Random(SEED);

    @BeforeAll
    static void needQemu() {
        RealParts.assumeQemu();
    }

    /// @param state the journal's, if it is a record
    private record Boundary(Place place, String state, boolean isAfter) {
        boolean is(Call call) {
            return call.place().equals(place)
                    && (state.isEmpty()
                            || call.texts().stream()
                                    .skip(1)
                                    .anyMatch(text ->
                                            Json.parse(text)
                                                    .path("state")
                                                    .asString("")
                                                    .equals(state)));
        }
    }

    /// A boundary, or the n-th call of a place of the seed's choice. A job that makes fewer ends with its row.
    private Plan plan(int number) {
        List<Boundary> sure = KILLS == 0 ? SAMPLE : BOUNDARIES;
        if (number < sure.size()) {
            Boundary boundary = sure.get(number);
            return call ->
                    boundary.is(call)
                            ? Optional.of(new End(boundary.isAfter(), Duration.ZERO))
                            : Optional.empty();
        }
        Place place = INSIDE.get(random.nextInt(INSIDE.size()));
        int count = random.nextInt(place.method().equals("execute") ? 60 : 12) + 1;
        End end =
                new End(
                        random.nextBoolean(),
                        Duration.ofMillis(random.nextBoolean() ? 0 : random.nextInt(60)));
        int[] calls = new int[1];
        return call -> {
            boolean isIt = call.place().equals(place) && ++calls[0] == count;
            return isIt || call.place().equals(END)
                    ? Optional.of(isIt ? end : new End(true, Duration.ZERO))
                    : Optional.empty();
        };
    }

    @Test
    void eachJobMakesOnePointWhereverItsProcessEnds() throws Exception {
        int kills = KILLS == 0 ? SAMPLE.size() : KILLS;
        TestDisks disks = new TestDisks(folder);
        try (TestVault vault = new TestVault(folder);
                TestVm guest =
                        TestVm.start(
                                disks.qcow2Ext4("files", ByteSize.parse("64M")),
                                disks.raw("plain", new ByteSize(DISK_BYTES)));
                LiveWriters writers = new LiveWriters(guest).randomBlocks("/data/files", 8);
                WrittenDisk plain =
                        new WrittenDisk(guest.spareQmpSocket(), "plain-dev", DISK_BYTES, SEED);
                Server server = new Server(guest)) {
            List<JsonNode> _ = server.ask(POLICY);
            World world = new World(vault, plain, writers);
            for (int i = 0; i < kills; i++) {
                world.job(i, server);
                if (i == kills - 1 || i % VERIFY_EVERY == VERIFY_EVERY - 1) {
                    requireStoredOnce(vault);
                }
            }
        }
    }

    /// What jobs run on, and what is known of it.
    private final class World {
        private final TestVault vault;
        private final WrittenDisk plain;
        private final LiveWriters writers;
        private int newest;

        /// Sessions that nobody knew to be over, or that had made their point.
        private int sessions;

        World(TestVault vault, WrittenDisk plain, LiveWriters writers) {
            this.vault = vault;
            this.plain = plain;
            this.writers = writers;
        }

        void job(int number, Server server) throws Exception {
            int from = plain.done();
            int to = Integer.MAX_VALUE;
            server.process.plan(plan(number));
            String job = server.backUp();
            String ends = "";
            // Every third one ends twice, unless it was over.
            boolean isAgain = KILLS > 0 && number % 3 == 2;
            while (true) {
                String end = server.process.awaitEnd(LONG);
                String left = server.left(job);
                ends += "%s, journal: %s; ".formatted(end.lines().findFirst().orElse(""), left);
                if (List.of("nothing", "begun", "preparing").contains(left)) {
                    // What it held counts no more: the next process begins anew.
                    from = plain.done();
                } else {
                    to = Math.min(to, plain.begun());
                }
                if (List.of("held", "sealed", "committed").contains(left)) {
                    sessions++;
                }
                server.restart();
                if (!isAgain || left.equals("finished")) {
                    break;
                }
                isAgain = false;
                server.process.plan(plan(Integer.MAX_VALUE));
            }
            String what = "seed %d, job %d: %s".formatted(SEED, number, ends);
            System.err.println(what);
            String made = server.end(job, what);
            RecoveryPoint point = requirePoint(number, made, what);
            newest =
                    plain.instantOf(
                            vault.restored(point.disk("plain").orElseThrow()),
                            Math.max(from, newest),
                            Math.min(to, plain.begun()));
            requireNothingLeft(server, point, what);
        }

        private RecoveryPoint requirePoint(int number, String made, String what) {
            List<RecoveryPoint> points = vault.vault().points();
            assertThat(points).as(what).hasSize(number + 1);
            RecoveryPoint point = points.getLast();
            assertThat(point.id()).as(what).hasToString(made);
            assertThat(point.consistency())
                    .as(what)
                    .isGreaterThanOrEqualTo(Consistency.FILE_SYSTEM);
            assertThat(point.disks())
                    .as(what)
                    .extracting(PointDisk::method)
                    .containsOnly(
                            number == 0 ? PointDisk.Method.FULL : PointDisk.Method.INCREMENTAL);
            return point;
        }

        private void requireNothingLeft(Server server, RecoveryPoint point, String what)
                throws Exception {
            assertThat(plain.isAlive()).as(what).isTrue();
            assertThat(plain.ask("query-status").path("status").asString())
                    .as(what)
                    .isEqualTo("running");
            writers.awaitRounds(1);
            assertThat(writers.complaints()).as(what).isEmpty();
            List<String> bitmaps = new ArrayList<>();
            for (JsonNode node : plain.ask("query-named-block-nodes")) {
                assertThat(node.path("node-name").asString(""))
                        .as(what)
                        .matches("(?!sp-)(?s:.*)|sp-owner.*");
                node.path("dirty-bitmaps")
                        .forEach(each -> bitmaps.add(each.path("name").asString("")));
            }
            List<String> wanted = new ArrayList<>();
            for (PointDisk disk : point.disks()) {
                String generation = disk.generation().orElseThrow();
                wanted.add(generation);
                wanted.add(generation + "-w");
            }
            assertThat(bitmaps.stream().map(each -> each.replaceFirst("sp-[0-9a-f]{8}-", "")))
                    .as(what)
                    .containsExactlyInAnyOrderElementsOf(wanted);
            assertThat(plain.ask("query-block-exports")).as(what).isEmpty();
            try (Stream<Path> files = Files.list(folder.resolve("scratch"))) {
                assertThat(files.map(Path::getFileName).map(Path::toString))
                        .as(what)
                        .noneMatch(name -> name.endsWith(".qcow2"));
            }
            List<String> left = new ArrayList<>();
            try (LocalStore store = new LocalStore(folder.resolve("vault"))) {
                store.list(Area.SESSIONS, listed -> left.add(listed.name().toString()));
            }
            assertThat(left).as(what).hasSizeLessThanOrEqualTo(sessions);
            server.requireIdle(number(point), what);
        }

        private int number(RecoveryPoint point) {
            return Math.toIntExact(point.lineage().ordinal());
        }
    }

    /// A copy has what the points need, once. So has the vault: what a process had stored that was killed, the next one used.
    private void requireStoredOnce(TestVault vault) throws IOException {
        Verification all = vault.verify();
        assertThat(all.problems()).isEmpty();
        Path place = Files.createTempDirectory(folder, "copy");
        try (TestVault copy = new TestVault(place)) {
            VaultCopy copying =
                    vault.vault()
                            .copyTo(
                                    copy.vault(),
                                    Optional.empty(),
                                    new Cancellation(),
                                    (_, _) -> {});
            copying.missing().forEach(copying::copy);
            assertThat(all.items()).isEqualTo(copy.verify().items());
        }
    }

    private static final String POLICY =
            "{'do': 'policy apply', 'policies': [{'name': 'gold', 'vault': 'main', 'schedule': {'zone': 'UTC',"
                    + " 'weekly': {'on': 'sunday', 'at': '02:00'}}, 'retention': {'daily': 7}, 'select': {'names': '*'}}]}";

    /// `stillpoint serve`, again and again.
    private final class Server implements AutoCloseable {
        private final Path config;
        private final Path log;
        private final ControlClient client;
        private BreakableProcess process;

        Server(TestVm guest) throws IOException {
            client = new ControlClient(folder.resolve("control.sock"));
            log = folder.resolve("log");
            config =
                    Files.writeString(
                            folder.resolve("stillpoint.yaml"),
                            """
                            name: test
                            state: FOLDER/state
                            control: { socket: FOLDER/control.sock }
                            vaults:
                              main: { location: FOLDER/vault, key-file: FOLDER/key }
                            hosts:
                              here:
                                qemu: { monitors: ["MONITOR"], agent: AGENT }
                                scratch: FOLDER/scratch
                                scratch-limit: 1G
                            """
                                    .replace("FOLDER", folder.toString())
                                    .replace("MONITOR", guest.qmpSocket().toString())
                                    .replace("AGENT", guest.agentSocket().toString()));
            process = begin();
            while (ask("{'do': 'vm list'}").isEmpty()) {
                Command.pause(Duration.ofMillis(50));
            }
        }

        private BreakableProcess begin() throws IOException {
            List<Place> places = new ArrayList<>(INSIDE);
            places.addAll(List.of(RECORD, BEGIN, END, POINT));
            return new BreakableProcess(
                    List.of(
                            "-Xmx256m",
                            "-XX:+UseSerialGC",
                            "-XX:TieredStopAtLevel=1",
                            "--enable-native-access=ALL-UNNAMED",
                            "-cp",
                            System.getProperty(
                                    "surefire.test.class.path",
                                    System.getProperty("java.class.path")),
                            Stillpoint.class.getName(),
                            "serve",
                            "--config",
                            config.toString()),
                    log,
                    places);
        }

        void restart() throws IOException {
            process.close();
            process = begin();
        }

        /// Asks until somebody answers.
        List<JsonNode> ask(String request) {
            long deadline = System.nanoTime() + LONG.toNanos();
            while (true) {
                try {
                    return client.ask((ObjectNode) Json.parse(request.replace('\'', '"')));
                } catch (ControlException e) {
                    if (e.kind() != ControlException.Kind.AWAY || System.nanoTime() > deadline) {
                        throw e;
                    }
                    Command.pause(Duration.ofMillis(50));
                }
            }
        }

        String backUp() {
            return ask("{'do': 'backup', 'vm': 'test'}").getFirst().path("job").asString();
        }

        /// The point that a job makes.
        String end(String job, String what) throws IOException {
            JsonNode last =
                    ask("{'do': 'job watch', 'job': '" + job + "'}").stream()
                            .filter(each -> each.has("state"))
                            .toList()
                            .getLast();
            assertThat(last.path("state").asString())
                    .as("%s: %s%n%s", what, last, Files.readString(log))
                    .isEqualTo("made");
            return last.path("point").asString();
        }

        /// The state in the journal of a job.
        String left(String job) throws SQLException {
            return text("select record from job where id = '" + job + "'")
                    .map(record -> Json.parse(record).path("state").asString())
                    .orElse("nothing");
        }

        /// There are so many jobs, all of which have made their points, and nobody has taken one up.
        void requireIdle(int jobs, String what) throws SQLException {
            assertThat(text("select count(*) from job")).as(what).contains(jobs + "");
            assertThat(text("select count(distinct point) from job where state = 'made'"))
                    .as(what)
                    .contains(jobs + "");
            assertThat(text("select count(*) from point")).as(what).contains(jobs + "");
            long deadline = System.nanoTime() + LONG.toNanos();
            while (!text("select count(*) from scheduled_tasks where picked")
                    .equals(Optional.of("0"))) {
                assertThat(System.nanoTime()).as(what).isLessThan(deadline);
                Command.pause(Duration.ofMillis(20));
            }
        }

        private Optional<String> text(String query) throws SQLException {
            try (Connection connection =
                            DriverManager.getConnection(
                                    "jdbc:sqlite:" + folder.resolve("state/stillpoint.db"));
                    Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(query)) {
                return row.next() ? Optional.ofNullable(row.getString(1)) : Optional.empty();
            }
        }

        @Override
        public void close() {
            process.close();
        }
    }
}
