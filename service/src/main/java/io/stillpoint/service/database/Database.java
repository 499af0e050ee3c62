package io.stillpoint.service.database;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.stillpoint.platform.Sha256;
import io.stillpoint.platform.disk.FileLocks;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.OtherUsers;
import io.stillpoint.service.database.DatabaseException.Kind;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationState;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.dao.QueryTimeoutException;
import org.springframework.dao.TransientDataAccessException;
import org.springframework.jdbc.CannotGetJdbcConnectionException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.TransactionException;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.transaction.support.TransactionTemplate;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/// The service's database, open. What [#write] has done when it returns survives any crash. Safe for many threads.
public final class Database implements AutoCloseable {
    private static final Duration BUSY_MAX = Duration.ofSeconds(10);
    private static final Duration CONNECT_MAX = Duration.ofSeconds(10);

    /// For how long a database that is not there is tried at the start.
    private static final Duration OPEN_MAX = Duration.ofSeconds(2);

    private static final int CONNECTIONS = 8;
    private static final String SCHEMA = "classpath:io/stillpoint/service/database/schema";

    private final HikariDataSource source;
    private final String place;
    private final boolean isShared;

    /// Of SQLite.
    private final Optional<Path> file;

    private final JdbcClient client;
    private final TransactionTemplate transactions;

    /// Where a database is.
    public sealed interface Place {
        /// A file of SQLite, made if it is not there, for its user alone.
        record Embedded(Path file) implements Place {
            @Override
            public String toString() {
                return file.toString();
            }
        }

        /// A database of PostgreSQL.
        ///
        /// @param url `jdbc:postgresql://HOST:PORT/NAME`
        record Server(String url, String user, String password) implements Place {
            /// Without the password, and without parameters, where another may be.
            @Override
            public String toString() {
                return url.replaceFirst("\\?.*", "").replaceFirst("//[^/@]*@", "//");
            }
        }
    }

    private Database(HikariDataSource source, Place place) {
        this.source = source;
        this.place = place.toString();
        isShared = place instanceof Place.Server;
        file =
                place instanceof Place.Embedded embedded
                        ? Optional.of(embedded.file())
                        : Optional.empty();
        client = JdbcClient.create(source);
        transactions = new TransactionTemplate(new JdbcTransactionManager(source));
    }

    /// Opens it, and brings its tables to the version of this program.
    ///
    /// Throws a [DatabaseException] of kind AWAY if it does not answer, NEWER if a newer program has changed it.
    public static Database open(Place place) {
        HikariConfig config = new HikariConfig();
        config.setMaximumPoolSize(CONNECTIONS);
        config.setConnectionTimeout(CONNECT_MAX.toMillis());
        config.setInitializationFailTimeout(OPEN_MAX.toMillis());
        config.setPoolName("stillpoint");
        Map<String, String> types =
                switch (place) {
                    case Place.Embedded embedded -> {
                        requireOurs(embedded.file());
                        config.setDataSource(sqlite(embedded.file()));
                        config.setExceptionOverrideClassName(Eviction.class.getName());
                        yield Map.of("blob", "blob", "instant", "timestamp", "truth", "bit");
                    }
                    case Place.Server server -> {
                        config.setJdbcUrl(server.url());
                        config.setUsername(server.user());
                        config.setPassword(server.password());
                        yield Map.of(
                                "blob", "bytea",
                                "instant", "timestamp with time zone",
                                "truth", "boolean");
                    }
                };
        HikariDataSource source = connected(config, place);
        boolean done = false;
        try {
            migrate(source, place, types);
            Database database = new Database(source, place);
            done = true;
            return database;
        } finally {
            if (!done) {
                source.close();
            }
        }
    }

    private static HikariDataSource connected(HikariConfig config, Place place) {
        try {
            return new HikariDataSource(config);
        } catch (RuntimeException e) {
            throw new DatabaseException(Kind.AWAY, "database.unreachable", e, place, root(e));
        }
    }

