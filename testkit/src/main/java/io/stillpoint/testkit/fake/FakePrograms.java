package io.stillpoint.testkit.fake;

import io.stillpoint.platform.Json;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The programs of a [FakeGuest]: a few of every system, what a shell does with the scripts that a job feeds it (known by
/// their words, not run), and our extension. Each has ended when the agent answers that it was started; what goes on in
/// the background has deadlines. Guarded by the guest.
final class FakePrograms {
    private static final String WATCHDOG = "stillpoint-freeze-";

    private final FakeGuest guest;
    private final FakeFiles files;
    private final FakeExtension extension;
    private final Map<Long, Result> ended = new HashMap<>();

    /// When each watchdog thaws, by its token.
    private final Map<String, Instant> watchdogs = new HashMap<>();

    private long lastPid = 100;

    /// How a program ended.
    record Result(int exit, String out, String err) {
        static final Result WELL = new Result(0, "", "");

        static Result said(String out) {
            return new Result(0, out, "");
        }
    }

    FakePrograms(FakeGuest guest, FakeFiles files) {
        this.guest = guest;
        this.files = files;
        this.extension = new FakeExtension(guest, files);
    }

    /// The agent that waited for them is gone.
    void forget() {
        ended.clear();
    }

    /// A reset.
    void end() {
        watchdogs.clear();
        extension.end();
    }

    /// Deadlines that have passed.
    void tick() {
        watchdogs.keySet().removeIf(token -> !files.exists(token));
        for (Map.Entry<String, Instant> each : Map.copyOf(watchdogs).entrySet()) {
            if (!guest.now().isBefore(each.getValue())) {
                guest.thawedAt(each.getValue());
                files.remove(each.getKey());
                watchdogs.remove(each.getKey());
            }
        }
        extension.tick();
    }

    JsonNode start(ObjectNode arguments) {
        String path = arguments.path("path").asString("");
        List<String> words = new ArrayList<>();
        arguments.path("arg").forEach(each -> words.add(each.asString("")));
        String input =
                new String(
                        Base64.getDecoder().decode(arguments.path("input-data").asString("")),
                        StandardCharsets.UTF_8);
        Result result = run(path, words, input);
        ended.put(++lastPid, result);
        return Json.object().put("pid", lastPid);
    }

    JsonNode status(ObjectNode arguments) {
        Result result = ended.remove(arguments.path("pid").asLong(-1));
        if (result == null) {
            throw new FakeFiles.RefusedException(
                    "PID " + arguments.path("pid") + " does not exist");
        }
        ObjectNode status = Json.object().put("exited", true).put("exitcode", result.exit());
        put(status, "out-data", result.out());
        put(status, "err-data", result.err());
        return status;
    }

    private static void put(ObjectNode status, String name, String text) {
        if (!text.isEmpty()) {
            status.put(
                    name,
                    Base64.getEncoder().encodeToString(text.getBytes(StandardCharsets.UTF_8)));
        }
    }

    private Result run(String path, List<String> words, String input) {
        return switch (path.substring(path.lastIndexOf('/') + 1)) {
            case "true" -> Result.WELL;
            case "false" -> new Result(1, "", "");
            case "echo" -> Result.said(String.join(" ", words) + "\n");
            case "cat" -> Result.said(input);
            case "uname" -> Result.said("Linux x86_64\n");
            case "sh" -> shell(words, input);
            default -> {
                if (!FakeExtension.isAt(path) || !files.exists(path)) {
                    throw new FakeFiles.RefusedException(
                            "Guest command failed: Failed to execute child process “"
                                    + path
                                    + "” (No such file or directory)");
                }
                yield extension.run(path, words);
            }
        };
    }

    private Result shell(List<String> words, String script) {
        if (words.size() == 4 && words.getFirst().equals("-c") && words.get(1).startsWith("rm ")) {
            files.remove(words.get(3));
            return Result.WELL;
        }
        if (words.size() > 2 && words.getFirst().equals("-s")) {
            if (words.get(1).contains(WATCHDOG) && script.contains("thaw_all")) {
                return watchdog(words.get(1), Integer.parseInt(words.get(2)));
            }
            if (script.contains("mv -- \"$part\"")) {
                return folder(words.get(1), words.get(2), words.subList(3, words.size()));
            }
        }
        return new Result(127, "", "the fake guest's shell does not know this script\n");
    }

    /// As `freeze-watchdog.sh`: those that killed jobs left are called off, and what they guarded is thawed.
    private Result watchdog(String token, int seconds) {
        String folder = token.substring(0, token.lastIndexOf('/') + 1);
        List<String> left = files.below(folder + WATCHDOG);
        left.forEach(files::remove);
        if (!left.isEmpty()) {
            guest.thawed();
        }
        files.put(token, new byte[0]);
        watchdogs.put(token, guest.now().plus(Duration.ofSeconds(seconds + 1L)));
        return Result.WELL;
    }

    /// As `package-folder.sh`.
    private Result folder(String step, String folder, List<String> more) {
        for (String path : files.below(folder + "/")) {
            String rest = path.substring(folder.length() + 1);
            boolean isPart =
                    rest.contains("/") && rest.substring(0, rest.indexOf('/')).endsWith(".part");
            if (isPart && !step.equals("accept")) {
                files.remove(path);
            }
        }
        switch (step) {
            case "prepare" ->
                    files.put(folder + "/" + more.get(0) + ".part/" + more.get(1), new byte[0]);
            case "accept" -> {
                files.removeBelow(folder + "/" + more.get(0) + "/");
                files.move(folder + "/" + more.get(0) + ".part/", folder + "/" + more.get(0) + "/");
            }
            case "remove" -> files.removeBelow(folder + "/");
            case "clean" -> {}
            default -> {
                return new Result(2, "", "");
            }
        }
        return Result.WELL;
    }
}
