package io.stillpoint.hypervisor.qemu;

import java.util.regex.Pattern;

/// Takes out of an argument or a file name of QEMU what may be a secret: it would be kept in every recovery point.
final class SecretMask {
    private static final String MASK = "***";

    /// `data` is that of a secret object, `string` and `value` those of `-fw_cfg` and `-smbios`, by which guests get
    /// credentials. A comma in a value is doubled.
    private static final Pattern OPTION =
            Pattern.compile(
                    "(?i)(?<=^|[,:?&;])((?:[a-z0-9_.-]*(?:password|passwd|passphrase|token|cookie)"
                            + "|data|string|value)=)(?:[^,]|,,)*");

    /// That of a Ceph user, within a file's name.
    private static final Pattern KEY = Pattern.compile("(?<=[,:?&;])((?:key|secretkey)=)[^,:&;]*");

    private static final Pattern JSON =
            Pattern.compile(
                    "(?i)(\"(?:[a-z0-9_.-]*(?:password|passwd|passphrase|token|cookie)"
                            + "|data|string|value|key)\"\\s*:\\s*)\"(?:[^\"\\\\]|\\\\.)*\"");
    private static final Pattern USER = Pattern.compile("(://[^/@:\\s]*:)[^@/\\s]+@");

    private SecretMask() {}

    static String apply(String text) {
        String masked = OPTION.matcher(text).replaceAll("$1" + MASK);
        masked = KEY.matcher(masked).replaceAll("$1" + MASK);
        masked = JSON.matcher(masked).replaceAll("$1\"" + MASK + "\"");
        return USER.matcher(masked).replaceAll("$1" + MASK + "@");
    }
}
