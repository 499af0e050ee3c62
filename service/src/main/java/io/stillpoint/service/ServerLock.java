package io.stillpoint.service;

import io.stillpoint.platform.disk.FileLocks;
import io.stillpoint.platform.disk.FileLocks.Range;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.LockedFile;
import io.stillpoint.platform.natives.OtherUsers;
import io.stillpoint.service.database.Database;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;

/// Says that one process alone is the server of a name: a locked file in the state folder, and a lock of the database, which
/// a file of SQLite has for one server alone. Both end with the process.
final class ServerLock implements AutoCloseable {
    private final String name;
    private final LockedFile file;
    private Optional<AutoCloseable> shared = Optional.empty();

    private ServerLock(String name, LockedFile file) {
        this.name = name;
        this.file = file;
    }

    /// Takes the state folder, and makes it if need be. Throws a [ServiceException] if another process has it.
    static ServerLock of(String name, Path state) {
        try {
            Files.createDirectories(
                    state,
                    PosixFilePermissions.asFileAttribute(
                            PosixFilePermissions.fromString("rwx------")));
            if (OtherUsers.linkOn(state).isPresent() || OtherUsers.mayChange(state)) {
                throw ServiceException.otherUsers(state);
            }
            return new ServerLock(
                    name,
                    FileLocks.tryLockOrCreate(state.resolve("lock"), Range.ALL)
                            .orElseThrow(() -> ServiceException.running(name, state)));
        } catch (IOException e) {
            throw ServiceException.state(state, Reason.of(e), e);
        }
    }

    /// Takes the name among the servers of a database. Throws a [ServiceException] if another process has it.
    void take(Database database) {
        shared = database.lock("stillpoint server " + name);
        if (shared.isEmpty()) {
            throw database.isShared()
                    ? ServiceException.sameName(name, database)
                    : ServiceException.databaseInUse(database);
        }
    }

    @Override
    public void close() {
        try {
            if (shared.isPresent()) {
                shared.get().close();
            }
            file.close();
        } catch (Exception e) {
            // It ends with the process at the latest.
        }
    }
}
