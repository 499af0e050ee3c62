package io.stillpoint.hypervisor.images;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.natives.SparseFile;
import io.stillpoint.platform.text.Text;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Who else has a file or a block device at this moment: file systems mounted from it (in every mount namespace that can
/// be seen), swap, device-mapper and RAID above it, loop devices, QEMU's locks, and processes. Of a disk its partitions
/// count, of a partition its disk. Linux. What belongs to other users is seen by root alone.
final class Occupancy {
    /// What is to be done with it.
    enum Purpose {
        /// Whoever may write is in the way.
        READ,
        /// Everybody is in the way.
        OVERWRITE
    }

    /// The bytes that QEMU locks: RAW_LOCK_PERM_BASE and RAW_LOCK_SHARED_BASE, each with the bits of BLK_PERM_*
    /// (block/file-posix.c).
    private static final long LOCKS_START = 100;

    private static final long LOCKS_LENGTH = 200;
    private static final long LOCKED_WRITE = LOCKS_START + 1;
    private static final long LOCKED_RESIZE = LOCKS_START + 3;

    private static final Path PROC = Path.of("/proc");
    private static final Path SYSTEM_BLOCK = Path.of("/sys/block");
    private static final Pattern OCTAL = Pattern.compile("\\\\([0-7]{3})");
    private static final int ACCESS_MODE = 3;

    private final Path path;
    private final FileIdentity identity;
    private final Purpose purpose;

    /// The file or device itself and, of a device, those that share its bytes.
    private final Set<FileIdentity> same = new LinkedHashSet<>();

    private final List<Path> systemFolders = new ArrayList<>();

    private Occupancy(Path path, FileIdentity identity, Purpose purpose) {
        this.path = path;
        this.identity = identity;
        this.purpose = purpose;
    }

    /// Says who has it; empty if nobody does, as far as can be seen.
    static Optional<Text> of(Path path, Purpose purpose) throws IOException {
        Occupancy occupancy = new Occupancy(path, FileIdentity.of(path), purpose);
        occupancy.collect();
        return occupancy.find();
    }

    private void collect() throws IOException {
        same.add(identity);
        if (!identity.isBlockDevice()) {
            return;
        }
        Path folder = Path.of("/sys/dev/block", identity.deviceNumber());
        if (!Files.exists(folder)) {
            return;
        }
        Path own = folder.toRealPath();
        add(own);
        if (Files.exists(own.resolve("partition"))) {
            Path whole = own.getParent();
            if (whole != null) {
                add(whole);
            }
        } else {
            for (Path child : entries(own)) {
                if (Files.exists(child.resolve("partition"))) {
                    add(child);
                }
            }
        }
    }

    private void add(Path systemFolder) {
        systemFolders.add(systemFolder);
        String number = String.join("", lines(systemFolder.resolve("dev")));
        FileIdentity.ofDevice(number).ifPresent(same::add);
    }

    private Optional<Text> find() throws IOException {
        return Stream.<Finder>of(
                        this::mounted,
                        this::swap,
                        this::holder,
                        this::loop,
                        this::locked,
                        this::process)
                .map(finder -> {
                    try {
                        return finder.find();
                    } catch (IOException e) {
                        throw ImageErrors.failed(path, e);
                    }
                })
                .flatMap(Optional::stream)
                .findFirst();
    }

    private interface Finder {
        Optional<Text> find() throws IOException;
    }

    /// Each mount namespace once; fields as in proc_pid_mountinfo(5).
    private Optional<Text> mounted() {
        if (!identity.isBlockDevice()) {
            return Optional.empty();
        }
        Set<String> numbers = new HashSet<>();
        same.forEach(each -> numbers.add(each.deviceNumber()));
        Set<String> namespaces = new HashSet<>();
        for (Path process : processes()) {
            String namespace = link(process.resolve("ns/mnt"));
            if (!namespace.isEmpty() && !namespaces.add(namespace)) {
                continue;
            }
            for (String line : lines(process.resolve("mountinfo"))) {
                String[] fields = line.split(" ", -1);
                int dash = List.of(fields).indexOf("-");
                if (dash < 6 || fields.length < dash + 4) {
                    continue;
                }
                boolean isOurs = numbers.contains(fields[2]) || isSame(unescaped(fields[dash + 2]));
                boolean isWritable = List.of(fields[dash + 3].split(",", -1)).contains("rw");
                if (isOurs && (isWritable || purpose == Purpose.OVERWRITE)) {
                    return told("occupied.mounted", unescaped(fields[4]));
                }
            }
        }
        return Optional.empty();
    }

    private Optional<Text> swap() {
        return lines(PROC.resolve("swaps")).stream()
                .skip(1)
                .map(line -> unescaped(line.split("\\s+", -1)[0]))
                .filter(this::isSame)
                .findFirst()
                .flatMap(swap -> told("occupied.swap", swap));
    }

    /// Device-mapper volumes (LVM, LUKS, multipath), RAID, bcache.
    private Optional<Text> holder() throws IOException {
        for (Path folder : systemFolders) {
            for (Path holder : entries(folder.resolve("holders"))) {
                boolean isReadOnly = lines(holder.resolve("ro")).contains("1");
                if (!isReadOnly || purpose == Purpose.OVERWRITE) {
                    String name = String.join("", lines(holder.resolve("dm/name")));
                    return told(
                            "occupied.holder",
                            name.isEmpty() ? holder.getFileName().toString() : name);
                }
            }
        }
        return Optional.empty();
    }

    private Optional<Text> loop() throws IOException {
        for (Path block : entries(SYSTEM_BLOCK)) {
            Path backing = block.resolve("loop/backing_file");
            if (!Files.exists(backing)) {
                continue;
            }
            String file = String.join("\n", lines(backing)).replaceFirst(" \\(deleted\\)$", "");
            String name = "/dev/" + block.getFileName();
            boolean isItself = isSame(name);
            if (isItself && existing(file).isPresent()) {
                // Whoever has the file below has the device's bytes.
                Optional<Text> below = below(Path.of(file));
                if (below.isPresent()) {
                    return below;
                }
            }
            boolean isReadOnly = lines(block.resolve("ro")).contains("1");
            if (!isItself && isSame(file) && (!isReadOnly || purpose == Purpose.OVERWRITE)) {
                return told("occupied.loop", name);
            }
        }
        return Optional.empty();
    }

    private Optional<Text> below(Path file) throws IOException {
        Occupancy occupancy = new Occupancy(file, FileIdentity.of(file), purpose);
        occupancy.same.add(occupancy.identity);
        Optional<Text> lock = occupancy.locked();
        return lock.isPresent() ? lock : occupancy.process();
    }

    private Optional<Text> locked() throws IOException {
        if (!Files.isReadable(path)) {
            return Optional.empty();
        }
        try (SparseFile file = SparseFile.open(path)) {
            boolean isLocked =
                    purpose == Purpose.OVERWRITE
                            ? file.isLocked(LOCKS_START, LOCKS_LENGTH)
                            : file.isLocked(LOCKED_WRITE) || file.isLocked(LOCKED_RESIZE);
            return isLocked ? told("occupied.locked") : Optional.empty();
        }
    }

    /// But this one.
    private Optional<Text> process() throws IOException {
        String self = Long.toString(ProcessHandle.current().pid());
        for (Path process : processes()) {
            if (process.getFileName().toString().equals(self)) {
                continue;
            }
            for (Path open : entries(process.resolve("fd"))) {
                Optional<FileIdentity> found = FileIdentity.ofExisting(open);
                if (found.isEmpty() || !same.contains(found.get())) {
                    continue;
                }
                boolean isInTheWay =
                        purpose == Purpose.OVERWRITE
                                || mayWrite(process.resolve("fdinfo").resolve(open.getFileName()));
                if (isInTheWay) {
                    return told(
                            "occupied.process",
                            String.join("", lines(process.resolve("comm"))),
                            process.getFileName().toString());
                }
            }
        }
        return Optional.empty();
    }

    private static boolean mayWrite(Path descriptorInfo) {
        return lines(descriptorInfo).stream()
                .filter(line -> line.startsWith("flags:"))
                .mapToInt(line -> Integer.parseInt(line.substring(6).strip(), 8) & ACCESS_MODE)
                .anyMatch(mode -> mode != 0);
    }

    private boolean isSame(String file) {
        return existing(file).filter(same::contains).isPresent();
    }

    private static Optional<FileIdentity> existing(String file) {
        try {
            return file.startsWith("/") ? FileIdentity.ofExisting(Path.of(file)) : Optional.empty();
        } catch (InvalidPathException e) {
            // A name that this process's locale has no characters for.
            return Optional.empty();
        }
    }

    private static Optional<Text> told(String key, Object... arguments) {
        return Optional.of(Text.of(HypervisorException.class, key, arguments));
    }

    private static List<Path> processes() {
        return entries(PROC).stream()
                .filter(entry -> entry.getFileName().toString().matches("[0-9]+"))
                .toList();
    }

    /// Empty for a folder that is not there, that went meanwhile, or that we may not see.
    private static List<Path> entries(Path folder) {
        List<Path> entries = new ArrayList<>();
        try (DirectoryStream<Path> found = Files.newDirectoryStream(folder)) {
            found.forEach(entries::add);
        } catch (IOException | java.nio.file.DirectoryIteratorException e) {
            return entries;
        }
        return entries;
    }

    /// Empty for a file that is not there, that went meanwhile, or that we may not see. Names may be any bytes.
    private static List<String> lines(Path file) {
        try {
            byte[] bytes = Files.readAllBytes(file);
            return new String(bytes, StandardCharsets.UTF_8).lines().toList();
        } catch (IOException e) {
            return List.of();
        }
    }

    private static String link(Path path) {
        try {
            return Files.readSymbolicLink(path).toString();
        } catch (IOException e) {
            return "";
        }
    }

    private static String unescaped(String text) {
        Matcher matcher = OCTAL.matcher(text);
        return matcher.replaceAll(found ->
                Matcher.quoteReplacement(Character.toString(Integer.parseInt(found.group(1), 8))));
    }
}
