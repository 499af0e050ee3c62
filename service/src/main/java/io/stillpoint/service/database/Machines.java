package io.stillpoint.service.database;

import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.Json;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The VMs of all hosts, and how they are protected. Safe for many threads.
public final class Machines {
    private static final int CHANGES_MAX = 10;

    private final Database database;

    public Machines(Database database) {
        this.database = database;
    }

    /// All, by host, name and id.
    public List<Machine> all() {
        return database.read(client ->
                client.sql("select * from vm order by host, name, id")
                        .query(Machines::machine)
                        .list());
    }

    /// The VM of this key.
    public Optional<Machine> find(VmKey key) {
        return database.read(client ->
                client.sql("select * from vm where host = ? and id = ?")
                        .params(key.host(), key.id().text())
                        .query(Machines::machine)
                        .optional());
    }

    /// A VM that a look at its host found.
    ///
    /// @param name what the hypervisor calls it now; empty if nobody knows
    /// @param power the hypervisor's word
    public record Seen(VmId id, String name, String power) {}

    /// A host was looked at. VMs that are new are added; of those that are not there the reason is noted.
    public void seen(String host, List<Seen> found, String elseTrouble, Instant now) {
        Set<String> ids = new HashSet<>();
        int _ =
                database.write(client -> {
                    for (Seen each : found) {
                        ids.add(each.id().text());
                        int _ = seen(client, host, each, now);
                    }
                    List<String> known =
                            client.sql("select id from vm where host = ? and trouble is null")
                                    .param(host)
                                    .query((row, _) -> row.getString(1))
                                    .list();
                    for (String id : known) {
                        if (!ids.contains(id)) {
                            int _ = unseen(client, host, id, elseTrouble);
                        }
                    }
                    return found.size();
                });
    }

    /// Adds a VM that nobody has seen.
    public void add(VmKey key, String trouble, Instant now) {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        insert into vm (host, id, name, power, trouble, tags, first_seen_at, seen_at,
                                            by_hand)
                                        values (?, ?, '', 'unknown', ?, '{}', ?, ?, 0)
                                        on conflict (host, id) do nothing
                                        """)
                                .params(
                                        key.host(),
                                        key.id().text(),
                                        trouble,
                                        now.toEpochMilli(),
                                        now.toEpochMilli())
                                .update());
    }

    /// Deletes the VMs that were not seen since, and were never protected. Returns how many went.
    public int deleteGoneBefore(Instant before) {
        return database.write(client ->
                client.sql(
                                "delete from vm where seen_at < ? and trouble is not null"
                                        + " and policy is null and point_name is null and by_hand = 0")
                        .param(before.toEpochMilli())
                        .update());
    }

    private static int seen(JdbcClient client, String host, Seen vm, Instant now) {
        return client.sql(
                        """
                        insert into vm (host, id, name, power, tags, first_seen_at, seen_at, by_hand)
                        values (?, ?, ?, ?, '{}', ?, ?, 0)
                        on conflict (host, id) do update set
                            name = case when excluded.name = '' then vm.name else excluded.name end,
                            power = excluded.power, trouble = null, seen_at = excluded.seen_at
                        """)
                .params(
                        host,
                        vm.id().text(),
                        vm.name(),
                        vm.power(),
                        now.toEpochMilli(),
                        now.toEpochMilli())
                .update();
    }

    private static int unseen(JdbcClient client, String host, String id, String trouble) {
        return client.sql("update vm set trouble = ?, power = 'unknown' where host = ? and id = ?")
                .params(trouble, host, id)
                .update();
    }

    /// Replaces a VM's tags.
    public void tag(VmKey key, Map<String, String> tags) {
        ObjectNode json = Json.object();
        tags.forEach(json::put);
        int _ =
                database.write(client ->
                        client.sql("update vm set tags = ? where host = ? and id = ?")
                                .params(json.toString(), key.host(), key.id().text())
                                .update());
    }

    /// Changes how a VM is protected. Returns whether it did; it does not if nothing differs, or if there is no such VM.
    ///
    /// @param change gets how it is protected now, and is asked again if somebody else changes that meanwhile
    public boolean change(VmKey key, UnaryOperator<Machine.Protection> change) {
        for (int i = 0; i < CHANGES_MAX; i++) {
            Optional<Machine.Protection> now = find(key).map(Machine::protection);
            Optional<Machine.Protection> then = now.map(change);
            if (then.equals(now)) {
                return false;
            }
            if (update(key, now.orElseThrow(), then.orElseThrow())) {
                return true;
            }
        }
        throw new IllegalStateException(key + " is changed by others all the time");
    }

    private boolean update(VmKey key, Machine.Protection before, Machine.Protection after) {
        return database.write(client ->
                client.sql(
                                        """
                                        update vm set policy = ?, by_hand = ?, point_name = ?, vault = ?, protected_since = ?
                                            where host = ? and id = ? and coalesce(policy, '') = ? and by_hand = ?
                                                and coalesce(point_name, '') = ? and coalesce(vault, '') = ?
                                                and coalesce(protected_since, -1) = ?
                                        """)
                                .params(
                                        Columns.values(
                                                after.policy().orElse(null),
                                                after.byHand() ? 1 : 0,
                                                after.pointName().orElse(null),
                                                after.vault().orElse(null),
                                                Columns.millis(after.since()),
                                                key.host(),
                                                key.id().text(),
                                                before.policy().orElse(""),
                                                before.byHand() ? 1 : 0,
                                                before.pointName().orElse(""),
                                                before.vault().orElse(""),
                                                before.since()
                                                        .map(Instant::toEpochMilli)
                                                        .orElse(-1L)))
                                .update()
                        > 0);
    }

    /// Whether another VM has this name for its points in a vault.
    public boolean isTaken(String vault, String pointName, VmKey by) {
        return database.read(client ->
                client.sql(
                                        """
                                        select count(*) from vm where vault = ? and point_name = ?
                                            and not (host = ? and id = ?)
                                        """)
                                .params(vault, pointName, by.host(), by.id().text())
                                .query(Long.class)
                                .single()
                        > 0);
    }

    private static Machine machine(ResultSet row, int number) throws SQLException {
        Map<String, String> tags = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> each : Json.parse(row.getString("tags")).properties()) {
            tags.put(each.getKey(), each.getValue().asString());
        }
        return new Machine(
                new VmKey(row.getString("host"), new VmId(row.getString("id"))),
                row.getString("name"),
                row.getString("power"),
                Columns.optionalText(row, "trouble"),
                tags,
                Columns.instant(row, "first_seen_at"),
                Columns.instant(row, "seen_at"),
                new Machine.Protection(
                        Columns.optionalText(row, "policy"),
                        row.getInt("by_hand") != 0,
                        Columns.optionalText(row, "point_name"),
                        Columns.optionalText(row, "vault"),
                        Columns.optionalInstant(row, "protected_since")));
    }
}
