package io.stillpoint.service.database;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/// When each vault was last taken care of, and how that went. Safe for many threads.
public final class Cares {
    private final Database database;

    public Cares(Database database) {
        this.database = database;
    }

    /// The end of one piece of care.
    ///
    /// @param kind forget, prune or verify
    /// @param code of what failed; empty if it went well
    /// @param message what was done, or what failed, in the root language
    public record Care(
            String vault, String kind, Instant endedAt, Optional<String> code, String message) {}

    /// The last of each kind, of all vaults.
    public List<Care> all() {
        return database.read(client ->
                client.sql("select * from care order by vault, kind")
                        .query((row, _) ->
                                new Care(
                                        row.getString("vault"),
                                        row.getString("kind"),
                                        Columns.instant(row, "ended_at"),
                                        Columns.optionalText(row, "code"),
                                        row.getString("message")))
                        .list());
    }

    /// Notes one.
    public void put(Care care) {
        int _ =
                database.write(client ->
                        client.sql(
                                        """
                                        insert into care (vault, kind, ended_at, code, message) values (?, ?, ?, ?, ?)
                                        on conflict (vault, kind) do update set ended_at = excluded.ended_at,
                                            code = excluded.code, message = excluded.message
                                        """)
                                .params(
                                        Columns.values(
                                                care.vault(),
                                                care.kind(),
                                                care.endedAt().toEpochMilli(),
                                                care.code().orElse(null),
                                                care.message()))
                                .update());
    }
}
