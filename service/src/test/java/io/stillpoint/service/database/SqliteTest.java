package io.stillpoint.service.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SqliteTest extends DatabaseContract {
    @TempDir Path folder;

    @Override
    Database.Place place() {
        return new Database.Place.Embedded(folder.resolve("stillpoint.db"));
    }

    @Test
    void commitsSurviveAPowerCutAndNobodyElseReadsThem() throws IOException {
        String mode =
                database.read(
                        client -> client.sql("pragma journal_mode").query(String.class).single());
        int synchronous =
                database.read(
                        client -> client.sql("pragma synchronous").query(Integer.class).single());
        assertThat(mode).isEqualTo("wal");
        assertThat(synchronous).as("full").isEqualTo(2);
        new Policies(database).put("a", "{}", java.time.Instant.EPOCH);
        try (var files = Files.list(folder)) {
            assertThat(files)
                    .isNotEmpty()
                    .allSatisfy(file ->
                            assertThat(
                                            PosixFilePermissions.toString(
                                                    Files.getPosixFilePermissions(file)))
                                    .isEqualTo("rw-------"));
        }
    }

    @Test
    void placeThatCannotBeIsTold() {
        Path nowhere = folder.resolve("no/such/folder/x.db");
        assertThatThrownBy(() -> Database.open(new Database.Place.Embedded(nowhere)).close())
                .isInstanceOf(DatabaseException.class)
                .hasMessageContaining(nowhere.toString());
    }

    @Test
    void fileThatOthersMayChangeIsRefused() throws IOException {
        Path file = Files.createFile(folder.resolve("open.db"));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
        assertThatThrownBy(() -> Database.open(new Database.Place.Embedded(file)).close())
                .isInstanceOfSatisfying(
                        DatabaseException.class,
                        e -> assertThat(e.code()).isEqualTo("database.other-users"));
        Path shared = Files.createDirectory(folder.resolve("shared"));
        Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThatThrownBy(() ->
                        Database.open(new Database.Place.Embedded(shared.resolve("x.db"))).close())
                .isInstanceOfSatisfying(
                        DatabaseException.class,
                        e -> assertThat(e.code()).isEqualTo("database.other-users"));
        assertThat(shared).isEmptyDirectory();
    }

    @Test
    void fileThatIsNoDatabaseIsRefusedAndStays() throws IOException {
        Path file =
                Files.writeString(
                        folder.resolve("text"),
                        "not a database, but a text that is long enough".repeat(50));
        assertThatThrownBy(() -> Database.open(new Database.Place.Embedded(file)).close())
                .isInstanceOf(DatabaseException.class)
                .hasMessageContaining(file.toString());
        assertThat(Files.readString(file)).startsWith("not a database");
    }

    /// Once the driver had failed to begin a transaction, each later commit failed.
    @Test
    void lockOfAnotherProgramIsForgottenOnceItIsGone() throws Exception {
        Policies policies = new Policies(database);
        policies.put("a", "{}", java.time.Instant.EPOCH);
        try (Connection other =
                        DriverManager.getConnection(
                                "jdbc:sqlite:" + folder.resolve("stillpoint.db"));
                Statement statement = other.createStatement()) {
            statement.execute("begin exclusive");
            List<Thread> writers = new ArrayList<>();
            List<DatabaseException> failures = Collections.synchronizedList(new ArrayList<>());
            for (int i = 0; i < 10; i++) {
                String name = "b" + i;
                writers.add(
                        Thread.ofPlatform()
                                .start(() -> {
                                    try {
                                        policies.put(name, "{}", java.time.Instant.EPOCH);
                                    } catch (DatabaseException e) {
                                        failures.add(e);
                                    }
                                }));
            }
            for (Thread each : writers) {
                each.join();
            }
            assertThat(failures)
                    .hasSize(10)
                    .allMatch(each -> each.kind() == DatabaseException.Kind.AWAY);
            statement.execute("rollback");
        }
        for (int i = 0; i < 20; i++) {
            policies.put("c" + i, "{}", java.time.Instant.EPOCH);
        }
        assertThat(policies.all()).hasSize(21);
    }
}
