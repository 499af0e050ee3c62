package io.stillpoint.guest;

import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Json;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A command that runs in the guest. The agent starts it and answers at once; we ask until it has ended.
final class GuestCommand {
    static final String EXEC = "guest-exec";
    static final String EXEC_STATUS = "guest-exec-status";

    /// The agent keeps 16 MiB of each output (GUEST_EXEC_MAX_OUTPUT in qga/commands.c of QEMU), which are
    /// twice 22.4 million characters of base64.
    private static final int STATUS_BYTES_MAX = 48 << 20;

    private static final Duration POLL_MIN = Duration.ofMillis(20);
    private static final Duration POLL_MAX = Duration.ofMillis(500);

    private final AgentSession session;
    private final AgentTimeouts timeouts;

    GuestCommand(AgentSession session, AgentTimeouts timeouts) {
        this.session = session;
        this.timeouts = timeouts;
    }

    ExecResult run(List<String> command, byte[] input, Duration timeout) {
        Deadline deadline = Deadline.after(timeout);
        long pid = start(command, input, deadline);
        ObjectNode which = Json.object().put("pid", pid);
        Duration pause = POLL_MIN;
        while (true) {
            // Each question has its own deadline: the last one is asked when the command's time is
            // over.
            JsonNode status =
                    session.call(
                            new AgentCommand(EXEC_STATUS, which, STATUS_BYTES_MAX),
                            Deadline.after(timeouts.command()));
            if (status.path("exited").asBoolean(false)) {
                return resultOf(status);
            }
            if (deadline.hasPassed()) {
                throw new GuestException(
                        Kind.TIMEOUT,
                        "guest.exec-timeout",
                        null,
                        session.channel(),
                        command.getFirst(),
                        Long.toString(pid),
                        Long.toString(timeout.toSeconds()));
            }
            pause(Duration.ofNanos(Math.min(pause.toNanos(), deadline.nanosLeft() + 1)));
            pause =
                    pause.multipliedBy(2).compareTo(POLL_MAX) < 0
                            ? pause.multipliedBy(2)
                            : POLL_MAX;
        }
    }

    private long start(List<String> command, byte[] input, Deadline deadline) {
        ObjectNode arguments =
                Json.object().put("path", command.getFirst()).put("capture-output", true);
        ArrayNode rest = arguments.putArray("arg");
        command.stream().skip(1).forEach(rest::add);
        if (input.length > 0) {
            arguments.put("input-data", Base64.getEncoder().encodeToString(input));
        }
        JsonNode started =
                session.call(AgentCommand.of(EXEC, arguments), deadline.within(timeouts.command()));
        return Replies.number(session, started.path("pid"));
    }

    private ExecResult resultOf(JsonNode status) {
        Optional<JsonNode> exitCode = status.optional("exitcode");
        // As a shell reports it. Windows' exit codes fill 32 bits without a sign.
        long code =
                exitCode.isPresent()
                        ? Replies.number(session, exitCode.get())
                        : 128 + Replies.number(session, status.path("signal"));
        return new ExecResult(
                (int) code,
                Replies.bytes(session, status.path("out-data")),
                Replies.bytes(session, status.path("err-data")),
                status.path("out-truncated").asBoolean(false)
                        || status.path("err-truncated").asBoolean(false));
    }

    static void pause(Duration pause) {
        try {
            Thread.sleep(pause);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
    }
}
