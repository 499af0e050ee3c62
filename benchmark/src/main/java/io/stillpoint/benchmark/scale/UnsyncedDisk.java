package io.stillpoint.benchmark.scale;

import io.stillpoint.platform.disk.Disk;
import io.stillpoint.platform.disk.DiskFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Predicate;

/// A disk that promises to last and does not: a generated vault need not survive a power cut.
record UnsyncedDisk(Disk disk) implements Disk {
    @Override
    public Optional<Attributes> attributes(Path path) throws IOException {
        return disk.attributes(path);
    }

    @Override
    public void list(Path folder, Visitor visitor) throws IOException {
        disk.list(folder, visitor);
    }

    @Override
    public void list(Path folder, Predicate<String> names, Visitor visitor) throws IOException {
        disk.list(folder, names, visitor);
    }

    @Override
    public void createFolder(Path folder) throws IOException {
        disk.createFolder(folder);
    }

    @Override
    public DiskFile create(Path file) throws IOException {
        return new UnsyncedFile(disk.create(file));
    }

    @Override
    public Path createUnique(Path folder, String suffix) throws IOException {
        return disk.createUnique(folder, suffix);
    }

    @Override
    public void allocate(Path file, long bytes) throws IOException {
        disk.allocate(file, bytes);
    }

    @Override
    public DiskFile open(Path file) throws IOException {
        return disk.open(file);
    }

    @Override
    public void link(Path existing, Path link) throws IOException {
        disk.link(existing, link);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        disk.rename(from, to);
    }

    @Override
    public boolean delete(Path path) throws IOException {
        return disk.delete(path);
    }

    @Override
    public void syncFolder(Path folder) {}

    @Override
    public Optional<Closeable> tryLock(Path file) throws IOException {
        return disk.tryLock(file);
    }

    @Override
    public long usableBytes(Path folder) throws IOException {
        return disk.usableBytes(folder);
    }

    private record UnsyncedFile(DiskFile file) implements DiskFile {
        @Override
        public long size() throws IOException {
            return file.size();
        }

        @Override
        public int read(ByteBuffer into, long offset) throws IOException {
            return file.read(into, offset);
        }

        @Override
        public int write(ByteBuffer from) throws IOException {
            return file.write(from);
        }

        @Override
        public void force() {}

        @Override
        public void close() throws IOException {
            file.close();
        }
    }
}
