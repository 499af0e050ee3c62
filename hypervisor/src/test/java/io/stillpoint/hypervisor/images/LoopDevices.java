package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.Binaries;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.LockSupport;

/// Block devices over files, and what is mounted from them; all of it goes when this is closed.
final class LoopDevices implements AutoCloseable {
    private final Deque<String[]> undo = new ArrayDeque<>();

    /// Skips the test, or fails it in CI, where there can't be any.
    static LoopDevices require(Path folder) {
        Binaries.require("losetup");
        LoopDevices devices = new LoopDevices();
        try {
            Path probe = Files.write(folder.resolve("loop-probe"), new byte[4096]);
            devices.attach(probe);
            devices.close();
            Files.delete(probe);
            return devices;
        } catch (IllegalStateException | IOException e) {
            throw Binaries.absent("no loop devices here: " + e.getMessage());
        }
    }

    Path attach(Path file, String... options) {
        String[] command = new String[options.length + 4];
        command[0] = "losetup";
        System.arraycopy(options, 0, command, 1, options.length);
        command[options.length + 1] = "-f";
        command[options.length + 2] = "--show";
        command[options.length + 3] = file.toString();
        Path device = Path.of(Binaries.run(command).strip());
        undo.push(new String[] {"losetup", "-d", device.toString()});
        return device;
    }

    /// A device over a new file of zeros.
    Path make(Path file, long size, String... options) throws IOException {
        try (RandomAccessFile made = new RandomAccessFile(file.toFile(), "rw")) {
            made.setLength(size);
        }
        return attach(file, options);
    }

    /// In sectors of 512 bytes. Goes before the device does, which would leave it to the next one of its name.
    void partition(Path device, int number, long start, long length) {
        String which = Integer.toString(number);
        Binaries.run(
                "addpart", device.toString(), which, Long.toString(start), Long.toString(length));
        undo.push(new String[] {"delpart", device.toString(), which});
    }

    void mount(Path device, Path at, String... options) {
        String[] command = new String[options.length + 3];
        command[0] = "mount";
        System.arraycopy(options, 0, command, 1, options.length);
        command[options.length + 1] = device.toString();
        command[options.length + 2] = at.toString();
        Binaries.run(command);
        undo.push(new String[] {"umount", at.toString()});
    }

    /// Returns when nobody has it mounted any more: a process of another test that began with a copy of our mounts keeps
    /// the file system until it ends.
    void unmount(Path at) {
        Binaries.run("umount", at.toString());
        while (isMountedAnywhere(at)) {
            LockSupport.parkNanos(20_000_000);
        }
        undo.removeIf(command -> command[0].equals("umount") && command[1].equals(at.toString()));
    }

    private static boolean isMountedAnywhere(Path at) {
        return ProcessHandle.allProcesses()
                .map(process -> Path.of("/proc", Long.toString(process.pid()), "mountinfo"))
                .anyMatch(mounts -> has(mounts, " " + at + " "));
    }

    private static boolean has(Path mounts, String text) {
        try {
            return Files.readString(mounts).contains(text);
        } catch (IOException e) {
            // The process has ended.
            return false;
        }
    }

    @Override
    public void close() {
        while (!undo.isEmpty()) {
            Binaries.run(undo.pop());
        }
    }
}
