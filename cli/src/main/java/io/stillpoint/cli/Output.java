package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Messages;
import io.stillpoint.platform.text.Printable;
import io.stillpoint.platform.text.Text;
import io.stillpoint.platform.text.Worded;
import io.stillpoint.vault.Vault;
import java.io.PrintStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Where a command's result goes: text for people, or one JSON document; and the warnings on the way to it. Every text
/// passes here or the [Console][io.stillpoint.platform.console.Console] on its way to a terminal, and is made printable
/// here: names and messages come from guests, hypervisors and stores. Safe for several threads.
final class Output {
    private static final Messages TEXTS = Messages.of(Output.class);

    @Option(names = "--json", descriptionKey = "option.json")
    private boolean json;

    @Option(
            names = {"-q", "--quiet"},
            descriptionKey = "option.quiet")
    private boolean quiet;

    @Option(names = "--debug", descriptionKey = "option.debug")
    private boolean debug;

    private final List<Warning> warnings = new ArrayList<>();

    /// The last that was made, whose bar must not be written over.
    private volatile @Nullable ConsoleEvents events;

    /// Something that makes the result less than it could be.
    ///
    /// @param code stable
    record Warning(String code, String message) {}

    /// That of a command, if it has results at all.
    static Optional<Output> of(CommandSpec command) {
        return command.mixins().values().stream()
                .map(CommandSpec::userObject)
                .filter(Output.class::isInstance)
                .map(Output.class::cast)
                .findFirst();
    }

    boolean isJson() {
        return json;
    }

    boolean isQuiet() {
        return quiet || json;
    }

    boolean isDebug() {
        return debug;
    }

    /// Shows a job on standard error, as far as that is wanted, and keeps its warnings.
    ConsoleEvents events() {
        ConsoleEvents made = new ConsoleEvents(json || quiet, this);
        events = made;
        return made;
    }

    /// Keeps a warning: the command ends with [ExitCode#WARNINGS] if nothing worse comes, and its JSON lists it. It is
    /// for the caller to show it to people.
    synchronized void keep(String code, String message) {
        warnings.add(new Warning(code, message));
    }

    /// Keeps a warning and shows it.
    void warning(String code, Text text) {
        warning(code, words(text));
    }

    /// As above.
    void warning(String code, String message) {
        keep(code, message);
        complain(text("error.warning", message));
    }

    /// Tells what is waited for, unless that is not wanted.
    void waits(Text what) {
        if (quiet) {
            return;
        }
        String text = text("word.waiting", what);
        ConsoleEvents shown = events;
        if (shown == null) {
            complain(text);
        } else {
            shown.line("stillpoint: " + text);
        }
    }

    /// Names what was passed over in a vault, which nobody with its key made or which is damaged.
    void junk(Vault vault) {
        vault.junk().forEach(each -> warning(each.code(), each.text()));
    }

    synchronized boolean hasWarnings() {
        return !warnings.isEmpty();
    }

    /// Prints what was asked for.
    void result(ObjectNode document, String text) {
        if (json) {
            out().println(json(withWarnings(document)));
        } else {
            out().println(Printable.lines(text));
        }
    }

    /// Prints what was done; who wants it quiet sees nothing of it.
    void done(ObjectNode document, String text) {
        if (json || !quiet) {
            result(document, text);
        }
    }

    /// Writes a line to the log: standard output, as a service's manager keeps it.
    synchronized void log(String line) {
        out().println(line);
        out().flush();
    }

    /// As programs read it, and as harmless on a terminal as a text.
    static String json(JsonNode document) {
        return Printable.json(Json.pretty(document));
    }

    private synchronized JsonNode withWarnings(ObjectNode document) {
        ArrayNode array = document.putArray("warnings");
        warnings.forEach(warning ->
                array.addObject().put("code", warning.code()).put("message", warning.message()));
        return document;
    }

    /// Says on standard error what went wrong.
    static void complain(String message) {
        System.err.println("stillpoint: " + Printable.of(message));
    }

    /// Asks for something, or tells of something, on standard error.
    static void say(String text) {
        System.err.println(Printable.lines(text));
    }

    /// A text for people. What fills its places is made printable, the text's own line breaks stay.
    static String text(String key, Object... arguments) {
        return TEXTS.text(reader(), key, Arrays.stream(arguments).map(Output::printable).toArray());
    }

    private static Object printable(Object argument) {
        return switch (argument) {
            case Number _, Instant _ -> argument;
            case Text text -> Printable.of(words(text));
            case Worded worded -> Printable.of(words(worded.text()));
            default -> Printable.of(argument.toString());
        };
    }

    /// The language of who reads what this process prints, as the environment has it. Where there is no translation into
    /// it, they read English.
    static Locale reader() {
        return Locale.getDefault(Locale.Category.DISPLAY);
    }

    /// What something below the command line tells, in the reader's language; not printable yet.
    static String words(Text text) {
        return text.in(reader());
    }

    /// Lines that come from elsewhere, each made printable.
    static String lines(List<String> lines) {
        return String.join("\n", lines.stream().map(Printable::of).toList());
    }

    private static PrintStream out() {
        return System.out;
    }
}
