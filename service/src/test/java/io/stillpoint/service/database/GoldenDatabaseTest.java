package io.stillpoint.service.database;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.engine.BackupRecord;
import io.stillpoint.engine.JobRecord;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.policy.PolicyText;
import io.stillpoint.planning.policy.Quality;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Json;
import io.stillpoint.vault.store.ObjectId;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What each released version has left in its database is opened, brought to the tables of this version, and read without loss,
/// for ever. `GoldenDatabaseMaker` made it, with the program of that version.
class GoldenDatabaseTest {
    private static final VmKey WEB =
            new VmKey("here", new VmId("0cdedcd1-06af-372a-86c6-3601fe63ab08"));

    private static final String FIRST = "64f567703e62670b5859c2d8c220cbff";

    /// Journals from which a job is gone on with, and those of them that name a snapshot.
    private static final List<String> UNFINISHED =
            List.of("begun", "preparing", "held", "storing", "sealed", "committed", "finished");

    @TempDir Path folder;

    @Test
    void sqliteOfVersion1IsReadWithoutLoss() throws Exception {
        Path file = GoldenDatabase.sqlite(folder.resolve("stillpoint.db"));
        try (Database database = Database.open(new Database.Place.Embedded(file))) {
            requireAll(database);
        }
    }

    @Test
    void postgresOfVersion1IsReadWithoutLoss() throws Exception {
        try (EmbeddedPostgres server = EmbeddedPostgres.builder().start()) {
            Flyway.configure()
                    .dataSource(server.getPostgresDatabase())
                    .locations("classpath:io/stillpoint/service/database/schema")
                    .placeholders(
                            Map.of(
                                    "blob", "bytea",
                                    "instant", "timestamp with time zone",
                                    "truth", "boolean"))
                    .target("1")
                    .load()
                    .migrate();
            try (Connection connection = server.getPostgresDatabase().getConnection()) {
                GoldenDatabase.run(connection, "rows.sql");
            }
            String url = "jdbc:postgresql://localhost:" + server.getPort() + "/postgres";
            try (Database database =
                    Database.open(new Database.Place.Server(url, "postgres", ""))) {
                requireAll(database);
            }
        }
    }

    private static void requireAll(Database database) {
        requirePolicies(new Policies(database));
        requireMachine(new Machines(database));
        requireJobs(new Jobs(database));
        requireJournals(new Jobs(database));
        requirePoints(new Points(database));
        requireCareAndAlerts(database);
    }

    private static void requirePolicies(Policies policies) {
        assertThat(policies.all())
                .extracting(Policies.Kept::name)
                .containsExactly("bronze", "gold", "nothing");
        for (Policies.Kept each : policies.all()) {
            Policy policy = PolicyText.read(Json.parse(each.body()), each.name());
            assertThat(PolicyText.written(policy)).isEqualTo(Json.parse(each.body()));
        }
        Policy gold =
                PolicyText.read(Json.parse(policies.find("gold").orElseThrow().body()), "gold");
        assertThat(gold.quality().vss()).isEqualTo(Quality.Vss.AGENT);
        assertThat(gold.quality().freezeMax()).isEqualTo(Duration.ofSeconds(30));
        assertThat(gold.disks().removable()).isTrue();
    }

    private static void requireMachine(Machines machines) {
        Machine web = machines.find(WEB).orElseThrow();
        assertThat(machines.all()).containsExactly(web);
        assertThat(web.name()).isEqualTo("web");
        assertThat(web.power()).isEqualTo("running");
        assertThat(web.tags()).isEqualTo(Map.of("owner", "x", "tier", "bronze"));
        assertThat(web.protection().policy()).contains("gold");
        assertThat(web.protection().byHand()).isTrue();
        assertThat(web.protection().pointName()).contains("web");
        assertThat(web.protection().vault()).contains("main");
        assertThat(web.protection().since()).isPresent();
    }

    private static void requireJobs(Jobs jobs) {
        List<Job> all = jobs.newest(Optional.of(WEB), 99);
        assertThat(all)
                .extracting(Job::state)
                .containsExactlyInAnyOrder(
                        JobState.FAILED,
                        JobState.MADE,
                        JobState.MADE,
                        JobState.RUNNING,
                        JobState.RUNNING,
                        JobState.RETRYING,
                        JobState.WAITING,
                        JobState.RUNNING,
                        JobState.RUNNING,
                        JobState.RUNNING);
        Job failed =
                all.stream()
                        .filter(each -> each.state() == JobState.FAILED)
                        .findFirst()
                        .orElseThrow();
        assertThat(failed.course().code()).contains("vm.all-left-out");
        assertThat(failed.policy()).contains("nothing");
        assertThat(JobRecord.of(Json.parse(failed.course().record().orElseThrow())))
                .isInstanceOf(BackupRecord.Failed.class);
        Job asked =
                all.stream()
                        .filter(each -> each.order().reason().equals("before the upgrade"))
                        .findFirst()
                        .orElseThrow();
        assertThat(asked.cause()).isEqualTo(Cause.DEMAND);
        assertThat(asked.deadline()).isEqualTo(asked.due().plus(Duration.ofHours(24)));
        assertThat(asked.order().keepUntil()).isPresent();
        assertThat(asked.course().point()).isPresent();
        assertThat(jobs.events(asked.id(), 0))
                .hasSize(9)
                .last()
                .satisfies(last -> {
                    assertThat(last.kind()).isEqualTo("state");
                    assertThat(last.code()).isEqualTo("made");
                });
        List<Jobs.Measured> measured = jobs.measured(WEB, 9);
        assertThat(measured).hasSize(2);
        assertThat(measured.getLast().read()).isEqualTo(new ByteSize(1_114_112));
        assertThat(measured.getLast().stored()).isEqualTo(new ByteSize(65_536));
        assertThat(measured.getLast().transferred()).isPresent();
        assertThat(measured.getLast().held()).isPresent();
    }

