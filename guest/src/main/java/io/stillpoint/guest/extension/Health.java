package io.stillpoint.guest.extension;

import io.stillpoint.platform.text.Printable;
import io.stillpoint.platform.text.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// What an extension says of itself.
///
/// @param state `installed`, `enabled`, `disabled`, or empty if it did not say
/// @param code `ok`, or why it could not say
/// @param message more words, or none
public record Health(
        String state, boolean isHealthy, List<Check> checks, String code, Text message) {
    static final String ENABLED = "enabled";
    static final String DISABLED = "disabled";
    static final String INSTALLED = "installed";

    /// What the Windows extension must have to do anything at all.
    private static final Set<String> SERVING = Set.of("files", "service", "pipe");

    private static final int CHECKS_MAX = 100;

    /// One thing that was looked at.
    public record Check(String name, boolean isOk, String detail) {}

    public Health {
        checks = List.copyOf(checks);
    }

    static Health broken(String code, Text message) {
        return new Health("", false, List.of(), code, message);
    }

    static Health of(VerbResult result) {
        JsonNode json = result.json();
        List<Check> checks = new ArrayList<>();
        for (JsonNode check : json.path("checks")) {
            if (checks.size() == CHECKS_MAX) {
                break;
            }
            checks.add(
                    new Check(
                            Printable.line(check.path("name").asString("")),
                            check.path("ok").asBoolean(false),
                            Printable.line(check.path("detail").asString(""))));
        }
        return new Health(
                Printable.line(json.path("state").asString("")),
                result.isDone() && json.path("healthy").asBoolean(false),
                checks,
                result.code(),
                Text.verbatim(result.message()));
    }

    /// Whether it is of use though it is not well: the Windows extension serves, and what fails is VSS below it. The job
    /// finds out how VSS fails, and has the volumes flushed instead.
    boolean isServing() {
        return state.equals(ENABLED)
                && SERVING.size()
                        == checks.stream()
                                .filter(check -> check.isOk() && SERVING.contains(check.name()))
                                .count();
    }

    /// Whether file systems are frozen and nobody is left who would thaw them.
    boolean isLeftFrozen() {
        return checks.stream().anyMatch(check -> check.name().equals("thawed") && !check.isOk());
    }

    /// For people: what is wrong.
    Text complaint() {
        List<Object> words = new ArrayList<>();
        if (!message.isEmpty()) {
            words.add(message);
        }
        checks.stream()
                .filter(check -> !check.isOk())
                .map(check -> (check.name() + " " + check.detail()).strip())
                .forEach(words::add);
        return words.isEmpty() ? Text.verbatim(code) : Text.joined("; ", words);
    }
}
