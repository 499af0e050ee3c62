package io.stillpoint.service.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.task.helper.OneTimeTask;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.ByteSize;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What each database must do, whichever it is.
abstract class DatabaseContract {
    private static final Instant NOW = Instant.parse("2026-11-27T16:00:00.123Z");
    private static final VmKey WEB = new VmKey("here", new VmId("web-1"));
    private static final VmKey OTHER = new VmKey("there", new VmId("web-1"));

    Database database;

    /// A place with nothing in it.
    abstract Database.Place place() throws Exception;

    private Database.Place place;

    @BeforeEach
    void open() throws Exception {
        place = place();
        database = Database.open(place);
    }

    @AfterEach
    void close() {
        database.close();
    }

    private static Job job(String id, VmKey vm, Cause cause, Instant due) {
        return new Job(
                id,
                vm,
                "main",
                Optional.of("gold"),
                cause,
                due,
                due.plus(Duration.ofHours(24)),
                Job.Order.NONE,
                Job.Course.queued(NOW));
    }

    @Test
    void jobIsReadAsItWasWritten() {
        Jobs jobs = new Jobs(database);
        Job job =
                new Job(
                        "j1",
                        WEB,
                        "main",
                        Optional.empty(),
                        Cause.DEMAND,
                        NOW,
                        NOW.plusSeconds(86_400),
                        new Job.Order(Optional.of(NOW.plusSeconds(9)), "before the “upgrade” 'x'"),
                        Job.Course.queued(NOW));
        jobs.add(job);
        assertThat(jobs.find("j1")).contains(job);
        assertThat(jobs.find("j2")).isEmpty();
    }

    @Test
    void courseOfAJobIsKept() {
        Jobs jobs = new Jobs(database);
        jobs.add(job("j1", WEB, Cause.SCHEDULE, NOW));
        jobs.begin("j1", NOW.plusSeconds(1));
        jobs.record("j1", "{\"state\":\"held\"}", Optional.of("0a1b2c3d-0011223344556677"));
        jobs.state("j1", JobState.WAITING);
        assertThat(jobs.snapshots("here")).containsExactly("0a1b2c3d-0011223344556677");
        assertThat(jobs.snapshots("there")).isEmpty();
        Job waiting = jobs.find("j1").orElseThrow();
        assertThat(waiting.state()).isEqualTo(JobState.WAITING);
        assertThat(waiting.course().record()).contains("{\"state\":\"held\"}");
        assertThat(waiting.course().startedAt()).contains(NOW.plusSeconds(1));

        jobs.end(
                "j1",
                Jobs.Ending.without(JobState.FAILED, NOW.plusSeconds(2), "a.code", "It failed.")
                        .retryingAt(NOW.plusSeconds(60)));
        jobs.begin("j1", NOW.plusSeconds(60));
        assertThat(jobs.find("j1").orElseThrow().course().attempts()).isEqualTo(2);
        assertThat(jobs.find("j1").orElseThrow().course().startedAt()).contains(NOW.plusSeconds(1));

        jobs.end("j1", Jobs.Ending.made(NOW.plusSeconds(90), "cafe"));
        Job made = jobs.find("j1").orElseThrow();
        assertThat(made.state()).isEqualTo(JobState.MADE);
        assertThat(made.course().point()).contains("cafe");
        assertThat(made.course().endedAt()).contains(NOW.plusSeconds(90));
        assertThat(made.course().code()).isEmpty();
        assertThat(jobs.snapshots("here")).isEmpty();
        assertThat(jobs.askCancel("j1")).isFalse();
    }

