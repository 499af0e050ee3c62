package io.stillpoint.guest;

import static io.stillpoint.guest.AgentCommand.FREEZE;
import static io.stillpoint.guest.AgentCommand.STATUS;
import static io.stillpoint.guest.AgentCommand.THAW;

import io.stillpoint.guest.AgentReply.Returned;
import io.stillpoint.guest.GuestException.Kind;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.Undisturbed;
import io.stillpoint.platform.text.Text;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The qemu-guest-agent of one guest, on the host's end of its channel (docs/interop/qemu-ga-ref of QEMU; written for
/// 2.5 and newer on Linux and Windows).
///
/// A channel serves one program at a time: others connect and get no answer until this one is closed.
/// Safe for several threads, one command at a time. After a timeout or a broken connection the agent stays
/// usable: the next command synchronises or connects again first, so a late reply is never taken for
/// another's.
///
/// Every method throws [GuestException] unless it says otherwise, and `CancelledException` when its
/// thread is interrupted. Freezing and thawing can't be interrupted. While the guest is frozen its
/// agent refuses everything but [#thaw()] and [#isFrozen()].
public final class GuestAgent implements AutoCloseable {
    private final AgentSession session;
    private final AgentTimeouts timeouts;
    private final Threads threads;

    /// Each known command and whether it is enabled; null until asked for.
    private volatile @Nullable Map<String, Boolean> commands;

    private GuestAgent(AgentSession session, AgentTimeouts timeouts, Threads threads) {
        this.session = session;
        this.timeouts = timeouts;
        this.threads = threads;
    }

    /// Connects, synchronises and asks what the agent can do. Connections that are made later come from the same
    /// transport.
    ///
    /// Throws UNREACHABLE if there is no channel, nobody listens, or it leads elsewhere, TIMEOUT if there is no answer
    /// within `patience`: no agent runs, or another program holds the channel.
    ///
    /// @param randomness numbers the synchronisations
    /// @param threads make those on which a guest is frozen and thawed, which no interrupt reaches
    public static GuestAgent connect(
            AgentTransport transport, Duration patience, Randomness randomness, Threads threads) {
        return connect(transport, patience, randomness, threads, AgentTimeouts.DEFAULT);
    }

    static GuestAgent connect(
            AgentTransport transport,
            Duration patience,
            Randomness randomness,
            Threads threads,
            AgentTimeouts timeouts) {
        GuestAgent agent =
                new GuestAgent(new AgentSession(transport, randomness), timeouts, threads);
        boolean done = false;
        try {
            Deadline deadline = Deadline.after(patience);
            agent.session.synchronise(deadline);
            agent.askForCommands(deadline);
            done = true;
            return agent;
        } finally {
            if (!done) {
                agent.close();
            }
        }
    }

    /// Those that it was given: what must come to its end in the guest, whoever is interrupted, runs on one of theirs.
    public Threads threads() {
        return threads;
    }

    /// Whether the agent knows the command and its administrator has not disabled it.
    public boolean supports(String command) {
        return commands().getOrDefault(command, false);
    }

    /// Flushes and freezes all file systems of the guest; may take two minutes, most of which Windows
    /// spends before anything is frozen.
    ///
    /// When this throws the guest may be frozen, or become so later: call [#thaw()] in any case.
    public FreezeOutcome freeze() {
        return Undisturbed.onThread(threads, "guest-freeze", this::freezeNow);
    }

    private FreezeOutcome freezeNow() {
        Map<String, Boolean> known = commands();
        // Without a way back and a way to prove it nothing may be frozen.
        for (String command : List.of(STATUS, THAW, FREEZE)) {
            Boolean enabled = known.get(command);
            if (enabled == null) {
                return new FreezeOutcome.Refused("guest.freeze-unsupported", "unknown: " + command);
            }
            // Asked before anything is sent: a freeze that is not ours is not ours to thaw. In that
            // state the agent reports freezing as disabled.
            if (command.equals(FREEZE) && isFrozen()) {
                return new FreezeOutcome.Refused("guest.already-frozen", STATUS + ": frozen");
            }
            if (!enabled) {
                return new FreezeOutcome.Refused("guest.freeze-disabled", "disabled: " + command);
            }
        }
        AgentReply reply = session.ask(AgentCommand.of(FREEZE), Deadline.after(timeouts.freeze()));
        return switch (reply) {
            case Returned(JsonNode value) -> {
                int count = Replies.count(session, value);
                yield count > 0
                        ? new FreezeOutcome.Frozen(count)
                        : refusal("guest.nothing-to-freeze", "0 file systems");
            }
            case AgentReply.Refused(String errorClass, String description) ->
                    refusal("guest.freeze-failed", description);
        };
    }

