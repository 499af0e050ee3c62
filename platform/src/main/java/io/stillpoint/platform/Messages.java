package io.stillpoint.platform;

import io.stillpoint.platform.text.Moment;
import java.text.MessageFormat;
import java.time.Instant;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.MissingResourceException;
import java.util.ResourceBundle;
import java.util.concurrent.ConcurrentHashMap;

/// The user-facing texts of a package: its bundle `messages.properties` (English) and translations of it
/// such as `messages_de.properties`. Placeholders are those of [MessageFormat]; numbers should come as
/// finished strings, so that a text decides the words and never the digits; instants are shown as [Moment] does.
public final class Messages {
    private static final Map<String, Messages> CACHE = new ConcurrentHashMap<>();

    private final ResourceBundle bundle;

    private Messages(ResourceBundle bundle) {
        this.bundle = bundle;
    }

    /// The texts of the package that `anchor` stands in.
    public static Messages of(Class<?> anchor) {
        return CACHE.computeIfAbsent(
                anchor.getPackageName(),
                name ->
                        new Messages(
                                ResourceBundle.getBundle(
                                        name + ".messages",
                                        Locale.getDefault(),
                                        anchor.getClassLoader(),
                                        // English is the root: never fall back to the host's
                                        // language.
                                        ResourceBundle.Control.getNoFallbackControl(
                                                ResourceBundle.Control.FORMAT_PROPERTIES))));
    }

    /// The text for `key`, its placeholders filled. A missing key is a defect; the key itself is shown then,
    /// since an error's message must not fail.
    public String text(String key, Object... arguments) {
        String pattern;
        try {
            pattern = bundle.getString(key);
        } catch (MissingResourceException e) {
            return key;
        }
        Object[] shown =
                Arrays.stream(arguments)
                        .map(each -> each instanceof Instant instant ? Moment.text(instant) : each)
                        .toArray();
        return fill(pattern, bundle.getLocale(), shown);
    }

    /// A text with its placeholders filled. What is empty leaves no gap that reads like a broken sentence: where the text
    /// adds it in parentheses or behind a colon at the end of a line, both are left out; elsewhere it is shown as `""`.
    public static String fill(String pattern, Locale locale, Object... arguments) {
        String fitting = pattern;
        Object[] shown = arguments.clone();
        for (int i = 0; i < shown.length; i++) {
            if (String.valueOf(shown[i]).isEmpty()) {
                String place = "\\{" + i + "}";
                fitting =
                        fitting.replaceAll(" \\(" + place + "\\)", "")
                                .replaceAll(": " + place + "(?=\\s*$)", "")
                                .replaceAll(": " + place + "(?=\\n)", "")
                                .replaceAll("\"" + place + "\"", place);
                shown[i] = "\"\"";
            }
        }
        return new MessageFormat(fitting, locale).format(shown);
    }
}
