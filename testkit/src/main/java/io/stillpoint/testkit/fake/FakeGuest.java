package io.stillpoint.testkit.fake;

import io.stillpoint.guest.AgentTransport;
import io.stillpoint.platform.Json;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A fake Linux guest whose agent answers as QEMU's does: one client and one command at a time; while it is in its frozen
/// state it refuses nearly everything. It has the programs that a job runs in a guest, among them the watchdog of a freeze and
/// our extension, as [FakePrograms] plays them.
///
/// Its clock is the test's: what has a deadline happens when that clock has passed it and anybody asks for anything. All
/// this outlives the host's process, and a death of the agent.
///
/// Safe for several threads.
public final class FakeGuest {
    static final String FREEZE = "guest-fsfreeze-freeze";
    static final String THAW = "guest-fsfreeze-thaw";
    static final String STATUS = "guest-fsfreeze-status";

    private static final Set<String> WHILE_FROZEN =
            Set.of("guest-ping", "guest-sync", "guest-sync-delimited", "guest-info", STATUS, THAW);

    private static final Set<String> COMMANDS =
            Set.of(
                    "guest-ping",
                    "guest-sync",
                    "guest-sync-delimited",
                    "guest-info",
                    "guest-get-osinfo",
                    FREEZE,
                    THAW,
                    STATUS,
                    "guest-exec",
                    "guest-exec-status",
                    "guest-file-open",
                    "guest-file-close",
                    "guest-file-read",
                    "guest-file-write",
                    "guest-file-flush",
                    "guest-file-seek");

    /// What may happen at a command, other than that it is obeyed.
    public enum Mishap {
        /// The agent says no, and does nothing.
        REFUSED,
        /// The channel is cut before the agent has done anything; it can be opened again.
        CUT_BEFORE,
        /// The channel is cut once the agent has done it, before it answers.
        CUT_AFTER,
        /// It answers something that is no answer.
        NONSENSE
    }

    private final InstantSource clock;
    private final List<FakeAgentClient> clients = new ArrayList<>();
    private final Map<String, Deque<Mishap>> mishaps = new HashMap<>();
    private final Set<String> disabled = new HashSet<>();
    private final List<String> received = new ArrayList<>();
    private final FakeFiles files = new FakeFiles();
    private final FakePrograms programs;
    private int mounts = 3;

    /// How many of them are frozen.
    private int frozen;

    /// Who frozen file systems believe holds them, as the agent keeps it in a file: it survives the agent.
    private boolean isAgentFrozen;

    private @Nullable Instant frozenSince;
    private Duration longestFreeze = Duration.ZERO;
    private int freezes;

    /// @param clock the guest's
    public FakeGuest(InstantSource clock) {
        this.clock = clock;
        this.programs = new FakePrograms(this, files);
    }

    // The test.

    /// How many file systems a freeze freezes; 3 if nothing is said. With none there is nothing to freeze.
    public synchronized void setMounts(int count) {
        mounts = count;
    }

    /// Whether file systems are frozen, so that programs in the guest can't write.
    public synchronized boolean isFrozen() {
        tick();
        return frozen > 0;
    }

    /// Whether the agent is in its frozen state, whatever the file systems are.
    public synchronized boolean isAgentFrozen() {
        return isAgentFrozen;
    }

    /// The longest time that file systems were frozen, up to now.
    public synchronized Duration longestFreeze() {
        tick();
        Instant since = frozenSince;
        Duration now = since == null ? Duration.ZERO : Duration.between(since, clock.instant());
        return now.compareTo(longestFreeze) > 0 ? now : longestFreeze;
    }

    /// How often file systems were frozen so far.
    public synchronized int freezes() {
        return freezes;
    }

    /// What happens the next time that this command comes; several add up.
    public synchronized void once(String command, Mishap mishap) {
        mishaps.computeIfAbsent(command, _ -> new ArrayDeque<>()).add(mishap);
    }

    /// The guest's administrator allows this command no more.
    public synchronized void disable(String command) {
        disabled.add(command);
    }

    /// The commands that came, without synchronisations.
    public synchronized List<String> received() {
        return List.copyOf(received);
    }

    /// The paths of all files in the guest.
    public synchronized List<String> files() {
        return files.paths();
    }

    /// The agent ends, and with it what it knew of open files and commands, and is started anew. Its channel stays. What is
    /// frozen stays so, and the new one knows it.
    public synchronized void restartAgent() {
        clients.forEach(FakeAgentClient::forget);
        files.closeAll();
        programs.forget();
    }

    /// A reset: nothing is frozen any more, and all that was in memory is gone.
    public synchronized void reboot() {
        restartAgent();
        cut();
        thawed();
        isAgentFrozen = false;
        programs.end();
        files.removeBelow("/run/");
    }

    private void cut() {
        List.copyOf(clients).forEach(FakeAgentClient::cut);
        clients.clear();
    }

    // Clients.

    /// The way of a process to the agent.
    public AgentTransport agent(CallGate gate) {
        return new FakeAgentTransport(this, gate);
    }

