package io.stillpoint.cli;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.Messages;
import java.io.PrintStream;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/// Where a command's result goes: text for people, or one JSON document.
final class Output {
    private static final Messages TEXTS = Messages.of(Output.class);

    @Option(names = "--json", descriptionKey = "option.json")
    private boolean json;

    boolean isJson() {
        return json;
    }

    /// Prints one or the other.
    void result(JsonNode document, String text) {
        out().println(json ? Json.pretty(document) : text);
    }

    static String text(String key, Object... arguments) {
        return TEXTS.text(key, arguments);
    }

    private static PrintStream out() {
        return System.out;
    }
}
