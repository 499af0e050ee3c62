package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.images.Occupancy.Purpose;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.ClaimedDevice;
import io.stillpoint.platform.text.Text;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Collectors;

/// A block device, written in place. It is claimed from the first look on, so that nobody mounts it meanwhile, and locked
/// as QEMU locks, so that no VM starts on it. A device has a past: the disk's part of it is filled with zeros before the
/// first byte is written, as a new disk would be. What lies behind is left alone.
final class DeviceTarget implements RestoreTarget {
    private static final long ZEROED_AT_ONCE = 64L << 20;
    private static final int ZEROS_BYTES = 1 << 20;

    /// What the system's own programs open for a moment whenever a device appears or is closed.
    private static final int TRIES = 20;

    private static final long PAUSE_MILLIS = 100;

    /// Bytes and number of QEMU's locks: see [Occupancy].
    private static final long PERMISSIONS = 100;

    private static final long SHARED = 200;
    private static final int PERMISSION_COUNT = 4;

    private final Path path;
    private final ClaimedDevice device;
    private final FileChannel channel;
    private final long size;
    private final List<Text> warnings;
    private boolean isCleared;

    private DeviceTarget(
            Path path, ClaimedDevice device, FileChannel channel, long size, List<Text> warnings) {
        this.path = path;
        this.device = device;
        this.channel = channel;
        this.size = size;
        this.warnings = warnings;
    }

    /// Looks whether the device may be overwritten; writes nothing.
    ///
    /// @param mayOverwrite whether what its signatures say it holds may be lost. Never allows more than that.
    static DeviceTarget open(Path path, long size, boolean mayOverwrite) {
        requireUnused(path);
        try {
            return claimed(path, size, mayOverwrite);
        } catch (IOException e) {
            throw Reason.kind(e) == Reason.BUSY
                    ? ImageErrors.of("restore.device-in-use", path, Reason.of(e))
                    : ImageErrors.failed(path, e);
        }
    }

    private static DeviceTarget claimed(Path path, long size, boolean mayOverwrite)
            throws IOException {
        ClaimedDevice device = ClaimedDevice.open(path);
        boolean done = false;
        FileChannel channel = null;
        try {
            // Not everybody claims what he uses, and some may have come meanwhile.
            requireUnused(path);
            List<Text> warnings;
            try (BlockSource present = RawSource.open(device.path())) {
                if (present.size() < size) {
                    throw ImageErrors.of(
                            "restore.device-too-small",
                            path,
                            Long.toString(present.size()),
                            Long.toString(size));
                }
                warnings = look(path, Region.of(present), size, mayOverwrite);
            }
            channel = device.channel();
            boolean isLocked =
                    channel.tryLock(PERMISSIONS, PERMISSION_COUNT, true) != null
                            && channel.tryLock(SHARED, PERMISSION_COUNT, true) != null;
            if (!isLocked) {
                throw ImageErrors.of("restore.device-in-use", path, text("occupied.locked"));
            }
            done = true;
            return new DeviceTarget(path, device, channel, size, warnings);
        } finally {
            if (!done) {
                if (channel != null) {
                    channel.close();
                }
                device.close();
            }
        }
    }

    private static void requireUnused(Path path) {
        try {
            Optional<Text> user = Occupancy.of(path, Purpose.OVERWRITE);
            for (int i = 0; i < TRIES && user.isPresent() && isPassing(user.get()); i++) {
                Thread.sleep(PAUSE_MILLIS);
                user = Occupancy.of(path, Purpose.OVERWRITE);
            }
            if (user.isPresent()) {
                throw ImageErrors.of("restore.device-in-use", path, user.get());
            }
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ImageErrors.of("restore.device-in-use", path, "interrupted");
        }
    }

    private static boolean isPassing(Text user) {
        return user.quotes("udev") || user.quotes("blkid") || user.quotes("wipefs");
    }

    private static List<Text> look(Path path, Region device, long size, boolean mayOverwrite) {
        TreeSet<String> found =
                Content.signatures(device).stream()
                        .map(Content::title)
                        .collect(Collectors.toCollection(TreeSet::new));
        if (found.isEmpty()) {
            found.addAll(known(path));
        }
        String titles = String.join(", ", found);
        if (!found.isEmpty() && !mayOverwrite) {
            throw ImageErrors.of("restore.device-has-content", path, titles);
        }
        if (!found.isEmpty()) {
            return List.of(text("restore.device-overwritten", path, titles));
        }
        return device.part(0, size).isZero()
                ? List.of()
                : List.of(text("restore.device-not-empty", path));
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(HypervisorException.class, code, arguments);
    }

    /// What util-linux knows, which is more than we do. Its absence says nothing.
    private static List<String> known(Path path) {
        if (!StorageDaemon.isInstalled("wipefs")) {
            return List.of();
        }
        try {
            Process process =
                    new ProcessBuilder(
                                    "wipefs",
                                    "--no-act",
                                    "--noheadings",
                                    "--output",
                                    "TYPE",
                                    path.toString())
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            process.waitFor();
            return output.lines().map(String::strip).filter(line -> !line.isEmpty()).toList();
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw ImageErrors.of("restore.device-in-use", path, "interrupted");
        }
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public List<Text> warnings() {
        return warnings;
    }

    @Override
    public synchronized boolean needsClearing() {
        return !isCleared;
    }

    @Override
    public synchronized void clear(Cancellation cancellation) {
        if (isCleared) {
            return;
        }
        try {
            int sector = device.sectorBytes();
            long whole = size / sector * sector;
            boolean isOffloaded = true;
            for (long at = 0; at < whole; ) {
                cancellation.check();
                long length = Math.min(ZEROED_AT_ONCE, whole - at);
                isOffloaded = isOffloaded && isZeroed(at, length);
                if (!isOffloaded) {
                    writeZeros(at, length);
                }
                at += length;
            }
            writeZeros(whole, size - whole);
            isCleared = true;
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    private boolean isZeroed(long offset, long length) {
        try {
            device.zero(offset, length);
            return true;
        } catch (IOException e) {
            // It knows no such command; if it is broken, writing will say so.
            return false;
        }
    }

    private void writeZeros(long offset, long length) throws IOException {
        for (long done = 0; done < length; ) {
            int count = (int) Math.min(ZEROS_BYTES, length - done);
            ByteBuffer zeros = ByteBuffer.allocate(count);
            while (zeros.hasRemaining()) {
                channel.write(zeros, offset + done + zeros.position());
            }
            done += count;
        }
    }

    @Override
    public void write(long offset, byte[] from, int at, int length) {
        Objects.checkFromIndexSize(offset, length, size);
        clear(new Cancellation());
        ByteBuffer buffer = ByteBuffer.wrap(from, at, length);
        try {
            while (buffer.hasRemaining()) {
                channel.write(buffer, offset + buffer.position() - at);
            }
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    @Override
    public void flush() {
        try {
            channel.force(true);
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    @Override
    public void commit() {
        clear(new Cancellation());
        flush();
    }

    @Override
    public void close() {
        try (device) {
            channel.close();
        } catch (IOException e) {
            throw ImageErrors.failed(path, e);
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
