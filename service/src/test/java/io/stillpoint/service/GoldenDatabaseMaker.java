package io.stillpoint.service;

import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.service.base.Tools;
import io.stillpoint.service.config.ConfigFile;
import io.stillpoint.service.control.ControlClient;
import io.stillpoint.service.database.Alerts;
import io.stillpoint.service.database.Cares;
import io.stillpoint.service.database.Database;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.store.LocalStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Makes the texts in `golden`: what a service of this version leaves in its database after backups of a real VM, and, for
/// each record that the last one's journal had, a job that ends there. To be run when a version is released, into a new
/// folder; what earlier versions wrote is never made again (`docs/testing.md`).
final class GoldenDatabaseMaker {
    private static final String POLICIES =
            """
            {"do": "policy apply", "policies": [
              {"name": "gold", "vault": "main",
               "schedule": {"zone": "Europe/Berlin", "hourly": {"every": 4, "from": "08:00", "for": "12h"}, "jitter": "15m"},
               "retention": {"daily": 30, "weekly": {"keep": 12, "on": "sunday"},
                 "monthly": {"keep": 60, "on": "first sunday"},
                 "yearly": {"keep": 10, "in": "january", "on": "first sunday"}},
               "select": {"names": ["web*", "db?"], "tags": {"tier": "gold"}, "without": ["web-test"]},
               "disks": {"without": ["scratch*"], "removable": true, "read-only": true},
               "quality": {"consistency-at-least": "crash", "extension": false, "vss": "agent",
                 "freeze-at-most": "30s", "scripts-at-most": "10m"},
               "bandwidth": {"at-most": "200M", "windows": [{"from": "08:00", "to": "18:00", "at-most": "20M"}]},
               "peak": [{"from": "08:00", "to": "10:00"}]},
              {"name": "bronze", "vault": "main", "schedule": {"zone": "UTC", "weekly": {"on": "sunday", "at": "02:00"}},
               "retention": {"daily": 3}, "select": {"tags": {"tier": "bronze"}}},
              {"name": "nothing", "vault": "main", "schedule": {"zone": "UTC", "daily": {"at": "02:00"}},
               "retention": {"daily": 3}, "disks": {"without": ["*"]}}]}
            """;

    private static final List<String> TABLES =
            List.of("policy", "vm", "job", "job_event", "point", "care", "alert");

    private final Path folder;
    private final ControlClient client;

    private GoldenDatabaseMaker(Path folder) {
        this.folder = folder;
        client = new ControlClient(folder.resolve("control.sock"));
    }

    /// @param arguments an empty folder with a short path to work in, and where the texts go
    public static void main(String... arguments) throws IOException, SQLException {
        GoldenDatabaseMaker maker = new GoldenDatabaseMaker(Path.of(arguments[0]));
        maker.run();
        maker.dump(Path.of(arguments[1]));
    }

    private void run() throws IOException, SQLException {
        KeyFile key = KeyFile.create(folder.resolve("key"), Randomness.secure());
        Vault.init(
                        new LocalStore(folder.resolve("vault")),
                        key,
                        new Vault.Surroundings(
                                Randomness.secure(),
                                InstantSource.system(),
                                ProcessResources.ofThisProcess()))
                .close();
        Path config =
                Files.writeString(
                        folder.resolve("stillpoint.yaml"),
                        """
                        name: golden
                        state: FOLDER/state
                        control: { socket: FOLDER/control.sock }
                        vaults:
                          main: { location: FOLDER/vault, key-file: FOLDER/key }
                        hosts:
                          here: { qemu: { monitors: ["FOLDER/vms/*/backup.qmp"] }, scratch: FOLDER/scratch, scratch-limit: 1G }
                        """
                                .replace("FOLDER", folder.toString()));
        Tools tools =
                new Tools(
                        ProcessResources.ofThisProcess(),
                        InstantSource.system(),
                        Randomness.secure(),
                        Map.of(),
                        Optional.empty(),
                        System.err::println,
                        "stillpoint golden");
        try (RealVm web = RealVm.start(folder.resolve("vms/web"), "web");
                Service _ = Service.start(ConfigFile.read(config), tools)) {
            while (ask("{'do': 'vm list'}").isEmpty()) {
                LockSupport.parkNanos(50_000_000);
            }
            List<JsonNode> _ = client.ask((ObjectNode) Json.parse(POLICIES));
            List<JsonNode> _ =
                    ask("{'do': 'vm tag', 'vm': 'web', 'tags': {'tier': 'bronze', 'owner': 'x'}}");
            List<JsonNode> _ = ask("{'do': 'vm protect', 'vm': 'web', 'policy': 'nothing'}");
            if (!backUp("{'do': 'backup', 'vm': 'web'}").isEmpty()) {
                throw new AssertionError("a backup of no disk");
            }
            List<JsonNode> _ = ask("{'do': 'vm protect', 'vm': 'web', 'policy': 'gold'}");
            web.write(0, 1 << 20, 1);
            String first = backUp("{'do': 'backup', 'vm': 'web'}");
            List<JsonNode> _ =
                    ask(
                            "{'do': 'point pin', 'vm': 'web', 'point': '"
                                    + first
                                    + "', 'reason': 'the audit'}");
            // Each record that the journal has.
            sql("create table kept (record text, snapshot text)");
            sql(
                    "create trigger keep after update of record on job begin"
                            + " insert into kept values (new.record, new.snapshot); end");
            web.write(1 << 20, 1 << 20, 2);
            String _ =
                    backUp(
                            "{'do': 'backup', 'vm': 'web', 'reason': 'before the upgrade', 'keep': '90d'}");
        }
        try (Database database =
                Database.open(new Database.Place.Embedded(folder.resolve("state/stillpoint.db")))) {
            Instant now = Instant.parse("2026-11-27T16:00:00.123Z");
            Alerts alerts = new Alerts(database, "golden");
            Alerts.Alert late = new Alerts.Alert("here/" + vm().text(), "watch.late", "Late.");
            Alerts.Alert away = new Alerts.Alert("main", "watch.vault-away", "Away.");
            Alerts.Changes _ = alerts.settle(List.of(late, away), now);
            Alerts.Changes _ = alerts.settle(List.of(away), now.plusSeconds(60));
            Cares cares = new Cares(database);
            cares.put(
                    new Cares.Care("main", "forget", now, Optional.empty(), "Nothing to forget."));
            cares.put(
                    new Cares.Care(
                            "main", "prune", now, Optional.of("vault.damaged"), "It failed."));
        }
        jobsOfEachRecord();
    }

