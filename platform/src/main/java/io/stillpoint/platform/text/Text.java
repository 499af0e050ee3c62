package io.stillpoint.platform.text;

import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Something to tell people, before it is in any language: a code, what its placeholders stand for, and the package whose
/// [Messages] hold the words. Whoever shows it renders it with [#in]; whoever tells it never does.
///
/// Immutable and a value: two texts are equal if they say the same. So an argument that could change or is large is kept as
/// what it says of itself now, and an exception as its text.
public final class Text {
    /// Says nothing.
    public static final Text EMPTY = verbatim("");

    /// Null: the words are there already.
    private final @Nullable Messages bundle;

    /// Of a text without a bundle: what stands between its arguments.
    private final String code;

    private final List<Object> arguments;

    private Text(@Nullable Messages bundle, String code, List<Object> arguments) {
        this.bundle = bundle;
        this.code = code;
        this.arguments = arguments;
    }

    /// @param anchor a class of the package whose bundle holds the words
    /// @param code the message's key, stable across releases, such as `vault.wrong-key`
    /// @param arguments what the text's placeholders stand for: other texts and what is [Worded], too
    public static Text of(Class<?> anchor, String code, @Nullable Object... arguments) {
        return new Text(Messages.of(anchor), code, fixed(Arrays.asList(arguments)));
    }

    /// Words that others wrote (a system, a guest, a server), which no bundle has: the same for every reader.
    public static Text verbatim(String words) {
        return new Text(null, "", List.of(words));
    }

    /// Several texts in a row, with the same signs in between.
    public static Text joined(String separator, List<? extends Object> parts) {
        return parts.size() == 1 && parts.getFirst() instanceof Text only
                ? only
                : new Text(null, separator, fixed(parts));
    }

    private static List<Object> fixed(List<?> arguments) {
        List<Object> fixed = new ArrayList<>(arguments.size());
        for (Object argument : arguments) {
            fixed.add(fixed(argument));
        }
        return List.copyOf(fixed);
    }

    private static Object fixed(@Nullable Object argument) {
        return switch (argument) {
            // An error's message must not fail, and a gap is closed when it is shown.
            case null -> "";
            case Worded worded -> worded.text();
            case List<?> list -> fixed(list);
            case String _,
                    Integer _,
                    Long _,
                    Boolean _,
                    Character _,
                    Instant _,
                    Enum<?> _,
                    Record _,
                    Path _,
                    UUID _,
                    Text _ ->
                    argument;
            default -> String.valueOf(argument);
        };
    }

    /// The message's key; empty if the words are others'.
    public String code() {
        return bundle == null ? "" : code;
    }

    /// What the placeholders stand for, in their order: texts, strings, numbers, instants and other values that don't change.
    public List<Object> arguments() {
        return arguments;
    }

    /// Whether these words stand in what others said, which is among the arguments.
    public boolean quotes(String words) {
        return arguments.stream()
                .anyMatch(each ->
                        switch (each) {
                            case Text text -> text.quotes(words);
                            case String said -> said.contains(words);
                            default -> false;
                        });
    }

    /// Whether there is nothing to tell.
    public boolean isEmpty() {
        return bundle == null
                && arguments.stream()
                        .allMatch(each ->
                                each instanceof Text text ? text.isEmpty() : each.equals(""));
    }

    /// The words for a reader of this language; what is not translated is in English. What others wrote is not made
    /// [printable][Printable] yet.
    public String in(Locale reader) {
        return bundle == null
                ? arguments.stream()
                        .map(each -> each instanceof Text text ? text.in(reader) : each.toString())
                        .collect(Collectors.joining(code))
                : bundle.text(reader, code, arguments.toArray());
    }

    /// The words in the root language, for those who look into the program: a debugger, a stack trace, a test.
    @Override
    public String toString() {
        return in(Locale.ROOT);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Text text
                && bundle == text.bundle
                && code.equals(text.code)
                && arguments.equals(text.arguments);
    }

    @Override
    public int hashCode() {
        return Objects.hash(System.identityHashCode(bundle), code, arguments);
    }
}
