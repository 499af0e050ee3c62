package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.nbd.NbdTarget;
import io.stillpoint.platform.Threads;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Optional;

/// A qcow2 image, written by a `qemu-storage-daemon` over several connections.
final class Qcow2Target implements RestoreTarget {
    private final Path path;
    private final PartialFile file;
    private final StorageDaemon daemon;
    private final NbdTarget target;
    private final long size;

    private Qcow2Target(
            Path path, PartialFile file, StorageDaemon daemon, NbdTarget target, long size) {
        this.path = path;
        this.file = file;
        this.daemon = daemon;
        this.target = target;
        this.size = size;
    }

    static Qcow2Target create(Path path, long size, Threads threads) {
        PartialFile file = PartialFile.create(path);
        StorageDaemon daemon = null;
        boolean done = false;
        try {
            format(path, file.partial(), size);
            daemon = StorageDaemon.write(file.partial(), threads);
            NbdTarget target = daemon.target();
            done = true;
            return new Qcow2Target(path, file, daemon, target, size);
        } finally {
            if (!done) {
                if (daemon != null) {
                    daemon.close();
                }
                file.close();
            }
        }
    }

    @Override
    public Optional<Path> partial() {
        return Optional.of(file.partial());
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public void write(long offset, byte[] from, int at, int length) {
        Objects.checkFromIndexSize(offset, length, size);
        try {
            target.write(offset, from, at, length);
        } catch (HypervisorException e) {
            throw why(e);
        }
    }

    @Override
    public void flush() {
        try {
            target.flush();
        } catch (HypervisorException e) {
            throw why(e);
        }
    }

    /// The daemon only knows that its write failed.
    private HypervisorException why(HypervisorException e) {
        return ImageErrors.isFull(file.partial())
                ? ImageErrors.noSpace(path, e)
                : new HypervisorException(Kind.IMAGE, "image.storage-daemon-failed", e, path, e);
    }

    @Override
    public void commit() {
        flush();
        target.close();
        try {
            daemon.stop();
        } catch (HypervisorException e) {
            throw why(e);
        }
        file.commit();
    }

    @Override
    public void close() {
        target.close();
        daemon.close();
        file.close();
    }

    @Override
    public String toString() {
        return path.toString();
    }

    private static void format(Path path, Path partial, long size) {
        if (!StorageDaemon.isInstalled("qemu-img")) {
            throw new HypervisorException(Kind.UNSUPPORTED, "image.no-qemu-img", null, path);
        }
        try {
            Process process =
                    new ProcessBuilder(
                                    "qemu-img",
                                    "create",
                                    "-q",
                                    "-f",
                                    "qcow2",
                                    partial.toString(),
                                    Long.toString(size))
                            .redirectErrorStream(true)
                            .start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw ImageErrors.isFull(partial)
                        ? ImageErrors.noSpace(path, new IOException(output.strip()))
                        : ImageErrors.of("image.storage-daemon-failed", path, output.strip());
            }
        } catch (IOException e) {
            throw ImageErrors.failed(partial, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ImageErrors.of("image.storage-daemon-failed", partial, "interrupted");
        }
    }
}
