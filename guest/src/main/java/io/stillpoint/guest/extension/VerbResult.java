package io.stillpoint.guest.extension;

import io.stillpoint.guest.ExecResult;
import io.stillpoint.guest.extension.ExtensionException.Kind;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Printable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// How a verb of an extension ended (`docs/extensions.md`, "Verbs").
///
/// @param code of the page's table; [#UNREADABLE] if what it printed is no such object
/// @param message its words, one printable line; may be empty
/// @param json all that it printed; from a guest that is not trusted
public record VerbResult(String verb, int exit, String code, String message, ObjectNode json) {
    static final String UNREADABLE = "unreadable";

    private static final int DONE = 0;
    private static final int REBOOT_NEEDED = 16;
    private static final int BROKEN = 17;

    static VerbResult of(String verb, ExecResult result) {
        try {
            if (!result.truncated()
                    && Json.parse(result.out()) instanceof ObjectNode json
                    && json.path("code").isString()) {
                return new VerbResult(
                        verb,
                        result.exitCode(),
                        Printable.line(json.path("code").asString()),
                        words(json),
                        json);
            }
        } catch (JacksonException e) {
            // Told by the code.
        }
        byte[] said = result.err().length > 0 ? result.err() : result.out();
        return new VerbResult(
                verb, result.exitCode(), UNREADABLE, Printable.line(said), Json.object());
    }

    private static String words(JsonNode json) {
        String message = json.path("message").asString("");
        String detail = json.path("detail").asString("");
        String separator = message.isEmpty() || detail.isEmpty() ? "" : ": ";
        return Printable.line(message + separator + detail);
    }

    /// Whether it did what it should, if only after a reboot.
    public boolean isDone() {
        return (exit == DONE || exit == REBOOT_NEEDED) && !code.equals(UNREADABLE);
    }

    /// Whether it says that it did not do it, in words that can be read.
    public boolean isRefusal() {
        return !isDone() && !code.equals(UNREADABLE);
    }

    /// Whether it is done, but for a reboot.
    public boolean needsReboot() {
        return exit == REBOOT_NEEDED;
    }

    /// Whether the package in the guest is not what its manifest says, or not even an extension's.
    boolean isBroken() {
        return exit == BROKEN || code.equals(UNREADABLE);
    }

    /// Throws what the exit code means unless it is done.
    VerbResult required() {
        if (isDone()) {
            return this;
        }
        String said = code + (message.isEmpty() ? "" : ": " + message);
        String key =
                switch (exit) {
                    case 10 -> "extension.not-root";
                    case 11 -> "extension.read-only";
                    case 12 -> "extension.no-space";
                    case 13 -> "extension.busy";
                    case 14 -> "extension.prerequisite";
                    case 15 -> "extension.unsupported";
                    case BROKEN -> "extension.broken";
                    case 18 ->
                            code.equals(Health.DISABLED)
                                    ? "extension.disabled"
                                    : "extension.not-installed";
                    default -> "extension.verb-failed";
                };
        throw new ExtensionException(exit == 13 ? Kind.BUSY : Kind.GUEST, key, null, verb, said);
    }
}
