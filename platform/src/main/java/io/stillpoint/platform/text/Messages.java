package io.stillpoint.platform.text;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.text.MessageFormat;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.PropertyResourceBundle;
import java.util.ResourceBundle;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// The user-facing texts of a package: its bundle `messages.properties` (English, the root language) and translations of it
/// such as `messages_de.properties`. Placeholders are those of [MessageFormat]; numbers should come as
/// finished strings, so that a text decides the words and never the digits; instants are shown as [Moment] does.
///
/// A text is rendered for a reader, in the reader's language: by the command line or whatever else shows it, never by what
/// tells it, which makes a [Text]. What a translation lacks is told in English, whatever the host's language is.
///
/// Safe for many threads. Kept are the bundles that there are, and of the languages without one a limited number: locales
/// may come from outside.
public final class Messages {
    private static final Map<String, Messages> CACHE = new ConcurrentHashMap<>();

    /// Gives a locale's candidates and the names of their bundles. It never falls back to the host's language.
    private static final ResourceBundle.Control NAMES =
            ResourceBundle.Control.getNoFallbackControl(ResourceBundle.Control.FORMAT_PROPERTIES);

    /// A [Locale] may hold anything, and becomes part of a file's name.
    private static final Pattern SAFE_NAME = Pattern.compile("\\w{1,64}");

    /// So many languages without a bundle are remembered; any other is looked for each time that it is asked for.
    private static final int ABSENT_MAX = 256;

    private final Class<?> anchor;
    private final Map<Locale, Map<String, String>> bundles = new ConcurrentHashMap<>();
    private final Set<Locale> absent = ConcurrentHashMap.newKeySet();

    private Messages(Class<?> anchor) {
        this.anchor = anchor;
    }

    /// The texts of the package that `anchor` stands in: always the same object. Reads nothing yet.
    public static Messages of(Class<?> anchor) {
        String name = anchor.getPackageName();
        Messages known = CACHE.get(name);
        return known == null ? CACHE.computeIfAbsent(name, _ -> new Messages(anchor)) : known;
    }

    /// The text for `key` in the reader's language, its placeholders filled; [texts][Text] and what is [Worded] among the
    /// arguments, lists of them too, are rendered in the same language. A missing key is a defect; the key itself is shown
    /// then, since an error's message must not fail.
    public String text(Locale reader, String key, Object... arguments) {
        Object[] shown = new Object[arguments.length];
        for (int i = 0; i < arguments.length; i++) {
            shown[i] = shown(arguments[i], reader);
        }
        for (Locale language : NAMES.getCandidateLocales("messages", reader)) {
            Map<String, String> bundle = bundle(language);
            String pattern = bundle == null ? null : bundle.get(key);
            if (pattern != null) {
                return fill(pattern, language, shown);
            }
        }
        return key;
    }

    private static Object shown(Object argument, Locale reader) {
        return switch (argument) {
            case Text text -> text.in(reader);
            case Worded worded -> worded.text().in(reader);
            case Instant instant -> Moment.text(instant);
            case List<?> list -> list.stream().map(each -> shown(each, reader)).toList();
            default -> argument;
        };
    }

    private @Nullable Map<String, String> bundle(Locale language) {
        Map<String, String> known = bundles.get(language);
        if (known != null || absent.contains(language)) {
            return known;
        }
        Map<String, String> read = read(language);
        if (read != null) {
            bundles.put(language, read);
        } else if (absent.size() < ABSENT_MAX) {
            absent.add(language);
        }
        return read;
    }

    private @Nullable Map<String, String> read(Locale language) {
        String name = NAMES.toBundleName("messages", language);
        if (!SAFE_NAME.matcher(name).matches()) {
            return null;
        }
        try (InputStream stream = anchor.getResourceAsStream(name + ".properties")) {
            if (stream == null) {
                return null;
            }
            PropertyResourceBundle properties = new PropertyResourceBundle(stream);
            Map<String, String> texts = new ConcurrentHashMap<>();
            properties.keySet().forEach(key -> texts.put(key, properties.getString(key)));
            return texts;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// How many bundles and languages without one are kept.
    int kept() {
        return bundles.size() + absent.size();
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