    @Test
    void whatHasBegunComesBeforeWhatHasNot() {
        Jobs jobs = new Jobs(database);
        jobs.add(job("j1", WEB, Cause.SCHEDULE, NOW));
        jobs.add(job("j2", WEB, Cause.DEMAND, NOW.plusSeconds(5)));
        jobs.add(job("j3", OTHER, Cause.SCHEDULE, NOW.minusSeconds(5)));
        assertThat(jobs.unfinished(WEB)).map(Job::id).contains("j1");
        jobs.begin("j2", NOW);
        assertThat(jobs.unfinished(WEB)).map(Job::id).contains("j2");
        assertThat(jobs.unfinished()).extracting(Job::id).containsExactly("j3", "j1", "j2");
        assertThat(jobs.askCancel("j2")).isTrue();
        assertThat(jobs.find("j2").orElseThrow().course().cancelAsked()).isTrue();
        assertThat(jobs.newestSlot(WEB, NOW)).contains(NOW);
        assertThat(jobs.newestSlot(new VmKey("here", new VmId("x")), NOW)).isEmpty();
        assertThat(jobs.newest(Optional.of(WEB), 9))
                .extracting(Job::id)
                .containsExactly("j2", "j1");
        assertThat(jobs.newest(Optional.empty(), 2)).hasSize(2);
    }

    @Test
    void eventsAreNumberedInOrder() {
        Jobs jobs = new Jobs(database);
        jobs.add(job("j1", WEB, Cause.SCHEDULE, NOW));
        jobs.tell("j1", NOW, "step", "prepare", "Preparing.");
        jobs.tell("j1", NOW.plusSeconds(1), "warning", "clock.long-gap", "Long.");
        assertThat(jobs.events("j1", 0)).extracting(Jobs.Event::number).containsExactly(1, 2);
        assertThat(jobs.events("j1", 1))
                .containsExactly(
                        new Jobs.Event(
                                2, NOW.plusSeconds(1), "warning", "clock.long-gap", "Long."));
    }

    @Test
    void historyGoesButTheNewestOfEachVm() {
        Jobs jobs = new Jobs(database);
        for (int i = 1; i <= 3; i++) {
            jobs.add(job("j" + i, WEB, Cause.SCHEDULE, NOW.plusSeconds(i)));
            jobs.tell("j" + i, NOW, "step", "prepare", "");
            jobs.end("j" + i, Jobs.Ending.made(NOW.plusSeconds(i), "p" + i));
        }
        jobs.add(job("j4", OTHER, Cause.SCHEDULE, NOW));
        assertThat(jobs.deleteEndedBefore(NOW.plusSeconds(99))).isEqualTo(2);
        assertThat(jobs.newest(Optional.empty(), 9))
                .extracting(Job::id)
                .containsExactly("j4", "j3");
        assertThat(jobs.events("j1", 0)).isEmpty();
    }

    @Test
    void whatJobsCameToIsKeptAndSummed() {
        Jobs jobs = new Jobs(database);
        Jobs.Measured all =
                new Jobs.Measured(
                        ByteSize.parse("3M"),
                        ByteSize.parse("1M"),
                        Optional.of(Duration.ofMillis(1500)),
                        Optional.of(new ByteSize(65_536)),
                        Optional.of(Duration.ofSeconds(9)));
        Jobs.Measured some =
                new Jobs.Measured(
                        new ByteSize(7),
                        new ByteSize(0),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty());
        jobs.add(job("j1", WEB, Cause.SCHEDULE, NOW));
        jobs.measured("j1", all);
        assertThat(jobs.measured(WEB, 5)).as("no point yet").isEmpty();
        jobs.end("j1", Jobs.Ending.made(NOW.plusSeconds(1), "p1"));
        jobs.add(job("j2", WEB, Cause.SCHEDULE, NOW.plusSeconds(10)));
        jobs.measured("j2", some);
        jobs.end("j2", Jobs.Ending.made(NOW.plus(Duration.ofHours(25)), "p2"));
        jobs.add(job("j3", OTHER, Cause.SCHEDULE, NOW));
        jobs.end("j3", Jobs.Ending.without(JobState.FAILED, NOW.plusSeconds(2), "a.code", "No."));
        jobs.add(job("j4", OTHER, Cause.SCHEDULE, NOW.plusSeconds(20)));
        assertThat(jobs.measured(WEB, 5)).containsExactly(some, all);
        assertThat(jobs.measured(WEB, 1)).containsExactly(some);
        assertThat(jobs.ended(NOW, NOW.plus(Duration.ofDays(2))))
                .isEqualTo(
                        new Jobs.Sum(
                                Map.of(JobState.MADE, 2L, JobState.FAILED, 1L),
                                1,
                                new ByteSize((3 << 20) + 7),
                                new ByteSize(1 << 20)));
        assertThat(jobs.ended(NOW.plusSeconds(2), NOW.plusSeconds(3)).counts())
                .isEqualTo(Map.of(JobState.FAILED, 1L));
        assertThat(jobs.lastFailed()).as("another was begun since").isEmpty();
        jobs.end("j4", Jobs.Ending.without(JobState.FAILED, NOW.plusSeconds(30), "b.code", "No."));
        assertThat(jobs.lastFailed()).extracting(Job::id).containsExactly("j4");
        assertThat(jobs.beginningWith("j", 2)).extracting(Job::id).containsExactly("j1", "j2");
        assertThat(jobs.beginningWith("j%", 2)).isEmpty();
    }

