package io.stillpoint.hypervisor.images;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Which file or device a path leads to, whatever it is called; and of what kind it is.
///
/// @param mode as in stat(2)
/// @param device the file system that a file lies in, with `inode`; for a block device the device itself, with 0
record FileIdentity(int mode, long device, long inode) {
    private static final int FORMAT = 0170000;
    private static final Pattern NUMBER = Pattern.compile("(\\d{1,9}):(\\d{1,9})");

    enum Kind {
        FILE(0100000),
        FOLDER(0040000),
        BLOCK_DEVICE(0060000),
        CHARACTER_DEVICE(0020000),
        FIFO(0010000),
        SOCKET(0140000),
        UNKNOWN(0);

        private final int bits;

        Kind(int bits) {
            this.bits = bits;
        }
    }

    /// Links are followed. Nothing is opened, so a FIFO does not hold this up.
    static FileIdentity of(Path path) throws IOException {
        Map<String, Object> found = Files.readAttributes(path, "unix:mode,dev,ino,rdev");
        int mode = (int) number(found, "mode");
        boolean isDevice = (mode & FORMAT) == Kind.BLOCK_DEVICE.bits;
        return new FileIdentity(
                mode & FORMAT,
                number(found, isDevice ? "rdev" : "dev"),
                isDevice ? 0 : number(found, "ino"));
    }

    private static long number(Map<String, Object> attributes, String name) {
        if (attributes.get(name) instanceof Number number) {
            return number.longValue();
        }
        throw new IllegalStateException(name);
    }

    /// Empty if there is nothing, or nothing that we may see.
    static Optional<FileIdentity> ofExisting(Path path) {
        try {
            return Optional.of(of(path));
        } catch (IOException | SecurityException e) {
            return Optional.empty();
        }
    }

    /// The block device of this `MAJOR:MINOR`, whatever node leads to it; empty if that is none.
    static Optional<FileIdentity> ofDevice(String number) {
        Matcher matcher = NUMBER.matcher(number);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        long major = Long.parseLong(matcher.group(1));
        long minor = Long.parseLong(matcher.group(2));
        long device =
                (major & 0xfff) << 8
                        | (major & ~0xfffL) << 32
                        | (minor & 0xff)
                        | (minor & ~0xffL) << 12;
        return Optional.of(new FileIdentity(Kind.BLOCK_DEVICE.bits, device, 0));
    }

    Kind kind() {
        for (Kind kind : Kind.values()) {
            if (kind.bits == mode) {
                return kind;
            }
        }
        return Kind.UNKNOWN;
    }

    boolean isBlockDevice() {
        return kind() == Kind.BLOCK_DEVICE;
    }

    /// `MAJOR:MINOR`, as sysfs and mountinfo write it (the layout of dev_t is that of gnu_dev_major(3)).
    String deviceNumber() {
        long major = ((device >>> 8) & 0xfff) | ((device >>> 32) & ~0xfffL);
        long minor = (device & 0xff) | ((device >>> 12) & ~0xffL);
        return major + ":" + minor;
    }
}
