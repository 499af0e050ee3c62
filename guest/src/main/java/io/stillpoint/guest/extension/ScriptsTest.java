package io.stillpoint.guest.extension;

import io.stillpoint.platform.text.Printable;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What came of running a guest's scripts without a freeze.
///
/// @param configuration the file that names them, in the guest
/// @param code 0, or a number of Azure's extension (`docs/extensions.md`)
/// @param json all that the extension said
public record ScriptsTest(
        String configuration, int code, String detail, Script pre, Script post, ObjectNode json) {
    private static final int NO_CONFIGURATION = 316;

    /// Of control characters only those of layout are fit for terminals.
    private static final Pattern UNFIT = Pattern.compile("[\\p{Cntrl}&&[^\\n\\t]]");

    /// One script.
    ///
    /// @param exit of the last attempt
    /// @param output both streams of the last attempt, lines
    public record Script(boolean isRun, int attempts, int exit, long millis, String output) {}

    /// Throws what the exit code means if nothing is said of scripts.
    static ScriptsTest of(VerbResult result) {
        JsonNode scripts = result.json().path("scripts");
        if (!scripts.isObject()) {
            result.required();
        }
        return new ScriptsTest(
                Printable.line(scripts.path("configuration").asString("")),
                scripts.path("code").asInt(result.exit()),
                Printable.line(scripts.path("detail").asString("")),
                script(scripts.path("pre")),
                script(scripts.path("post")),
                result.json());
    }

    private static Script script(JsonNode json) {
        String output = json.path("output").asString("");
        return new Script(
                json.path("ran").asBoolean(false),
                json.path("attempts").asInt(0),
                json.path("exit").asInt(0),
                json.path("millis").asLong(0),
                UNFIT.matcher(output).replaceAll("?"));
    }

    /// Whether the guest has scripts at all.
    public boolean isConfigured() {
        return code != NO_CONFIGURATION;
    }

    /// Whether a backup would find nothing wrong.
    public boolean isPassed() {
        return code == 0 || !isConfigured();
    }
}