    @Test
    void alertsBeginAndEnd() {
        Alerts alerts = new Alerts(database, "here");
        Alerts others = new Alerts(database, "there");
        Alerts.Alert late = new Alerts.Alert("h/web", "watch.late", "Late.");
        Alerts.Alert away = new Alerts.Alert("main", "watch.vault-away", "Away.");
        Alerts.Alert still = new Alerts.Alert("main", "watch.vault-away", "Still away.");
        assertThat(alerts.settle(List.of(late, away), NOW).opened()).containsExactly(late, away);
        assertThat(others.settle(List.of(late), NOW.plusSeconds(1)).opened()).containsExactly(late);
        Alerts.Changes changes = alerts.settle(List.of(still), NOW.plusSeconds(60));
        assertThat(changes.opened()).isEmpty();
        assertThat(changes.closed()).containsExactly(late);
        assertThat(alerts.since(NOW))
                .containsExactlyInAnyOrder(
                        new Alerts.Kept(late, NOW, Optional.of(NOW.plusSeconds(60))),
                        new Alerts.Kept(late, NOW.plusSeconds(1), Optional.empty()),
                        new Alerts.Kept(still, NOW, Optional.empty()));
        assertThat(alerts.since(NOW.plusSeconds(61))).hasSize(2);
        assertThat(alerts.settle(List.of(late, still), NOW.plusSeconds(90)).opened())
                .containsExactly(late);
        assertThat(alerts.deleteClosedBefore(NOW.plusSeconds(61))).isEqualTo(1);
        assertThat(alerts.since(NOW)).hasSize(3);
    }

    @Test
    void machinesAreFoundAgain() {
        Machines machines = new Machines(database);
        VmId id = WEB.id();
        machines.seen("here", List.of(new Machines.Seen(id, "web", "running")), "gone", NOW);
        machines.seen("there", List.of(new Machines.Seen(id, "", "off")), "gone", NOW);
        machines.tag(WEB, Map.of("tier", "gold"));
        machines.seen(
                "here", List.of(new Machines.Seen(id, "web2", "off")), "gone", NOW.plusSeconds(60));
        machines.seen(
                "here", List.of(new Machines.Seen(id, "", "unknown")), "gone", NOW.plusSeconds(61));
        Machine.Protection protection =
                new Machine.Protection(
                        Optional.of("gold"),
                        true,
                        Optional.of("web"),
                        Optional.of("main"),
                        Optional.of(NOW));
        assertThat(machines.change(WEB, _ -> protection)).isTrue();
        assertThat(machines.find(WEB))
                .contains(
                        new Machine(
                                WEB,
                                "web2",
                                "unknown",
                                Optional.empty(),
                                Map.of("tier", "gold"),
                                NOW,
                                NOW.plusSeconds(61),
                                protection));
        assertThat(machines.change(WEB, now -> now)).isFalse();
        assertThat(machines.change(new VmKey("here", new VmId("nobody")), _ -> protection))
                .isFalse();
        // Somebody else chooses while the change is made: it is made of what was chosen.
        Machine.Protection chosen =
                new Machine.Protection(
                        protection.policy(),
                        false,
                        Optional.of("web"),
                        Optional.of("main"),
                        Optional.of(NOW));
        List<Machine.Protection> asked = new ArrayList<>();
        assertThat(
                        machines.change(
                                WEB,
                                now -> {
                                    asked.add(now);
                                    if (asked.size() == 1) {
                                        assertThat(machines.change(WEB, _ -> chosen)).isTrue();
                                    }
                                    return new Machine.Protection(
                                            Optional.of("silver"),
                                            now.byHand(),
                                            now.pointName(),
                                            now.vault(),
                                            now.since());
                                }))
                .isTrue();
        assertThat(asked).containsExactly(protection, chosen);
        assertThat(machines.find(WEB).orElseThrow().protection().byHand()).isFalse();
        assertThat(machines.change(WEB, _ -> protection)).isTrue();
        machines.seen("there", List.of(), "Nobody answers.", NOW);
        assertThat(machines.all()).extracting(Machine::key).containsExactly(WEB, OTHER);
        assertThat(machines.find(OTHER).orElseThrow().trouble()).contains("Nobody answers.");
        machines.add(new VmKey("here", new VmId("db")), "Known from its points.", NOW);
        machines.add(WEB, "Known already.", NOW);
        assertThat(machines.all()).hasSize(3);
        assertThat(machines.deleteGoneBefore(NOW.plusSeconds(1))).isEqualTo(2);
        assertThat(machines.all()).extracting(Machine::key).containsExactly(WEB);
        assertThat(machines.isTaken("main", "web", OTHER)).isTrue();
        assertThat(machines.isTaken("main", "web", WEB)).isFalse();
        assertThat(machines.isTaken("other", "web", OTHER)).isFalse();
    }

