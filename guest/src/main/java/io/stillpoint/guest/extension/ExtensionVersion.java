package io.stillpoint.guest.extension;

import java.util.Comparator;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A version, `major.minor.patch`; each part 0 to 999999.
public record ExtensionVersion(int major, int minor, int patch)
        implements Comparable<ExtensionVersion> {
    private static final String PART = "(0|[1-9][0-9]{0,5})";
    private static final Pattern FORM = Pattern.compile(PART + "\\." + PART + "\\." + PART);

    private static final Comparator<ExtensionVersion> ORDER =
            Comparator.comparingInt(ExtensionVersion::major)
                    .thenComparingInt(ExtensionVersion::minor)
                    .thenComparingInt(ExtensionVersion::patch);

    /// Empty if the text is not of the form. Such a text is safe as a folder's name.
    public static Optional<ExtensionVersion> parse(String text) {
        Matcher parts = FORM.matcher(text);
        return parts.matches()
                ? Optional.of(
                        new ExtensionVersion(
                                Integer.parseInt(parts.group(1)),
                                Integer.parseInt(parts.group(2)),
                                Integer.parseInt(parts.group(3))))
                : Optional.empty();
    }

    @Override
    public int compareTo(ExtensionVersion other) {
        return ORDER.compare(this, other);
    }

    @Override
    public String toString() {
        return major + "." + minor + "." + patch;
    }
}
