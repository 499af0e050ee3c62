package io.stillpoint.service.database;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.springframework.jdbc.core.simple.JdbcClient;

/// What somebody should look at, as long as it lasts and for a while after. Each server has its own. Safe for many threads.
public final class Alerts {
    private final Database database;
    private final String server;

    /// @param server whose alerts these are
    public Alerts(Database database, String server) {
        this.database = database;
        this.server = server;
    }

    /// Something that somebody should look at.
    ///
    /// @param subject a VM, a vault, a policy or a file
    /// @param code stable; a subject has one alert of a code at a time
    /// @param message in the root language
    public record Alert(String subject, String code, String message) {}

    /// An alert and its time.
    ///
    /// @param closedAt empty while it lasts
    public record Kept(Alert alert, Instant openedAt, Optional<Instant> closedAt) {}

    /// What differs from before.
    public record Changes(List<Alert> opened, List<Alert> closed) {}

    private record Key(String subject, String code) {
        static Key of(Alert alert) {
            return new Key(alert.subject(), alert.code());
        }
    }

    /// The alerts of this server are these now: others are closed, new ones opened. An alert that lasts keeps the time at which
    /// it was opened, and gets the newest message.
    public Changes settle(List<Alert> alerts, Instant now) {
        return database.write(client -> {
            Map<Key, Kept> before = new HashMap<>();
            open(client).forEach(each -> before.put(Key.of(each.alert()), each));
            List<Alert> opened = new ArrayList<>();
            for (Alert each : alerts) {
                Kept known = before.remove(Key.of(each));
                if (known == null) {
                    int added = insert(client, each, now);
                    if (added > 0) {
                        opened.add(each);
                    }
                } else if (!known.alert().equals(each)) {
                    int _ = update(client, known, "message", each.message());
                }
            }
            List<Alert> closed = new ArrayList<>();
            for (Kept each : before.values()) {
                int _ = update(client, each, "closed_at", now.toEpochMilli());
                closed.add(each.alert());
            }
            return new Changes(opened, closed);
        });
    }

    private int insert(JdbcClient client, Alert alert, Instant now) {
        return client.sql(
                        """
                        insert into alert (server, subject, code, opened_at, message) values (?, ?, ?, ?, ?)
                        on conflict (server, subject, code, opened_at) do nothing
                        """)
                .params(server, alert.subject(), alert.code(), now.toEpochMilli(), alert.message())
                .update();
    }

    private int update(JdbcClient client, Kept kept, String column, Object value) {
        return client.sql(
                        "update alert set "
                                + column
                                + " = ? where server = ? and subject = ? and code = ? and opened_at = ?")
                .params(
                        value,
                        server,
                        kept.alert().subject(),
                        kept.alert().code(),
                        kept.openedAt().toEpochMilli())
                .update();
    }

    private List<Kept> open(JdbcClient client) {
        return client.sql("select * from alert where server = ? and closed_at is null")
                .param(server)
                .query((row, _) -> kept(row))
                .list();
    }

    /// The alerts of all servers that last, or ended since, oldest first.
    public List<Kept> since(Instant from) {
        return database.read(client ->
                client.sql(
                                """
                                select * from alert where closed_at is null or closed_at >= ?
                                    order by opened_at, subject, code
                                """)
                        .param(from.toEpochMilli())
                        .query((row, _) -> kept(row))
                        .list());
    }

    /// Deletes those that ended before. Returns how many went.
    public int deleteClosedBefore(Instant before) {
        return database.write(client ->
                client.sql("delete from alert where closed_at < ?")
                        .param(before.toEpochMilli())
                        .update());
    }

    private static Kept kept(ResultSet row) throws SQLException {
        return new Kept(
                new Alert(
                        row.getString("subject"), row.getString("code"), row.getString("message")),
                Columns.instant(row, "opened_at"),
                Columns.optionalInstant(row, "closed_at"));
    }
}