    private static DataSource sqlite(Path file) {
        try {
            Files.createFile(
                    file,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rw-------")));
        } catch (FileAlreadyExistsException e) {
            // Made by an earlier start.
        } catch (IOException e) {
            throw new DatabaseException(Kind.REFUSED, "database.refused", e, file, Reason.of(e));
        }
        SQLiteConfig config = new SQLiteConfig();
        config.setJournalMode(SQLiteConfig.JournalMode.WAL);
        config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
        config.setBusyTimeout((int) BUSY_MAX.toMillis());
        config.enforceForeignKeys(true);
        // A transaction that reads first could not become one that writes if another wrote
        // meanwhile.
        config.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
        SQLiteDataSource source = new SQLiteDataSource(config);
        source.setUrl("jdbc:sqlite:" + file);
        return source;
    }

    private static void migrate(DataSource source, Place place, Map<String, String> types) {
        try {
            Flyway flyway =
                    Flyway.configure()
                            .dataSource(source)
                            .locations(SCHEMA)
                            .placeholders(types)
                            .load();
            for (MigrationInfo each : flyway.info().applied()) {
                if (each.getState() == MigrationState.FUTURE_SUCCESS
                        || each.getState() == MigrationState.FUTURE_FAILED) {
                    throw new DatabaseException(
                            Kind.NEWER,
                            "database.newer",
                            null,
                            place,
                            String.valueOf(each.getVersion()),
                            newest(flyway));
                }
            }
            flyway.migrate();
        } catch (FlywayException e) {
            throw new DatabaseException(Kind.REFUSED, "database.refused", e, place, root(e));
        }
    }

    private static String newest(Flyway flyway) {
        String newest = "0";
        for (MigrationInfo each : flyway.info().all()) {
            if (each.getState() != MigrationState.FUTURE_SUCCESS
                    && each.getState() != MigrationState.FUTURE_FAILED) {
                newest = String.valueOf(each.getVersion());
            }
        }
        return newest;
    }

    /// Asks something.
    public <T> T read(Function<JdbcClient, T> question) {
        try {
            return question.apply(client);
        } catch (DataAccessException e) {
            throw failure(e);
        }
    }

    /// Changes something, all of it or nothing. It lasts when this returns; if this throws, it may last or not.
    public <T> T write(Function<JdbcClient, T> change) {
        try {
            return Objects.requireNonNull(transactions.execute(_ -> change.apply(client)));
        } catch (DataAccessException | TransactionException e) {
            throw failure(e);
        }
    }

    private DatabaseException failure(RuntimeException failed) {
        // A connection that is given up at once can't be rolled back either: what failed first
        // counts.
        RuntimeException e =
                failed instanceof TransactionSystemException later
                                && later.getApplicationException()
                                        instanceof DataAccessException first
                        ? first
                        : failed;
        boolean isAway =
                e instanceof TransientDataAccessException
                        || e instanceof QueryTimeoutException
                        || e instanceof DataAccessResourceFailureException
                        || e instanceof CannotGetJdbcConnectionException
                        || e instanceof TransactionException
                        || isConnection(e);
        return isAway
                ? new DatabaseException(Kind.AWAY, "database.unreachable", e, place, root(e))
                : new DatabaseException(Kind.REFUSED, "database.refused", e, place, root(e));
    }

    /// SQL's class 08 are failures of the connection, 57 an end by the operator (PostgreSQL, appendix A).
    private static boolean isConnection(Throwable e) {
        for (Throwable each = e; each != null; each = each.getCause()) {
            if (each instanceof SQLException sql
                    && sql.getSQLState() != null
                    && (sql.getSQLState().startsWith("08") || sql.getSQLState().startsWith("57"))) {
                return true;
            }
        }
        return false;
    }

    /// The words of the innermost cause: those of the database itself.
    private static String root(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage()).lines().findFirst().orElse("").strip();
    }

    /// Whether several servers can use it.
    public boolean isShared() {
        return isShared;
    }

    /// A lock of the database that lasts until it is closed, or the connection to the database ends; empty if another process
    /// has it.
    ///
    /// @param name of the lock; a database that is a file has but one
    public Optional<AutoCloseable> lock(String name) {
        if (file.isPresent()) {
            return lock(file.get());
        }
        long key = Long.parseUnsignedLong(Sha256.hex(name, Long.BYTES), 16);
        try {
            Connection connection = direct();
            boolean done = false;
            try (PreparedStatement statement =
                    connection.prepareStatement("select pg_try_advisory_lock(?)")) {
                statement.setLong(1, key);
                try (ResultSet answer = statement.executeQuery()) {
                    done = answer.next() && answer.getBoolean(1);
                }
                return done ? Optional.of(connection) : Optional.empty();
            } finally {
                if (!done) {
                    connection.close();
                }
            }
        } catch (SQLException e) {
            throw new DatabaseException(Kind.AWAY, "database.unreachable", e, place, root(e));
        }
    }

    /// Who can change the file or its folder can change what is backed up and kept.
    private static void requireOurs(Path file) {
        try {
            Path folder = file.toAbsolutePath().getParent();
            boolean isTheirs =
                    folder == null
                            || OtherUsers.mayChange(folder)
                            || OtherUsers.linkOn(file.toAbsolutePath().normalize()).isPresent()
                            || (Files.exists(file) && OtherUsers.mayChange(file));
            if (isTheirs) {
                throw new DatabaseException(Kind.REFUSED, "database.other-users", null, file);
            }
        } catch (IOException e) {
            throw new DatabaseException(
                    Kind.REFUSED, "database.refused", e, file, Reason.of(e).toString());
        }
    }

    /// Beside the file: SQLite's own locks come and go.
    private Optional<AutoCloseable> lock(Path database) {
        Path lock = database.resolveSibling(database.getFileName() + ".lock");
        try {
            return FileLocks.tryLockOrCreate(lock, FileLocks.Range.ALL).map(each -> each);
        } catch (IOException e) {
            throw new DatabaseException(
                    Kind.REFUSED, "database.refused", e, place, Reason.of(e).toString());
        }
    }

    /// Not of the pool, which would end it.
    private Connection direct() throws SQLException {
        return DriverManager.getConnection(
                source.getJdbcUrl(), source.getUsername(), source.getPassword());
    }

    /// Makes rows of the scheduler free that a server of this name had when its process ended. Returns how many.
    public int releasePicked(String server) {
        return write(client ->
                client.sql(
                                """
                                update scheduled_tasks set picked = ?, picked_by = null, last_heartbeat = null,
                                    version = version + 1 where picked_by = ?
                                """)
                        .params(false, server)
                        .update());
    }

    /// For a library that has SQL of its own.
    public DataSource source() {
        return source;
    }

    /// For people.
    @Override
    public String toString() {
        return place;
    }

    @Override
    public void close() {
        source.close();
    }
}
