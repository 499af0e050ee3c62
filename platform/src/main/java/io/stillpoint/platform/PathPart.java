package io.stillpoint.platform;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.regex.Pattern;

/// Makes a name that comes from outside (a point, a hypervisor, a guest) into one part of a path. The one place that
/// does so.
public final class PathPart {
    /// Leaves room for an ending: file systems take 255 bytes.
    private static final int MAX_BYTES = 200;

    private static final int HASH_BYTES = 8;
    private static final Pattern UNSAFE = Pattern.compile("[^\\p{L}\\p{M}\\p{N}._ -]");
    private static final Pattern UNSAFE_START = Pattern.compile("^[. -]");
    private static final Pattern UNSAFE_END = Pattern.compile("[. ]$");

    /// What [#of] itself adds. A name that has it already gets another, so that nobody can aim at a name of ours.
    private static final Pattern SUFFIX = Pattern.compile("~[0-9a-f]{16}$");

    private PathPart() {}

    /// A file's name for this name: at most 200 bytes of letters, digits and `._ -`, that does not start with a dot,
    /// a blank or a hyphen and does not end with a dot or a blank. A name that is so already stays as it is. Any other
    /// is changed or cut, and gets `~` and 16 hexadecimal digits of its own, so that two names never become one.
    public static String of(String name) {
        String safe = UNSAFE.matcher(name).replaceAll("_");
        safe = UNSAFE_START.matcher(safe).replaceFirst("_");
        safe = UNSAFE_END.matcher(safe).replaceFirst("_");
        boolean isKept =
                !safe.isEmpty()
                        && safe.equals(name)
                        && !SUFFIX.matcher(name).find()
                        && bytes(safe) <= MAX_BYTES;
        if (isKept) {
            return safe;
        }
        String suffix = "~" + hash(name);
        return cut(safe, MAX_BYTES - suffix.length()) + suffix;
    }

    private static String cut(String text, int maxBytes) {
        int bytes = 0;
        int end = 0;
        while (end < text.length()) {
            int point = text.codePointAt(end);
            bytes += bytes(Character.toString(point));
            if (bytes > maxBytes) {
                break;
            }
            end += Character.charCount(point);
        }
        return text.substring(0, end);
    }

    private static int bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8).length;
    }

    /// Of the characters, not of an encoding that has none for half a surrogate pair.
    private static String hash(String name) {
        ByteBuffer characters = ByteBuffer.allocate(2 * name.length());
        characters.asCharBuffer().put(name);
        return HexFormat.of().formatHex(Sha256.of(characters.array()), 0, HASH_BYTES);
    }
}
