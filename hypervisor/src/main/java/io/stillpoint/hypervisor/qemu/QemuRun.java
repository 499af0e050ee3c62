package io.stillpoint.hypervisor.qemu;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// The QEMU process behind a monitor's socket, as Linux tells of it under `/proc`. What can't be seen, as for a user
/// who may not look at that process, is absent and never guessed.
///
/// @param pid its number
/// @param identity names this run of the process and no other: boot, number and moment of start
record QemuRun(long pid, String identity) {
    private static final Path PROC = Path.of("/proc");

    /// States of a process that has ended, though its parent has not asked for its status yet (proc(5)).
    private static final Set<String> ENDED = Set.of("Z", "X", "x");

    /// `__SO_ACCEPTCON`: the socket listens.
    private static final long LISTENS = 0x10000;

    /// The byte that QEMU locks while nobody else may write the image: RAW_LOCK_SHARED_BASE + bit of BLK_PERM_WRITE
    /// (block/file-posix.c).
    private static final long UNSHARED_WRITE = 200 + 1;

    /// The one process that listens on this socket; empty if none or several can be seen.
    ///
    /// @param socket links resolved
    static Optional<QemuRun> listeningOn(Path socket) {
        try {
            Map<String, String> names = listeners(String.valueOf(socket.getFileName()));
            List<Long> found = new ArrayList<>();
            try (DirectoryStream<Path> processes = Files.newDirectoryStream(PROC, "[1-9]*")) {
                for (Path process : processes) {
                    if (holds(process, names, socket)) {
                        found.add(Long.parseLong(process.getFileName().toString()));
                    }
                }
            }
            return found.size() == 1
                    ? Optional.of(new QemuRun(found.getFirst(), identity(found.getFirst())))
                    : Optional.empty();
        } catch (IOException | DirectoryIteratorException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    /// A file as this process sees it: relative to its working folder, within its root.
    Path file(String name) {
        Path folder = PROC.resolve(Long.toString(pid));
        return name.startsWith("/")
                ? folder.resolve("root").resolve(name.substring(1))
                : folder.resolve("cwd").resolve(name);
    }

    /// The name of a file of this process made absolute, links resolved, for people and records.
    String absolute(String name) {
        try {
            return file(name).toRealPath().toString();
        } catch (IOException e) {
            // Not there under this name for us: told as QEMU has it.
        }
        if (name.startsWith("/")) {
            return Path.of(name).normalize().toString();
        }
        try {
            return Files.readSymbolicLink(PROC.resolve(Long.toString(pid)).resolve("cwd"))
                    .resolve(name)
                    .normalize()
                    .toString();
        } catch (IOException e) {
            return name;
        }
    }

    /// Whether this process has the file open, and each time with the lock by which QEMU lets nobody else write it.
    /// The lock of another process does not count.
    boolean keepsOthersFromWriting(FileId file) {
        int open = 0;
        int locked = 0;
        try (DirectoryStream<Path> descriptors =
                Files.newDirectoryStream(PROC.resolve(Long.toString(pid)).resolve("fd"))) {
            for (Path descriptor : descriptors) {
                if (FileId.of(descriptor).filter(file::equals).isPresent()) {
                    open++;
                    locked += hasLock(descriptor, UNSHARED_WRITE) ? 1 : 0;
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            return false;
        }
        return open > 0 && locked == open;
    }

    private boolean hasLock(Path descriptor, long at) throws IOException {
        Path info =
                PROC.resolve(Long.toString(pid))
                        .resolve("fdinfo")
                        .resolve(descriptor.getFileName());
        for (String line : Files.readAllLines(info, StandardCharsets.ISO_8859_1)) {
            // lock:	1: OFDLCK ADVISORY  READ -1 fe:00:2191835 201 201
            String[] words = line.strip().split("\\s+");
            if (line.startsWith("lock:")
                    && words.length >= 8
                    && words[2].equals("OFDLCK")
                    && Long.parseLong(words[words.length - 2]) <= at
                    && (words[words.length - 1].equals("EOF")
                            || Long.parseLong(words[words.length - 1]) >= at)) {
                return true;
            }
        }
        return false;
    }

    /// Inode to name of the sockets that listen under this last part of a name.
    private static Map<String, String> listeners(String fileName) throws IOException {
        Map<String, String> names = new HashMap<>();
        for (String line :
                Files.readAllLines(PROC.resolve("net/unix"), StandardCharsets.ISO_8859_1)) {
            // Num RefCount Protocol Flags Type St Inode Path
            String[] words = line.strip().split("\\s+", 8);
            if (words.length == 8
                    && words[3].matches("[0-9A-Fa-f]{8}")
                    && (Long.parseLong(words[3], 16) & LISTENS) != 0) {
                String name =
                        new String(
                                words[7].getBytes(StandardCharsets.ISO_8859_1),
                                StandardCharsets.UTF_8);
                if (name.equals(fileName) || name.endsWith("/" + fileName)) {
                    names.put("socket:[" + words[6] + "]", name);
                }
            }
        }
        return names;
    }

    private static boolean holds(Path process, Map<String, String> names, Path socket) {
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path descriptor : descriptors) {
                String name = names.get(target(descriptor));
                if (name != null) {
                    long pid = Long.parseLong(process.getFileName().toString());
                    Path file = new QemuRun(pid, "").file(name);
                    Optional<FileId> id = FileId.of(file);
                    if (id.isPresent() && id.equals(FileId.of(socket))) {
                        return true;
                    }
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // It has ended, or is another user's.
        }
        return false;
    }

    private static String target(Path link) {
        try {
            return Files.readSymbolicLink(link).toString();
        } catch (IOException e) {
            return "";
        }
    }

    /// Names a run of a process; throws if it has ended.
    static String identity(long pid) throws IOException {
        String stat =
                Files.readString(
                        PROC.resolve(Long.toString(pid)).resolve("stat"),
                        StandardCharsets.ISO_8859_1);
        // The second field is a name in parentheses that may hold anything; the 22nd is the moment
        // of start.
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        if (ENDED.contains(fields[0])) {
            throw new NoSuchFileException(Long.toString(pid), null, "the process has ended");
        }
        String boot =
                Files.readString(PROC.resolve("sys/kernel/random/boot_id")).strip().substring(0, 8);
        return boot + "-" + pid + "-" + fields[19];
    }
}
