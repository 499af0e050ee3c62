package io.stillpoint.service;

import io.stillpoint.platform.disk.Reason;
import io.stillpoint.service.database.Database;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;

/// Says that one process alone is the server of a name: a locked file in the state folder, and a lock of the database where
/// several servers share it. Both end with the process.
final class ServerLock implements AutoCloseable {
    private final FileChannel file;
    private final Optional<AutoCloseable> database;

    private ServerLock(FileChannel file, Optional<AutoCloseable> database) {
        this.file = file;
        this.database = database;
    }

    /// Throws a [ServiceException] if another process has it.
    static ServerLock take(String name, Path state, Database database) {
        try {
            Files.createDirectories(state);
            FileChannel file =
                    FileChannel.open(
                            state.resolve("service.lock"),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE);
            boolean done = false;
            try {
                if (file.tryLock() == null) {
                    throw ServiceException.running(name, state);
                }
                Optional<AutoCloseable> shared = database.lock("stillpoint server " + name);
                if (shared.isEmpty() && database.isShared()) {
                    throw ServiceException.sameName(name, database);
                }
                done = true;
                return new ServerLock(file, shared);
            } finally {
                if (!done) {
                    file.close();
                }
            }
        } catch (OverlappingFileLockException e) {
            throw ServiceException.running(name, state);
        } catch (IOException e) {
            throw ServiceException.state(state, Reason.of(e), e);
        }
    }

    @Override
    public void close() {
        try {
            if (database.isPresent()) {
                database.get().close();
            }
            file.close();
        } catch (Exception e) {
            // It ends with the process at the latest.
        }
    }
}