    @Test
    void policiesAreReplacedByName() {
        Policies policies = new Policies(database);
        policies.put("b", "{}", NOW);
        policies.put("a", "{}", NOW);
        policies.put("b", "{\"x\":1}", NOW.plusSeconds(1));
        assertThat(policies.all()).extracting(Policies.Kept::name).containsExactly("a", "b");
        assertThat(policies.find("b"))
                .contains(new Policies.Kept("b", "{\"x\":1}", NOW.plusSeconds(1)));
        assertThat(policies.remove("b")).isTrue();
        assertThat(policies.remove("b")).isFalse();
    }

    @Test
    void newestPointsOfAllVmsAreThoseOfEach() {
        Points points = new Points(database);
        assertThat(points.newest()).isEmpty();
        points.add(point("main", "a", "web", 1));
        points.add(point("main", "b", "web", 7));
        points.add(point("main", "d", "web", 9));
        points.add(point("main", "c", "web", 9));
        points.add(point("main", "e", "db", 3));
        points.add(point("other", "f", "web", 2));
        assertThat(points.newest())
                .hasSize(3)
                .allSatisfy((line, point) -> {
                    assertThat(points.newest(line.vault(), line.vm())).contains(point);
                });
        assertThat(points.newest())
                .hasEntrySatisfying(
                        new Points.Line("main", "web"),
                        point -> assertThat(point.id()).isEqualTo("c"));
    }

    private static Points.Point point(String id, long ordinal, Optional<String> pin) {
        return point("main", id, "web", ordinal, pin);
    }

    private static Points.Point point(String vault, String id, String vm, long ordinal) {
        return point(vault, id, vm, ordinal, Optional.empty());
    }

    private static Points.Point point(
            String vault, String id, String vm, long ordinal, Optional<String> pin) {
        return new Points.Point(
                vault,
                id,
                vm,
                "machine",
                ordinal,
                NOW.plusSeconds(ordinal),
                "file-system",
                Cause.SCHEDULE,
                ByteSize.parse("1G"),
                Optional.empty(),
                pin,
                Optional.empty());
    }