    private VmId vm() {
        return new VmId(
                java.util
                        .UUID
                        .nameUUIDFromBytes(
                                folder.resolve("vms/web")
                                        .toString()
                                        .getBytes(java.nio.charset.StandardCharsets.UTF_8))
                        .toString());
    }

    /// As if the process had ended with each of them, and the VM's next job had begun all the same.
    private void jobsOfEachRecord() throws SQLException {
        try (Connection connection = connection();
                Statement ask = connection.createStatement();
                ResultSet kept = ask.executeQuery("select record, snapshot from kept")) {
            while (kept.next()) {
                String state = Json.parse(kept.getString(1)).path("state").asString();
                try (var add =
                        connection.prepareStatement(
                                """
                                insert into job (id, host, vm, vault, policy, cause, due_at, deadline, keep_until, reason, state,
                                    attempts, cancel_asked, created_at, started_at, record, snapshot)
                                select ?, host, vm, vault, policy, 'schedule', due_at + 1000, deadline, null, '',
                                    case when ? = 'storing' then 'waiting' when ? = 'held' then 'retrying' else 'running' end,
                                    1, 0, created_at, started_at, ?, ?
                                    from job where reason <> ''
                                """)) {
                    add.setString(1, "at-" + state);
                    add.setString(2, state);
                    add.setString(3, state);
                    add.setString(4, kept.getString(1));
                    add.setString(5, kept.getString(2));
                    int _ = add.executeUpdate();
                }
            }
        }
        sql("drop trigger keep");
        sql("drop table kept");
    }

    private Connection connection() throws SQLException {
        return DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("state/stillpoint.db"));
    }

    private void sql(String statement) throws SQLException {
        try (Connection connection = connection();
                Statement work = connection.createStatement()) {
            boolean _ = work.execute("pragma busy_timeout = 5000");
            boolean _ = work.execute(statement);
        }
    }

    private List<JsonNode> ask(String request) {
        return client.ask((ObjectNode) Json.parse(request.replace('\'', '"')));
    }

    /// The point; empty if it failed.
    private String backUp(String request) {
        String job = ask(request).getFirst().path("job").asString();
        JsonNode end =
                ask("{'do': 'job watch', 'job': '" + job + "'}").stream()
                        .filter(each -> each.has("state"))
                        .toList()
                        .getLast();
        return end.path("point").asString("");
    }

    /// A statement for each line. Nothing in them tells where they were made.
    private void dump(Path to) throws SQLException, IOException {
        List<String> tables = new ArrayList<>();
        List<String> rows = new ArrayList<>();
        try (Connection connection = connection();
                Statement work = connection.createStatement()) {
            try (ResultSet made =
                    work.executeQuery(
                            "select sql from sqlite_master where sql is not null order by rowid")) {
                while (made.next()) {
                    tables.add(
                            made.getString(1).replaceAll("--[^\n]*", "").replaceAll("\\s+", " ")
                                    + ";");
                }
            }
            tables.addAll(rows(work, "flyway_schema_history"));
            for (String table : TABLES) {
                rows.addAll(rows(work, table));
            }
        }
        Files.write(to.resolve("tables.sql"), anonymous(tables));
        Files.write(to.resolve("rows.sql"), anonymous(rows));
    }

    private List<String> anonymous(List<String> lines) {
        return lines.stream()
                .map(line ->
                        line.replace(folder.toString(), "/srv/golden")
                                .replaceAll("\"hostName\":\"[^\"]*\"", "\"hostName\":\"host1\"")
                                .replaceAll(
                                        "\"host\":\"[0-9a-f]{16}\"",
                                        "\"host\":\"0123456789abcdef\""))
                .toList();
    }

    private static List<String> rows(Statement work, String table) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (ResultSet row = work.executeQuery("select * from " + table + " order by rowid")) {
            ResultSetMetaData columns = row.getMetaData();
            while (row.next()) {
                List<String> names = new ArrayList<>();
                List<String> values = new ArrayList<>();
                for (int i = 1; i <= columns.getColumnCount(); i++) {
                    names.add(columns.getColumnName(i));
                    Object value = row.getObject(i);
                    values.add(
                            switch (value) {
                                case null -> "null";
                                case Number number -> number.toString();
                                default -> "'" + value.toString().replace("'", "''") + "'";
                            });
                }
                rows.add(
                        "insert into %s (%s) values (%s);"
                                .formatted(
                                        table,
                                        String.join(", ", names),
                                        String.join(", ", values)));
            }
        }
        return rows;
    }
}
