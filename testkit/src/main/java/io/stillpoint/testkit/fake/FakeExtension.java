package io.stillpoint.testkit.fake;

import io.stillpoint.platform.Json;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// What VMSnapshotLinux does in a [FakeGuest] (`docs/extensions.md`), without scripts: none are configured. It plays the
/// executable of whatever package lies there. Guarded by the guest.
final class FakeExtension {
    private static final String FOLDER = "/var/lib/stillpoint/VMSnapshotLinux/";
    private static final String RUN = "/run/stillpoint/VMSnapshotLinux/";
    private static final String STATE = FOLDER + "state.json";
    private static final String STATUS = RUN + "status.json";
    private static final String CONTROL = RUN + "control";

    private final FakeGuest guest;
    private final FakeFiles files;

    /// The snapshot that is at work.
    private @Nullable String task;

    private Instant began = Instant.MIN;
    private Instant deadline = Instant.MAX;

    FakeExtension(FakeGuest guest, FakeFiles files) {
        this.guest = guest;
        this.files = files;
    }

    static boolean isAt(String path) {
        return path.startsWith(FOLDER);
    }

    /// A reset.
    void end() {
        task = null;
    }

    /// Its guardian thaws at the deadline, whoever is gone.
    void tick() {
        if (task != null && !guest.now().isBefore(deadline)) {
            finish("deadline", deadline);
        }
    }

    FakePrograms.Result run(String path, List<String> words) {
        String version = path.substring(FOLDER.length(), path.lastIndexOf('/'));
        String verb = words.isEmpty() ? "" : words.getFirst();
        return switch (verb) {
            case "verify" -> ok(Json.object());
            case "install", "update" -> {
                write(STATE, Json.object().put("version", version).put("disabled", false));
                yield ok(Json.object());
            }
            case "enable" -> {
                setDisabled(false);
                yield ok(Json.object());
            }
            case "disable" -> {
                setDisabled(true);
                yield ok(Json.object());
            }
            case "uninstall" -> {
                files.remove(STATE);
                yield ok(Json.object());
            }
            case "health" -> health();
            case "snapshot" -> snapshot(option(words, "--task"), option(words, "--deadline"));
            case "thaw" -> {
                if (task != null) {
                    finish("command", guest.now());
                } else {
                    guest.thawed();
                }
                yield ok(Json.object());
            }
            default -> failed(1, "usage");
        };
    }

    private void setDisabled(boolean isDisabled) {
        ObjectNode state = state();
        state.put("disabled", isDisabled).put("enabled", !isDisabled);
        write(STATE, state);
    }

    private ObjectNode state() {
        Optional<byte[]> content = files.content(STATE);
        return content.isPresent() && Json.parse(content.get()) instanceof ObjectNode state
                ? state
                : Json.object();
    }

    private FakePrograms.Result health() {
        ObjectNode state = state();
        if (state.isEmpty()) {
            return failed(18, "not-installed");
        }
        if (state.path("disabled").asBoolean(false)) {
            return failed(18, "disabled");
        }
        boolean isEnabled = state.path("enabled").asBoolean(false);
        boolean isThawed = task != null || !guest.areFrozen();
        ObjectNode health =
                Json.object()
                        .put("state", isEnabled ? "enabled" : "installed")
                        .put("healthy", isEnabled && isThawed);
        health.putArray("checks").addObject().put("name", "thawed").put("ok", isThawed);
        return ok(health);
    }

    private FakePrograms.Result snapshot(String name, String seconds) {
        if (task != null) {
            return failed(13, "busy");
        }
        int frozen = guest.freezeAll();
        task = name;
        began = guest.now();
        deadline = began.plus(Duration.ofSeconds(Integer.parseInt(seconds)));
        writeStatus("held", true, "", frozen);
        files.pipe(
                CONTROL,
                line -> {
                    if (line.strip().equals("thaw") && task != null) {
                        finish("command", guest.now());
                    }
                });
        return ok(Json.object().put("status", STATUS).put("control", CONTROL));
    }

    /// Thaws, and tells how it went. Somebody else may have thawed before.
    private void finish(String thawedBy, Instant at) {
        boolean wasHeld = guest.areFrozen() || guest.mounts() == 0;
        guest.thawedAt(at);
        writeStatus("done", wasHeld && thawedBy.equals("command"), thawedBy, guest.mounts());
        task = null;
        files.removePipe(CONTROL);
    }

    private void writeStatus(String state, boolean held, String thawedBy, int frozen) {
        ObjectNode status =
                Json.object()
                        .put("task", task)
                        .put("state", state)
                        .put("refused", false)
                        .put("held", held)
                        .put("thawedBy", thawedBy);
        ObjectNode freeze =
                status.putObject("freeze").put("wanted", true).put("code", 0).put("detail", "");
        long micros = Duration.between(began, guest.now()).toNanos() / 1000;
        var mounts = freeze.putArray("mounts");
        for (int i = 0; i < frozen; i++) {
            mounts.addObject()
                    .put("path", "/fake" + i)
                    .put("outcome", "frozen")
                    .put("micros", state.equals("done") ? micros : 0);
        }
        status.putObject("scripts")
                .put("configuration", "")
                .put("code", 0)
                .put("detail", "")
                .put("continueOnFailure", true)
                .put("freezeEnabled", true);
        write(STATUS, status);
    }

    private void write(String path, JsonNode json) {
        files.put(path, Json.bytes(json));
    }

    private static String option(List<String> words, String name) {
        int at = words.indexOf(name);
        return at < 0 || at + 1 >= words.size() ? "" : words.get(at + 1);
    }

    private static FakePrograms.Result ok(ObjectNode answer) {
        answer.put("code", "ok").put("message", "");
        return FakePrograms.Result.said(
                new String(Json.bytes(answer), StandardCharsets.UTF_8) + "\n");
    }

    private static FakePrograms.Result failed(int exit, String code) {
        ObjectNode answer = Json.object().put("code", code).put("message", "");
        return new FakePrograms.Result(
                exit, new String(Json.bytes(answer), StandardCharsets.UTF_8) + "\n", "");
    }
}
