package io.stillpoint.service.database;

import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.ByteSize;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/// The jobs, what they told, and their journals. Safe for many threads.
public final class Jobs {
    private static final String UNFINISHED =
            "state in ('queued', 'running', 'waiting', 'retrying')";

    private final Database database;

    public Jobs(Database database) {
        this.database = database;
    }

    /// Something that a job told.
    ///
    /// @param number from 1 on
    /// @param kind step, warning, note or state
    public record Event(int number, Instant at, String kind, String code, String message) {}

    /// How an attempt ended.
    ///
    /// @param code of what failed
    /// @param message of what failed, in the root language
    public record Ending(
            JobState state,
            Instant at,
            Optional<String> point,
            Optional<String> code,
            Optional<String> message,
            Optional<Instant> retryAt) {
        /// The point stands.
        public static Ending made(Instant at, String point) {
            return new Ending(
                    JobState.MADE,
                    at,
                    Optional.of(point),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty());
        }

        /// There is no point.
        public static Ending without(JobState state, Instant at, String code, String message) {
            return new Ending(
                    state,
                    at,
                    Optional.empty(),
                    Optional.of(code),
                    Optional.of(message),
                    Optional.empty());
        }

        /// As it is, to be tried again.
        public Ending retryingAt(Instant retryAt) {
            return new Ending(JobState.RETRYING, at, point, code, message, Optional.of(retryAt));
        }
    }

    /// What a job came to. What nobody measured is empty.
    ///
    /// @param read of the VM's disks
    /// @param stored in the vault, that was not there before
    /// @param transferred how long that took, without the wait
    /// @param scratch what the guest overwrote while the snapshot was held
    /// @param held for how long
    public record Measured(
            ByteSize read,
            ByteSize stored,
            Optional<Duration> transferred,
            Optional<ByteSize> scratch,
            Optional<Duration> held) {}

    /// Jobs of a time.
    ///
    /// @param counts by the state in which they ended
    /// @param late how many of them ended after their deadlines
    /// @param read of the VMs' disks
    /// @param stored in the vaults, that was not there before
    public record Sum(Map<JobState, Long> counts, long late, ByteSize read, ByteSize stored) {}

