package io.stillpoint.guest.extension;

import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.extension.ExtensionException.Kind;
import io.stillpoint.platform.text.Printable;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Makes of the guest's words the named reason why its extension can't be there.
final class Obstacle {
    /// As `package-folder.sh` ends its errors.
    private static final Pattern WHY =
            Pattern.compile("why: uid=(\\d*) selinux=(\\d*) mount=(\\S*) ?(\\S*)\\s*$");

    private Obstacle() {}

    /// What an agent's refusal means. Other failures of the agent are returned as they are.
    static RuntimeException of(String path, GuestException refusal) {
        return refusal.kind() == GuestException.Kind.REFUSED
                ? new ExtensionException(
                        Kind.GUEST, code(refusal.text()::quotes, null), refusal, path, refusal)
                : refusal;
    }

    /// What the words of a command that failed mean.
    static ExtensionException of(String path, String words) {
        Matcher why = WHY.matcher(words);
        boolean isExplained = why.find();
        String detail = Printable.line(isExplained ? words.substring(0, why.start()) : words);
        return new ExtensionException(
                Kind.GUEST, code(words::contains, isExplained ? why : null), null, path, detail);
    }

    private static String code(Predicate<String> says, @Nullable Matcher why) {
        // The words of strerror(3) in the C locale, and of Windows in English.
        if (says.test("Read-only file system")) {
            return "extension.read-only";
        }
        if (says.test("No space left on device")
                || says.test("Disk quota exceeded")
                || says.test("not enough space on the disk")) {
            return "extension.no-space";
        }
        boolean isDenied =
                says.test("Permission denied")
                        || says.test("Operation not permitted")
                        || says.test("Access is denied");
        if (why == null) {
            return isDenied ? "extension.denied" : "extension.failed";
        }
        boolean isNotRun = why.group(4).equals("not-run");
        if (!isDenied && !isNotRun) {
            return "extension.failed";
        }
        if (!why.group(1).equals("0")) {
            return "extension.not-root";
        }
        if (isNotRun && ("," + why.group(3) + ",").contains(",noexec,")) {
            return "extension.no-exec-folder";
        }
        return why.group(2).equals("1") ? "extension.selinux" : "extension.denied";
    }
}