    /// The agent may be in its frozen state although nothing was frozen (Windows without a fixed volume)
    /// or part of it failed.
    private FreezeOutcome refusal(String code, String detail) {
        if (thaw() instanceof ThawOutcome.Unproven(Text why)) {
            throw new GuestException(
                    Kind.TIMEOUT, "guest.thaw-unproven", null, session.channel(), why);
        }
        return new FreezeOutcome.Refused(code, detail);
    }

    /// Thaws, and proves it by asking until the guest says that it is thawed; for up to 30 seconds, over as
    /// many connections as it takes. Harmless when nothing is frozen. Never throws [GuestException].
    public ThawOutcome thaw() {
        // While frozen most commands are reported as disabled.
        commands = null;
        return Undisturbed.onThread(
                threads, "guest-thaw", () -> new Thawing(session, timeouts).run());
    }

    /// Whether the agent is in its frozen state. It stays in that state when something else than the
    /// agent has thawed the file systems; [#thaw()] tells.
    public boolean isFrozen() {
        return call(STATUS, Json.object()).asString("").equals("frozen");
    }

    /// Runs a command in the guest, as root or SYSTEM, and waits for its end.
    ///
    /// Throws REFUSED if it can't be started, TIMEOUT if it still runs after `timeout`; then it goes on
    /// running, since the agent can't end it.
    ///
    /// @param command the program, found on the agent's PATH, and its arguments; no shell is involved
    /// @param input its standard input; with none it reads from /dev/null
    public ExecResult exec(List<String> command, byte[] input, Duration timeout) {
        return new GuestCommand(session, timeouts).run(command, input, timeout);
    }

    /// A file's content. Throws REFUSED if it can't be read or is longer than `lengthMax` bytes.
    public byte[] readFile(String path, int lengthMax) {
        try (GuestFile file = GuestFile.open(session, timeouts, path, "rb")) {
            return file.readAll(lengthMax);
        }
    }

    /// Makes or replaces a file, whose mode stays what it was. It is in the guest's page cache on return and
    /// not atomic: after a failure the guest may see a part.
    public void writeFile(String path, byte[] content) {
        try (GuestFile file = GuestFile.open(session, timeouts, path, "wb")) {
            file.writeAll(content);
        }
    }

    /// Opens a pipe that a program in the guest serves. Throws REFUSED if there is none.
    public GuestPipe openPipe(String path) {
        return GuestPipe.open(session, timeouts, path);
    }

    /// What guest-get-osinfo says; an empty object if the agent does not support it.
    public ObjectNode osInfo() {
        if (!supports("guest-get-osinfo")) {
            return Json.object();
        }
        return call("guest-get-osinfo", Json.object()) instanceof ObjectNode info
                ? info
                : Json.object();
    }

    /// Frees the channel for others. Thaws nothing.
    @Override
    public void close() {
        session.close();
    }

    private JsonNode call(String command, ObjectNode arguments) {
        return session.call(
                AgentCommand.of(command, arguments), Deadline.after(timeouts.command()));
    }

    private Map<String, Boolean> commands() {
        Map<String, Boolean> known = commands;
        return known == null ? askForCommands(Deadline.after(timeouts.command())) : known;
    }

    private Map<String, Boolean> askForCommands(Deadline deadline) {
        JsonNode info = session.call(AgentCommand.of("guest-info"), deadline);
        Map<String, Boolean> known = new HashMap<>();
        for (JsonNode command : info.path("supported_commands")) {
            known.put(command.path("name").asString(""), command.path("enabled").asBoolean(true));
        }
        commands = known;
        return known;
    }
}
