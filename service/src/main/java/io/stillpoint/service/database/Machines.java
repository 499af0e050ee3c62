package io.stillpoint.service.database;

import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.Json;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The VMs of all hosts, and how they are protected. Safe for many threads.
public final class Machines {
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

    /// A VM was looked at. It is added if it is new.
    public void seen(VmKey key, String name, String power, Instant now) {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        insert into vm (host, id, name, power, tags, first_seen_at, seen_at, by_hand)
                                        values (?, ?, ?, ?, '{}', ?, ?, 0)
                                        on conflict (host, id) do update set
                                            name = case when excluded.name = '' then vm.name else excluded.name end,
                                            power = excluded.power, trouble = null, seen_at = excluded.seen_at
                                        """)
                                .params(
                                        key.host(),
                                        key.id().text(),
                                        name,
                                        power,
                                        now.toEpochMilli(),
                                        now.toEpochMilli())
                                .update());
    }

    /// Nothing is known of a VM now.
    public void unseen(VmKey key, String trouble) {
        int _ =
                database.write(client ->
                        client.sql(
                                        "update vm set trouble = ?, power = 'unknown' where host = ? and id = ?")
                                .params(trouble, key.host(), key.id().text())
                                .update());
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

    /// Changes how a VM is protected. The name of its points and their vault are settled by the first that has them.
    public void protect(VmKey key, Machine.Protection protection) {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        update vm set policy = ?, by_hand = ?, point_name = ?, vault = ?,
                                            protected_since = ? where host = ? and id = ?
                                        """)
                                .params(
                                        Columns.values(
                                                protection.policy().orElse(null),
                                                protection.byHand() ? 1 : 0,
                                                protection.pointName().orElse(null),
                                                protection.vault().orElse(null),
                                                Columns.millis(protection.since()),
                                                key.host(),
                                                key.id().text()))
                                .update());
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
