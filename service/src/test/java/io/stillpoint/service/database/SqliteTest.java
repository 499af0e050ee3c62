package io.stillpoint.service.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
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
}
