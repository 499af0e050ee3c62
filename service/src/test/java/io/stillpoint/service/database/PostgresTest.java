package io.stillpoint.service.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// A real server of its own, from Maven Central, on a port of its own.
class PostgresTest extends DatabaseContract {
    private static EmbeddedPostgres server;
    private static int count;

    @BeforeAll
    static void start() throws IOException {
        server = EmbeddedPostgres.builder().start();
    }

    @AfterAll
    static void stop() throws IOException {
        server.close();
    }

    @Override
    Database.Place place() throws SQLException {
        String name = "test" + ++count;
        try (Connection connection = server.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute("create database " + name);
        }
        return new Database.Place.Server(
                "jdbc:postgresql://localhost:" + server.getPort() + "/" + name, "postgres", "");
    }

    @Test
    void serverThatIsNotThereIsTold() {
        Database.Place nowhere =
                new Database.Place.Server("jdbc:postgresql://localhost:1/x", "nobody", "secret");
        assertThatThrownBy(() -> Database.open(nowhere).close())
                .isInstanceOfSatisfying(
                        DatabaseException.class,
                        e -> assertThat(e.kind()).isEqualTo(DatabaseException.Kind.AWAY))
                .hasMessageContaining("localhost:1")
                .hasMessageNotContaining("secret");
    }

    @Test
    void connectionThatTheServerCutsIsMadeAnew() throws SQLException {
        new Policies(database).all();
        try (Connection connection = server.getPostgresDatabase().getConnection();
                Statement statement = connection.createStatement()) {
            statement.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()");
        }
        Policies policies = new Policies(database);
        int failures = 0;
        while (true) {
            try {
                assertThat(policies.all()).isEmpty();
                break;
            } catch (DatabaseException e) {
                assertThat(e.kind()).isEqualTo(DatabaseException.Kind.AWAY);
                assertThat(++failures).isLessThan(20);
            }
        }
    }
}