    /// Adds a job.
    public void add(Job job) {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        insert into job (id, host, vm, vault, policy, cause, due_at, deadline,
                                            keep_until, reason, state, attempts, cancel_asked, created_at)
                                        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)
                                        """)
                                .params(
                                        Columns.values(
                                                job.id(),
                                                job.vm().host(),
                                                job.vm().id().text(),
                                                job.vault(),
                                                job.policy().orElse(null),
                                                job.cause().word(),
                                                job.due().toEpochMilli(),
                                                job.deadline().toEpochMilli(),
                                                Columns.millis(job.order().keepUntil()),
                                                job.order().reason(),
                                                job.state().word(),
                                                job.course().createdAt().toEpochMilli()))
                                .update());
    }

    /// The job of this id.
    public Optional<Job> find(String id) {
        return database.read(client ->
                client.sql("select * from job where id = ?").param(id).query(Jobs::job).optional());
    }

    /// The job that works on a VM or will do so next: one that has begun before one that has not, then by when it is due.
    public Optional<Job> unfinished(VmKey vm) {
        return database.read(client ->
                client.sql(
                                "select * from job where host = ? and vm = ? and "
                                        + UNFINISHED
                                        + " order by case when attempts > 0 then 0 else 1 end, due_at, id limit 1")
                        .params(vm.host(), vm.id().text())
                        .query(Jobs::job)
                        .optional());
    }

    /// All jobs that have not ended.
    public List<Job> unfinished() {
        return database.read(client ->
                client.sql("select * from job where " + UNFINISHED + " order by deadline, id")
                        .query(Jobs::job)
                        .list());
    }

    /// The newest jobs, newest first; of all VMs, those that have not ended come before the others.
    ///
    /// @param vm of this VM alone
    public List<Job> newest(Optional<VmKey> vm, int count) {
        return database.read(client ->
                vm.isPresent()
                        ? client.sql(
                                        "select * from job where host = ? and vm = ? order by due_at desc, id limit ?")
                                .params(vm.get().host(), vm.get().id().text(), count)
                                .query(Jobs::job)
                                .list()
                        : client.sql(
                                        "select * from job order by case when "
                                                + UNFINISHED
                                                + " then 0 else 1 end, due_at desc, id limit ?")
                                .param(count)
                                .query(Jobs::job)
                                .list());
    }

    /// Jobs whose ids begin so, `max` at most.
    public List<Job> beginningWith(String prefix, int max) {
        return database.read(client ->
                client.sql("select * from job where substr(id, 1, ?) = ? order by id limit ?")
                        .params(prefix.length(), prefix, max)
                        .query(Jobs::job)
                        .list());
    }

    /// The newest jobs of their VMs, where they failed.
    public List<Job> lastFailed() {
        return database.read(client ->
                client.sql(
                                """
                                select * from job where state = 'failed'
                                    and not exists (select 1 from job later where later.host = job.host
                                        and later.vm = job.vm and later.due_at > job.due_at)
                                    order by host, vm
                                """)
                        .query(Jobs::job)
                        .list());
    }

    /// The newest slot for which a VM had a job.
    ///
    /// @param upTo later ones are of a clock that was wrong, and don't count
    public Optional<Instant> newestSlot(VmKey vm, Instant upTo) {
        return database.read(client ->
                client.sql(
                                "select max(due_at) as newest from job where host = ? and vm = ?"
                                        + " and cause = 'schedule' and due_at <= ?")
                        .params(vm.host(), vm.id().text(), upTo.toEpochMilli())
                        .query((row, _) -> Columns.optionalInstant(row, "newest"))
                        .single());
    }

    /// An attempt begins.
    public void begin(String id, Instant now) {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        update job set state = 'running', attempts = attempts + 1, retry_at = null,
                                            started_at = coalesce(started_at, ?) where id = ?
                                        """)
                                .params(now.toEpochMilli(), id)
                                .update());
    }

    /// Its point goes into another vault. Of a job that has stored nothing.
    public void vault(String id, String vault) {
        int _ =
                database.write(client ->
                        client.sql("update job set vault = ? where id = ?")
                                .params(vault, id)
                                .update());
    }

    /// It runs, or waits for its turn. Changes nothing if its attempt has ended meanwhile.
    public void state(String id, JobState state) {
        int _ =
                database.write(client ->
                        client.sql(
                                        "update job set state = ? where id = ?"
                                                + " and state in ('running', 'waiting')")
                                .params(state.word(), id)
                                .update());
    }

    /// An attempt has ended, and with it perhaps the job.
    public void end(String id, Ending ending) {
        int _ = database.write(client -> end(client, id, ending, ""));
    }

    private static int end(JdbcClient client, String id, Ending ending, String condition) {
        return client.sql(
                        """
                        update job set state = ?, ended_at = ?, point = ?, code = ?, message = ?, retry_at = ?
                            where id = ?
                        """
                                + condition)
                .params(
                        Columns.values(
                                ending.state().word(),
                                ending.state().isFinal() ? ending.at().toEpochMilli() : null,
                                ending.point().orElse(null),
                                ending.code().orElse(null),
                                ending.message().orElse(null),
                                Columns.millis(ending.retryAt()),
                                id))
                .update();
    }

    /// Notes what a job came to.
    public void measured(String id, Measured measured) {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        update job set read_bytes = ?, stored_bytes = ?, transfer_ms = ?,
                                            scratch_bytes = ?, held_ms = ? where id = ?
                                        """)
                                .params(
                                        Columns.values(
                                                measured.read().bytes(),
                                                measured.stored().bytes(),
                                                measured.transferred()
                                                        .map(Duration::toMillis)
                                                        .orElse(null),
                                                measured.scratch()
                                                        .map(ByteSize::bytes)
                                                        .orElse(null),
                                                measured.held()
                                                        .map(Duration::toMillis)
                                                        .orElse(null),
                                                id))
                                .update());
    }

    /// What the latest jobs of a VM came to that made points, newest first.
    public List<Measured> measured(VmKey vm, int count) {
        return database.read(client ->
                client.sql(
                                """
                                select * from job where host = ? and vm = ? and state = 'made'
                                    and read_bytes is not null order by due_at desc, id limit ?
                                """)
                        .params(vm.host(), vm.id().text(), count)
                        .query((row, _) ->
                                new Measured(
                                        new ByteSize(row.getLong("read_bytes")),
                                        new ByteSize(row.getLong("stored_bytes")),
                                        Columns.optionalLong(row, "transfer_ms")
                                                .map(Duration::ofMillis),
                                        Columns.optionalLong(row, "scratch_bytes")
                                                .map(ByteSize::new),
                                        Columns.optionalLong(row, "held_ms")
                                                .map(Duration::ofMillis)))
                        .list());
    }

    /// The jobs that ended from one instant on, and before another.
    public Sum ended(Instant from, Instant to) {
        return database.read(client -> {
            Map<JobState, Long> counts = new EnumMap<>(JobState.class);
            long[] sums = new long[3];
            client.sql(
                            """
                            select state, count(*) as jobs, sum(case when ended_at > deadline then 1 else 0 end) as late,
                                coalesce(sum(read_bytes), 0) as bytes, coalesce(sum(stored_bytes), 0) as stored
                                from job where ended_at >= ? and ended_at < ? group by state
                            """)
                    .params(from.toEpochMilli(), to.toEpochMilli())
                    .query(row -> {
                        counts.put(JobState.of(row.getString("state")), row.getLong("jobs"));
                        sums[0] += row.getLong("late");
                        sums[1] += row.getLong("bytes");
                        sums[2] += row.getLong("stored");
                    });
            return new Sum(counts, sums[0], new ByteSize(sums[1]), new ByteSize(sums[2]));
        });
    }

    /// Writes the engine's journal.
    ///
    /// @param record as JSON; null: the job begins anew
    /// @param snapshot that the record names
    public void record(String id, @Nullable String record, Optional<String> snapshot) {
        int _ =
                database.write(client ->
                        client.sql("update job set record = ?, snapshot = ? where id = ?")
                                .params(Columns.values(record, snapshot.orElse(null), id))
                                .update());
    }

    /// The snapshots on a host that journals of unfinished jobs name.
    public List<String> snapshots(String host) {
        return database.read(client ->
                client.sql(
                                "select snapshot from job where host = ? and snapshot is not null and "
                                        + UNFINISHED)
                        .param(host)
                        .query((row, _) -> row.getString(1))
                        .list());
    }

    /// Asks a job to end. Returns whether it had not ended yet.
    public boolean askCancel(String id) {
        return database.write(client ->
                client.sql(
                                        "update job set cancel_asked = 1, retry_at = null where id = ? and "
                                                + UNFINISHED)
                                .param(id)
                                .update()
                        > 0);
    }

    /// Whether a job was asked to end.
    public boolean isCancelAsked(String id) {
        return find(id).filter(job -> job.course().cancelAsked()).isPresent();
    }

    /// Has a job that is to be tried again later be tried now. Returns whether there was one.
    public boolean retryNow(String id) {
        return database.write(client ->
                client.sql("update job set retry_at = null where id = ? and state = 'retrying'")
                                .param(id)
                                .update()
                        > 0);
    }

    /// Ends a job that has not begun. Returns whether it had not.
    public boolean endQueued(String id, Ending ending) {
        return database.write(
                        client -> end(client, id, ending, " and state = 'queued' and attempts = 0"))
                > 0;
    }

    /// A job that was asked for and has not begun, and is as any other would be.
    public Optional<Job> queuedDemand(VmKey vm) {
        return database.read(client ->
                client.sql(
                                """
                                select * from job where host = ? and vm = ? and cause = 'demand' and state = 'queued'
                                    and attempts = 0 and cancel_asked = 0 and keep_until is null and reason = ''
                                    order by due_at limit 1
                                """)
                        .params(vm.host(), vm.id().text())
                        .query(Jobs::job)
                        .optional());
    }

    /// Notes what a job told.
    public void tell(String id, Instant at, String kind, String code, String message) {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        insert into job_event (job, number, at, kind, code, message)
                                        select ?, coalesce(max(number), 0) + 1, ?, ?, ?, ? from job_event where job = ?
                                        """)
                                .params(id, at.toEpochMilli(), kind, code, message, id)
                                .update());
    }

    /// What a job told, in order.
    ///
    /// @param after events up to this number are left out
    public List<Event> events(String id, int after) {
        return database.read(client ->
                client.sql("select * from job_event where job = ? and number > ? order by number")
                        .params(id, after)
                        .query((row, _) ->
                                new Event(
                                        row.getInt("number"),
                                        Columns.instant(row, "at"),
                                        row.getString("kind"),
                                        row.getString("code"),
                                        row.getString("message")))
                        .list());
    }

    /// Deletes the history of jobs that ended before. The newest job of each VM stays. Returns how many went.
    public int deleteEndedBefore(Instant before) {
        return database.write(client -> delete(client, before));
    }

    private static int delete(JdbcClient client, Instant before) {
        return client.sql(
                        """
                        delete from job where ended_at < ? and state in ('made', 'failed', 'cancelled')
                            and exists (select 1 from job later where later.host = job.host
                                and later.vm = job.vm and later.due_at > job.due_at)
                        """)
                .param(before.toEpochMilli())
                .update();
    }

    private static Job job(ResultSet row, int number) throws SQLException {
        return new Job(
                row.getString("id"),
                new VmKey(row.getString("host"), new VmId(row.getString("vm"))),
                row.getString("vault"),
                Columns.optionalText(row, "policy"),
                Cause.of(row.getString("cause")),
                Columns.instant(row, "due_at"),
                Columns.instant(row, "deadline"),
                new Job.Order(
                        Columns.optionalInstant(row, "keep_until"),
                        Columns.optionalText(row, "reason").orElse("")),
                new Job.Course(
                        JobState.of(row.getString("state")),
                        row.getInt("attempts"),
                        row.getInt("cancel_asked") != 0,
                        Columns.instant(row, "created_at"),
                        Columns.optionalInstant(row, "started_at"),
                        Columns.optionalInstant(row, "ended_at"),
                        Columns.optionalInstant(row, "retry_at"),
                        Columns.optionalText(row, "record"),
                        Columns.optionalText(row, "point"),
                        Columns.optionalText(row, "code"),
                        Columns.optionalText(row, "message")));
    }
}
