package io.stillpoint.service.database;

import io.stillpoint.hypervisor.VmId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import org.springframework.jdbc.core.simple.JdbcClient;

/// The local snapshots of the VMs, and those that ended lately. Safe for many threads.
public final class Locals {
    private final Database database;

    public Locals(Database database) {
        this.database = database;
    }

    /// A snapshot that stays in its VM.
    ///
    /// @param name of the snapshot
    /// @param point that was made of it
    /// @param takenAt its instant
    /// @param descriptor as JSON
    public record Local(
            String name,
            VmKey vm,
            String vault,
            String point,
            Instant takenAt,
            Instant keepUntil,
            String descriptor) {}

    /// One that stands no longer.
    ///
    /// @param why in the root language
    public record Ended(Local local, Instant at, String why) {}

    /// Remembers one, as the newest of its VM. Does nothing if it is known.
    public void add(Local local) {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        insert into local_snapshot
                                            (name, host, vm, vault, point, ordinal, taken_at, keep_until, descriptor)
                                        select ?, ?, ?, ?, ?,
                                            coalesce((select max(ordinal) from local_snapshot where host = ? and vm = ?), 0) + 1,
                                            ?, ?, ?
                                        on conflict (name) do nothing
                                        """)
                                .params(
                                        local.name(),
                                        local.vm().host(),
                                        local.vm().id().text(),
                                        local.vault(),
                                        local.point(),
                                        local.vm().host(),
                                        local.vm().id().text(),
                                        local.takenAt().toEpochMilli(),
                                        local.keepUntil().toEpochMilli(),
                                        local.descriptor())
                                .update());
    }

    /// Those of a VM that may stand, newest first.
    public List<Local> of(VmKey vm) {
        return database.read(client ->
                client.sql(
                                """
                                select * from local_snapshot where host = ? and vm = ? and ended_at is null
                                    order by ordinal desc
                                """)
                        .params(vm.host(), vm.id().text())
                        .query((row, _) -> local(row))
                        .list());
    }

    /// Those of all VMs that may stand; of each VM newest first.
    public List<Local> all() {
        return database.read(client ->
                client.sql(
                                """
                                select * from local_snapshot where ended_at is null
                                    order by host, vm, ordinal desc
                                """)
                        .query((row, _) -> local(row))
                        .list());
    }

    /// Those of a VM that ended, newest first.
    public List<Ended> ended(VmKey vm) {
        return database.read(client ->
                client.sql(
                                """
                                select * from local_snapshot where host = ? and vm = ? and ended_at is not null
                                    order by ordinal desc
                                """)
                        .params(vm.host(), vm.id().text())
                        .query((row, _) ->
                                new Ended(
                                        local(row),
                                        Columns.instant(row, "ended_at"),
                                        Columns.optionalText(row, "why").orElse("")))
                        .list());
    }

    /// Keeps one until then at least. Returns whether it stands.
    public boolean keep(String name, Instant until) {
        return database.write(client -> update(client, "keep_until", until, name)) > 0;
    }

    private static int update(JdbcClient client, String column, Instant value, String name) {
        return client.sql(
                        "update local_snapshot set "
                                + column
                                + " = ? where name = ? and ended_at is null and "
                                + column
                                + " < ?")
                .params(value.toEpochMilli(), name, value.toEpochMilli())
                .update();
    }

    /// It stands no longer. Returns whether it did until now.
    public boolean end(String name, Instant now, String why) {
        return database.write(client ->
                client.sql(
                                """
                                update local_snapshot set ended_at = ?, why = ? where name = ? and ended_at is null
                                """)
                        .params(now.toEpochMilli(), why, name)
                        .update())
                > 0;
    }

    /// It never came to stand.
    public void remove(String name) {
        int _ =
                database.write(client ->
                        client.sql("delete from local_snapshot where name = ?")
                                .param(name)
                                .update());
    }

    /// Forgets those that ended before. Returns how many went.
    public int deleteEndedBefore(Instant before) {
        return database.write(client ->
                client.sql("delete from local_snapshot where ended_at < ?")
                        .param(before.toEpochMilli())
                        .update());
    }

    private static Local local(ResultSet row) throws SQLException {
        return new Local(
                row.getString("name"),
                new VmKey(row.getString("host"), new VmId(row.getString("vm"))),
                row.getString("vault"),
                row.getString("point"),
                Columns.instant(row, "taken_at"),
                Columns.instant(row, "keep_until"),
                row.getString("descriptor"));
    }
}