    @Test
    void pinsAndDatesOutliveARebuild() {
        Points points = new Points(database);
        points.add(point("a", 1, Optional.empty()));
        points.add(point("b", 2, Optional.empty()));
        points.pin("main", "a", Optional.of("the audit"));
        points.keep("main", "a", Optional.of(NOW));
        points.replace(
                "main",
                points.ids("main"),
                List.of(point("a", 1, Optional.empty()), point("c", 3, Optional.empty())));
        assertThat(points.of("main", "web")).extracting(Points.Point::id).containsExactly("a", "c");
        assertThat(points.of("main", "web").getFirst().pin()).contains("the audit");
        assertThat(points.of("main", "web").getFirst().keepUntil()).contains(NOW);
        assertThat(points.newest("main", "web").orElseThrow().id()).isEqualTo("c");
        assertThat(points.nameOf("main", "machine")).contains("web");
        assertThat(points.nameOf("main", "other")).isEmpty();
        assertThat(points.isEmpty("main")).isFalse();
        assertThat(points.isEmpty("other")).isTrue();
        points.remove("main", "c");
        assertThat(points.newest("main", "web").orElseThrow().id()).isEqualTo("a");
        assertThat(points.vms("main")).containsExactly("web");

        // A job makes one while the vault is asked.
        Set<String> before = points.ids("main", "web");
        points.add(point("d", 4, Optional.empty()));
        points.replace("main", before, List.of());
        assertThat(points.of("main", "web")).extracting(Points.Point::id).containsExactly("d");
    }

    @Test
    void careIsNotedOncePerKind() {
        Cares cares = new Cares(database);
        cares.put(new Cares.Care("main", "prune", NOW, Optional.of("vault.x"), "It failed."));
        Cares.Care well =
                new Cares.Care("main", "prune", NOW.plusSeconds(1), Optional.empty(), "Done.");
        cares.put(well);
        assertThat(cares.all()).containsExactly(well);
    }

    @Test
    void changeThatFailsHalfwayLeavesNothing() {
        Policies policies = new Policies(database);
        assertThatThrownBy(() ->
                        database.write(client -> {
                            client.sql(
                                            "insert into policy (name, body, changed_at) values ('x', '{}', 1)")
                                    .update();
                            return client.sql("insert into policy (name) values ('y')").update();
                        }))
                .isInstanceOfSatisfying(
                        DatabaseException.class,
                        e -> assertThat(e.kind()).isEqualTo(DatabaseException.Kind.REFUSED));
        assertThat(policies.all()).isEmpty();
    }

    @Test
    void everythingIsThereAtTheNextStart() {
        new Policies(database).put("a", "{}", NOW);
        database.close();
        database = Database.open(place);
        assertThat(new Policies(database).all()).hasSize(1);
    }

    @Test
    void databaseOfANewerProgramIsRefused() {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        insert into flyway_schema_history (installed_rank, version, description, type,
                                            script, checksum, installed_by, execution_time, success)
                                        values (99, '99', 'later', 'SQL', 'V99__later.sql', 1, 'x', 1, ?)
                                        """)
                                .param(true)
                                .update());
        assertThatThrownBy(() -> Database.open(place).close())
                .isInstanceOfSatisfying(
                        DatabaseException.class,
                        e -> assertThat(e.kind()).isEqualTo(DatabaseException.Kind.NEWER))
                .hasMessageContainingAll("99", "2");
    }

    @Test
    void manyThreadsWriteAtOnce() throws InterruptedException {
        Jobs jobs = new Jobs(database);
        jobs.add(job("j1", WEB, Cause.SCHEDULE, NOW));
        List<Thread> threads =
                java.util.stream.IntStream.range(0, 8)
                        .mapToObj(i ->
                                Thread.ofPlatform()
                                        .start(() -> {
                                            for (int k = 0; k < 20; k++) {
                                                Policies policies = new Policies(database);
                                                policies.put("p" + i, "{\"k\":" + k + "}", NOW);
                                                jobs.state("j1", JobState.RUNNING);
                                            }
                                        }))
                        .toList();
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(new Policies(database).all())
                .hasSize(8)
                .allSatisfy(each -> assertThat(each.body()).isEqualTo("{\"k\":19}"));
    }

    @Test
    void schedulerRunsWhatIsDue() throws InterruptedException {
        CountDownLatch ran = new CountDownLatch(1);
        OneTimeTask<Void> task = Tasks.oneTime("try").execute((_, _) -> ran.countDown());
        Scheduler scheduler =
                Scheduler.create(database.source(), task)
                        .pollingInterval(Duration.ofMillis(50))
                        .build();
        scheduler.start();
        try {
            scheduler.schedule(task.instance("1"), Instant.now());
            assertThat(ran.await(20, TimeUnit.SECONDS)).isTrue();
        } finally {
            scheduler.stop();
        }
    }
}