    /// What the system does when the host's process has ended: its connections are closed.
    public synchronized void processEnded() {
        cut();
    }

    /// Connects to the agent. As long as another client is connected nothing is answered.
    synchronized FakeAgentClient connect() {
        FakeAgentClient client = new FakeAgentClient(this);
        clients.add(client);
        return client;
    }

    synchronized boolean isServed(FakeAgentClient client) {
        return !clients.isEmpty() && clients.getFirst().equals(client);
    }

    synchronized void leave(FakeAgentClient client) {
        boolean wasServed = isServed(client);
        clients.remove(client);
        if (wasServed && !clients.isEmpty()) {
            clients.getFirst().serve();
        }
    }

    /// Obeys a command. Null if the channel was cut.
    synchronized @Nullable ObjectNode obey(String name, ObjectNode arguments) {
        tick();
        if (!name.equals("guest-sync-delimited") && !name.equals("guest-sync")) {
            received.add(name);
        }
        Mishap mishap = mishaps.getOrDefault(name, new ArrayDeque<>()).poll();
        if (mishap == Mishap.REFUSED) {
            return refusal("GenericError", "the fake refuses " + name);
        }
        if (mishap == Mishap.NONSENSE) {
            return Json.object().put("odd", name);
        }
        if (mishap == Mishap.CUT_BEFORE) {
            cut();
            return null;
        }
        ObjectNode reply = reply(name, arguments);
        if (mishap == Mishap.CUT_AFTER) {
            cut();
            return null;
        }
        return reply;
    }

    private ObjectNode reply(String name, ObjectNode arguments) {
        if (!COMMANDS.contains(name)) {
            return refusal("CommandNotFound", "The command " + name + " has not been found");
        }
        if (!isEnabled(name)) {
            return refusal(
                    "CommandNotFound",
                    "Command "
                            + name
                            + " has been disabled"
                            + (isAgentFrozen ? ": the agent is in frozen state" : ""));
        }
        try {
            return returned(
                    switch (name) {
                        case "guest-ping" -> Json.object();
                        case "guest-sync", "guest-sync-delimited" -> arguments.path("id");
                        case "guest-info" -> info();
                        case "guest-get-osinfo" -> osInfo();
                        case FREEZE -> freeze();
                        case THAW -> thaw();
                        case STATUS -> text(isAgentFrozen ? "frozen" : "thawed");
                        case "guest-exec" -> programs.start(arguments);
                        case "guest-exec-status" -> programs.status(arguments);
                        default -> files.obey(name, arguments);
                    });
        } catch (FakeFiles.RefusedException e) {
            return refusal("GenericError", String.valueOf(e.getMessage()));
        }
    }

    private boolean isEnabled(String name) {
        return !disabled.contains(name) && (!isAgentFrozen || WHILE_FROZEN.contains(name));
    }

    private ObjectNode info() {
        ObjectNode info = Json.object().put("version", "7.2.22");
        ArrayNode commands = info.putArray("supported_commands");
        COMMANDS.stream()
                .sorted()
                .forEach(name ->
                        commands.addObject().put("name", name).put("enabled", isEnabled(name)));
        return info;
    }

    private static ObjectNode osInfo() {
        return Json.object()
                .put("id", "debian")
                .put("name", "Fake GNU/Linux")
                .put("pretty-name", "Fake GNU/Linux")
                .put("version-id", "0")
                .put("machine", "x86_64");
    }

    private JsonNode freeze() {
        freezeAll();
        isAgentFrozen = true;
        return number(mounts);
    }

    private JsonNode thaw() {
        int count = frozen;
        thawed();
        isAgentFrozen = false;
        return number(count);
    }

    // What freezes and thaws in the guest.

    /// Freezes all file systems; returns how many.
    int freezeAll() {
        freezes++;
        frozen = mounts;
        frozenSince = frozen > 0 ? clock.instant() : null;
        return frozen;
    }

    /// Thaws all file systems, whoever froze them.
    void thawed() {
        thawedAt(clock.instant());
    }

    /// As above, by something that was due then: nobody has asked since.
    void thawedAt(Instant instant) {
        Instant since = frozenSince;
        if (since != null) {
            Duration length = Duration.between(since, instant);
            longestFreeze = length.compareTo(longestFreeze) > 0 ? length : longestFreeze;
        }
        frozen = 0;
        frozenSince = null;
    }

    boolean areFrozen() {
        return frozen > 0;
    }

    int mounts() {
        return mounts;
    }

    Instant now() {
        return clock.instant();
    }

    /// What was due by now happens.
    private void tick() {
        programs.tick();
    }

    private static ObjectNode returned(JsonNode value) {
        ObjectNode reply = Json.object();
        reply.set("return", value);
        return reply;
    }

    static ObjectNode refusal(String errorClass, String description) {
        ObjectNode reply = Json.object();
        reply.putObject("error").put("class", errorClass).put("desc", description);
        return reply;
    }

    private static JsonNode number(int value) {
        return Json.array().add(value).get(0);
    }

    private static JsonNode text(String value) {
        return Json.array().add(value).get(0);
    }
}