    /// A job that is not gone on with loses its snapshot, or its point.
    private static void requireJournals(Jobs jobs) {
        assertThat(jobs.unfinished())
                .extracting(Job::id)
                .containsExactlyInAnyOrderElementsOf(
                        UNFINISHED.stream().map(each -> "at-" + each).toList());
        String snapshot = jobs.snapshots("here").getFirst();
        assertThat(jobs.snapshots("here")).hasSize(5).containsOnly(snapshot);
        for (String state : UNFINISHED) {
            String text =
                    jobs.find("at-" + state).flatMap(each -> each.course().record()).orElseThrow();
            JobRecord record = JobRecord.of(Json.parse(text));
            assertThat(record.state()).isEqualTo(state);
            assertThat(record.json()).as("nothing of it is lost").hasToString(text);
            boolean isHeld = !List.of("begun", "finished").contains(state);
            assertThat(record.snapshot().map(SnapshotName::toString))
                    .isEqualTo(isHeld ? Optional.of(snapshot) : Optional.empty());
            switch ((BackupRecord) record) {
                case BackupRecord.Begun begun -> {
                    assertThat(begun.vm()).contains(WEB.id());
                    assertThat(begun.name()).isEqualTo("web");
                    assertThat(begun.base()).contains(ObjectId.parse(FIRST));
                }
                case BackupRecord.Preparing preparing ->
                        assertThat(preparing.begun().identity().path("hostName").asString())
                                .isEqualTo("host1");
                case BackupRecord.Held held -> {
                    assertThat(held.descriptor().provider()).isEqualTo("qemu");
                    assertThat(held.descriptor().disks().getFirst().name()).isEqualTo("root");
                    assertThat(held.report().consistencyReason())
                            .isEqualTo("guest.no-agent-socket");
                }
                case BackupRecord.Storing storing ->
                        assertThat(storing.session().base()).contains(ObjectId.parse(FIRST));
                case BackupRecord.Sealed sealed ->
                        assertThat(sealed.point().id())
                                .isEqualTo(sealed.storing().session().point());
                case BackupRecord.Committed committed ->
                        assertThat(committed.point())
                                .isEqualTo(committed.storing().session().point());
                case BackupRecord.Finished finished -> assertThat(finished.unfinished()).isEmpty();
                case BackupRecord.Failed failed -> throw new AssertionError(failed);
            }
        }
    }

    private static void requirePoints(Points points) {
        List<Points.Point> web = points.of("main", "web");
        assertThat(web).extracting(Points.Point::ordinal).containsExactly(1L, 2L);
        assertThat(web.getFirst().id()).isEqualTo(FIRST);
        assertThat(web.getFirst().pin()).contains("the audit");
        assertThat(web.getFirst().machine()).isEqualTo(WEB.id().text());
        assertThat(web.getFirst().size()).isEqualTo(ByteSize.parse("16M"));
        assertThat(web.getFirst().consistency()).isEqualTo("crash");
        assertThat(web.getLast().keepUntil()).isPresent();
        assertThat(web.getLast().cause()).isEqualTo(Cause.DEMAND);
    }

    private static void requireCareAndAlerts(Database database) {
        Instant at = Instant.parse("2026-11-27T16:00:00.123Z");
        assertThat(new Cares(database).all())
                .containsExactlyInAnyOrder(
                        new Cares.Care(
                                "main", "forget", at, Optional.empty(), "Nothing to forget."),
                        new Cares.Care(
                                "main", "prune", at, Optional.of("vault.damaged"), "It failed."));
        assertThat(new Alerts(database, "golden").since(at))
                .containsExactlyInAnyOrder(
                        new Alerts.Kept(
                                new Alerts.Alert(WEB.toString(), "watch.late", "Late."),
                                at,
                                Optional.of(at.plusSeconds(60))),
                        new Alerts.Kept(
                                new Alerts.Alert("main", "watch.vault-away", "Away."),
                                at,
                                Optional.empty()));
    }
}
