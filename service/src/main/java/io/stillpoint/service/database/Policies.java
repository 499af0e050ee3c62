package io.stillpoint.service.database;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// The policies, as JSON. Safe for many threads.
public final class Policies {
    private final Database database;

    public Policies(Database database) {
        this.database = database;
    }

    /// A policy that is kept.
    ///
    /// @param body as JSON, complete
    public record Kept(String name, String body, Instant changedAt) {}

    /// All, by name.
    public List<Kept> all() {
        return database.read(client ->
                client.sql("select * from policy order by name")
                        .query((row, _) -> kept(row))
                        .list());
    }

    private static Kept kept(ResultSet row) throws SQLException {
        return new Kept(
                row.getString("name"), row.getString("body"), Columns.instant(row, "changed_at"));
    }

    /// The policy of this name.
    public Optional<Kept> find(String name) {
        return database.read(client ->
                client.sql("select * from policy where name = ?")
                        .param(name)
                        .query((row, _) -> kept(row))
                        .optional());
    }

    /// Adds a policy, or replaces the one of its name.
    public void put(String name, String body, Instant now) {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        insert into policy (name, body, changed_at) values (?, ?, ?)
                                        on conflict (name) do update set
                                            body = excluded.body, changed_at = excluded.changed_at
                                        """)
                                .params(name, body, now.toEpochMilli())
                                .update());
    }

    /// Removes a policy. Returns whether there was one.
    public boolean remove(String name) {
        return database.write(client ->
                client.sql("delete from policy where name = ?").param(name).update())
                > 0;
    }
}
