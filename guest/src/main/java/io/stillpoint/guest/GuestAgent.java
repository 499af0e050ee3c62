package io.stillpoint.guest;

import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A client of the guest agent of one VM. Used by one thread at a time. Connects when first needed, and anew
/// after a drop; gets in step again after a timeout.
///
/// Each call throws a [GuestException]: Unreachable when the socket or connection is gone, TimedOut when the
/// agent is silent or slow, Refused when it answers with an error, Protocol when what answers is no agent.
public final class GuestAgent implements AutoCloseable {
    /// How long the agent may take to answer at all.
    static final Duration SYNC_MAX = Duration.ofSeconds(5);

    /// How long a short command may take.
    static final Duration COMMAND_MAX = Duration.ofSeconds(15);

    private static final Duration POLL_MIN = Duration.ofMillis(20);
    private static final Duration POLL_MAX = Duration.ofMillis(500);

    private final Path socket;
    private final Duration syncMax;
    private final Randomness randomness;
    private @Nullable AgentConnection connection;

    private GuestAgent(Path socket, Duration syncMax, Randomness randomness) {
        this.socket = socket;
        this.syncMax = syncMax;
        this.randomness = randomness;
    }

    /// A client that has yet to connect.
    ///
    /// @param socket the unix socket of the chardev behind the port `org.qemu.guest_agent.0`
    public static GuestAgent at(Path socket) {
        return at(socket, SYNC_MAX);
    }

    static GuestAgent at(Path socket, Duration syncMax) {
        return new GuestAgent(socket, syncMax, Randomness.secure());
    }

    /// Asks for a sign of life.
    public void ping() {
        execute("guest-ping", Json.object(), COMMAND_MAX);
    }

    /// What the agent can do.
    public AgentInfo info() {
        JsonNode info = execute("guest-info", Json.object(), COMMAND_MAX);
        Set<String> commands = new HashSet<>();
        for (JsonNode command : info.path("supported_commands")) {
            if (command.path("enabled").asBoolean(false)) {
                commands.add(command.path("name").asString(""));
            }
        }
        return new AgentInfo(plain(info, "version"), commands);
    }

    /// What the guest runs.
    public OsInfo osInfo() {
        JsonNode info = execute("guest-get-osinfo", Json.object(), COMMAND_MAX);
        return new OsInfo(
                plain(info, "id"),
                plain(info, "pretty-name"),
                plain(info, "version-id"),
                plain(info, "kernel-release"),
                plain(info, "machine"));
    }

    /// Whether the agent counts the file systems as frozen.
    public boolean isFrozen() {
        String status = execute("guest-fsfreeze-status", Json.object(), COMMAND_MAX).asString("");
        return switch (status) {
            case "frozen" -> true;
            case "thawed" -> false;
            default -> throw new GuestException.Protocol(socket, "frozen or thawed", shown(status));
        };
    }

    /// Freezes all file systems; see [Freezing].
    ///
    /// @param timeout how long the freeze may take; flushing a busy guest takes seconds
    public FreezeOutcome freeze(Duration timeout) {
        return new Freezing(this).freeze(timeout);
    }

    /// Thaws all file systems and proves it by asking, through as many connections as it takes.
    ///
    /// @param frozen what the freeze had returned
    /// @param timeout how long to try
    public ThawOutcome thaw(int frozen, Duration timeout) {
        return new Freezing(this).thaw(frozen, timeout);
    }

    /// Runs a program to its end and captures its output.
    public GuestExit execute(GuestCommand command) {
        ObjectNode arguments =
                Json.object().put("path", command.path()).put("capture-output", true);
        arguments.set("arg", strings(command.arguments()));
        if (!command.environment().isEmpty()) {
            arguments.set("env", strings(command.environment()));
        }
        command.input()
                .ifPresent(text ->
                        arguments.put(
                                "input-data",
                                Base64.getEncoder()
                                        .encodeToString(text.getBytes(StandardCharsets.UTF_8))));
        long deadline = System.nanoTime() + command.timeout().toNanos();
        long pid = execute("guest-exec", arguments, COMMAND_MAX).path("pid").asLong(-1);
        Duration pause = POLL_MIN;
        while (true) {
            JsonNode status =
                    execute("guest-exec-status", Json.object().put("pid", pid), COMMAND_MAX);
            if (status.path("exited").asBoolean(false)) {
                return exit(status);
            }
            if (System.nanoTime() > deadline) {
                throw new GuestException.TimedOut(
                        "guest.exec-timeout",
                        socket,
                        command.path(),
                        Long.toString(command.timeout().toSeconds()));
            }
            pause(pause);
            pause = pause.multipliedBy(3).dividedBy(2);
            pause = pause.compareTo(POLL_MAX) > 0 ? POLL_MAX : pause;
        }
    }

    /// Opens a file of the guest for reading. The caller closes it.
    public GuestFile openForReading(String path) {
        return GuestFile.open(this, path, "r");
    }

    /// Creates or empties a file of the guest for writing. The caller closes it.
    public GuestFile openForWriting(String path) {
        return GuestFile.open(this, path, "w");
    }

    @Override
    public void close() {
        AgentConnection open = connection;
        if (open != null) {
            open.close();
        }
    }

    Path socket() {
        return socket;
    }

    JsonNode execute(String command, ObjectNode arguments, Duration timeout) {
        AgentConnection open = connection;
        if (open == null || open.isClosed()) {
            open = AgentConnection.open(socket, randomness);
            connection = open;
        }
        return open.execute(command, arguments, timeout, syncMax);
    }

    /// A number that the guest tells, checked.
    int count(JsonNode value) {
        if (!value.isInt() || value.asInt() < 0) {
            throw new GuestException.Protocol(socket, "a count", shown(value.toString()));
        }
        return value.asInt();
    }

    static void pause(Duration time) {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private GuestExit exit(JsonNode status) {
        int code =
                status.has("exitcode")
                        ? status.path("exitcode").asInt(-1)
                        : 128 + status.path("signal").asInt(0);
        return new GuestExit(
                code,
                decoded(status, "out-data"),
                decoded(status, "err-data"),
                status.path("out-truncated").asBoolean(false)
                        || status.path("err-truncated").asBoolean(false));
    }

    private String decoded(JsonNode status, String field) {
        try {
            return new String(
                    Base64.getDecoder().decode(status.path(field).asString("")),
                    StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw new GuestException.Protocol(socket, "base64 in " + field, "other text");
        }
    }

    private static String plain(JsonNode info, String field) {
        return AgentConnection.printable(info.path(field).asString(""));
    }

    private static String shown(String text) {
        return AgentConnection.printable(text.substring(0, Math.min(text.length(), 120)));
    }

    private static ArrayNode strings(Iterable<String> texts) {
        ArrayNode array = Json.array();
        texts.forEach(array::add);
        return array;
    }
}
