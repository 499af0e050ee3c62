package io.stillpoint.service.database;

import io.stillpoint.platform.ByteSize;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.springframework.jdbc.core.simple.JdbcClient;

/// What the vaults hold, as far as retention and people need to know it: a cache, but for pins and dates that somebody gave
/// to a point later. Safe for many threads.
public final class Points {
    private final Database database;

    public Points(Database database) {
        this.database = database;
    }

    /// A recovery point.
    ///
    /// @param machine the id of the VM that it is of; empty if the point does not tell
    /// @param ordinal its place in the VM's line
    /// @param size of all its disks
    /// @param keepUntil a date of its own
    /// @param pin why it must stay
    public record Point(
            String vault,
            String id,
            String vm,
            String machine,
            long ordinal,
            Instant snapshotAt,
            String consistency,
            Cause cause,
            ByteSize size,
            Optional<Instant> keepUntil,
            Optional<String> pin,
            Optional<Instant> lockedUntil) {}

    /// The points of a VM, oldest first.
    public List<Point> of(String vault, String vm) {
        return database.read(client ->
                client.sql("select * from point where vault = ? and vm = ? order by ordinal, id")
                        .params(vault, vm)
                        .query(Points::point)
                        .list());
    }

    /// A point of whatever vault.
    public Optional<Point> find(String id) {
        return database.read(client ->
                client.sql("select * from point where id = ? limit 1")
                        .param(id)
                        .query(Points::point)
                        .optional());
    }

    /// The newest point of a VM.
    public Optional<Point> newest(String vault, String vm) {
        return database.read(client ->
                client.sql(
                                "select * from point where vault = ? and vm = ? order by ordinal desc, id limit 1")
                        .params(vault, vm)
                        .query(Points::point)
                        .optional());
    }

    /// The points of one VM in one vault.
    public record Line(String vault, String vm) {}

    /// The newest point of each VM: one question, however many there are.
    public Map<Line, Point> newest() {
        Map<Line, Point> newest = new HashMap<>();
        database.read(client ->
                        client.sql(
                                        """
                                        select point.* from point join
                                            (select vault, vm, max(ordinal) as highest from point group by vault, vm) last
                                            on point.vault = last.vault and point.vm = last.vm
                                                and point.ordinal = last.highest
                                            order by point.id
                                        """)
                                .query(Points::point)
                                .list())
                .forEach(each -> newest.putIfAbsent(new Line(each.vault(), each.vm()), each));
        return newest;
    }

    /// Whether nothing is known of a vault's points.
    public boolean isEmpty(String vault) {
        return database.read(client ->
                client.sql("select id from point where vault = ? limit 1")
                        .param(vault)
                        .query((row, _) -> row.getString(1))
                        .optional()
                        .isEmpty());
    }

    /// What the newest point of a machine is called.
    ///
    /// @param machine its id
    public Optional<String> nameOf(String vault, String machine) {
        return database.read(client ->
                client.sql(
                                "select vm from point where vault = ? and machine = ? order by ordinal desc, id limit 1")
                        .params(vault, machine)
                        .query((row, _) -> row.getString(1))
                        .optional());
    }

    /// The points of a vault.
    public Set<String> ids(String vault) {
        return database.read(client ->
                client.sql("select id from point where vault = ?")
                        .param(vault)
                        .query((row, _) -> row.getString(1))
                        .set());
    }

    /// The points of a VM.
    public Set<String> ids(String vault, String vm) {
        return of(vault, vm).stream().map(Point::id).collect(Collectors.toSet());
    }

    /// The names of the VMs that have points in a vault.
    public List<String> vms(String vault) {
        return database.read(client ->
                client.sql("select distinct vm from point where vault = ? order by vm")
                        .param(vault)
                        .query((row, _) -> row.getString(1))
                        .list());
    }

    /// Adds a point; a pin and a date that one of this id has stay.
    public void add(Point point) {
        int _ = database.write(client -> add(client, point));
    }

    private static int add(JdbcClient client, Point point) {
        return client.sql(
                        """
                        insert into point (vault, id, vm, machine, ordinal, snapshot_at, consistency, cause,
                            size, keep_until, pin, locked_until)
                        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
                        on conflict (vault, id) do update set locked_until = excluded.locked_until
                        """)
                .params(
                        Columns.values(
                                point.vault(),
                                point.id(),
                                point.vm(),
                                point.machine(),
                                point.ordinal(),
                                point.snapshotAt().toEpochMilli(),
                                point.consistency(),
                                point.cause().word(),
                                point.size().bytes(),
                                Columns.millis(point.keepUntil()),
                                point.pin().orElse(null),
                                Columns.millis(point.lockedUntil())))
                .update();
    }

    /// Puts other points in the place of those that there were: pins and dates stay, and so do points that were added since.
    ///
    /// @param before the ids of those that there were
    public void replace(String vault, Set<String> before, List<Point> points) {
        Set<String> ids = points.stream().map(Point::id).collect(Collectors.toSet());
        int _ =
                database.write(client -> {
                    for (String id : before) {
                        if (!ids.contains(id)) {
                            remove(client, vault, id);
                        }
                    }
                    points.forEach(point -> add(client, point));
                    return points.size();
                });
    }

    /// A point is gone or forgotten.
    public void remove(String vault, String id) {
        int _ = database.write(client -> remove(client, vault, id));
    }

    private static int remove(JdbcClient client, String vault, String id) {
        return client.sql("delete from point where vault = ? and id = ?")
                .params(vault, id)
                .update();
    }

    /// Gives a point a date until which it is kept, or takes it.
    public void keep(String vault, String id, Optional<Instant> until) {
        int _ =
                database.write(client ->
                        client.sql("update point set keep_until = ? where vault = ? and id = ?")
                                .params(Columns.values(Columns.millis(until), vault, id))
                                .update());
    }

    /// Pins a point, or takes the pin.
    ///
    /// @param reason empty: there is no pin any more
    public void pin(String vault, String id, Optional<String> reason) {
        int _ =
                database.write(client ->
                        client.sql("update point set pin = ? where vault = ? and id = ?")
                                .params(Columns.values(reason.orElse(null), vault, id))
                                .update());
    }

    private static Point point(ResultSet row, int number) throws SQLException {
        return new Point(
                row.getString("vault"),
                row.getString("id"),
                row.getString("vm"),
                row.getString("machine"),
                row.getLong("ordinal"),
                Columns.instant(row, "snapshot_at"),
                row.getString("consistency"),
                Cause.of(row.getString("cause")),
                new ByteSize(row.getLong("size")),
                Columns.optionalInstant(row, "keep_until"),
                Columns.optionalText(row, "pin"),
                Columns.optionalInstant(row, "locked_until"));
    }
}
