package io.stillpoint.service.database;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;

/// A database as version 1 has left it.
public final class GoldenDatabase {
    private GoldenDatabase() {}

    /// Makes it as a file of SQLite. Returns the file.
    public static Path sqlite(Path file) throws IOException, SQLException {
        Path made =
                Files.createFile(
                        file,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rw-------")));
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + made)) {
            run(connection, "tables.sql");
            run(connection, "rows.sql");
        }
        return made;
    }

    /// Runs the statements of a text, one a line.
    static void run(Connection connection, String name) throws SQLException, IOException {
        try (InputStream in = GoldenDatabase.class.getResourceAsStream("golden/v1/" + name);
                Statement statement = connection.createStatement()) {
            String text =
                    new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
            connection.setAutoCommit(false);
            for (String line : text.lines().toList()) {
                boolean _ = statement.execute(line);
            }
            connection.commit();
        }
    }
}
