package io.stillpoint.engine;

import io.stillpoint.engine.ConsistencyRules.Agent;
import io.stillpoint.engine.ConsistencyRules.Extension;
import io.stillpoint.engine.ConsistencyRules.Machine;
import io.stillpoint.engine.ConsistencyRules.Next;
import io.stillpoint.engine.ConsistencyRules.Verdict;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.extension.Ensured;
import io.stillpoint.guest.extension.GuestSystem;
import io.stillpoint.guest.extension.InstalledExtension;
import io.stillpoint.guest.quiesce.AgentFreeze;
import io.stillpoint.guest.quiesce.Applications;
import io.stillpoint.guest.quiesce.LinuxSnapshot;
import io.stillpoint.guest.quiesce.Quiescence;
import io.stillpoint.guest.quiesce.Quiescer;
import io.stillpoint.guest.quiesce.Rest;
import io.stillpoint.guest.quiesce.VolumeFlush;
import io.stillpoint.guest.quiesce.VssSnapshot;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.Shutdown;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.point.Consistency;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The guest during one job: what it can do for a snapshot, and the snapshot taken in the best way that works
/// (`docs/consistency.md`). Whatever happens in between, the guest ends its rest, here or by itself.
final class Quiescing implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(5);
    private static final int TASK_BYTES = 8;

    /// What guest-exec and guest-file-open bring; extensions need both.
    private static final List<String> COMMANDS =
            List.of(
                    "guest-exec",
                    "guest-exec-status",
                    "guest-file-open",
                    "guest-file-read",
                    "guest-file-write");

    private final BackupSettings settings;
    private final JobReporter reporter;
    private final Cancellation cancellation;
    private final InstantSource clock;
    private final Randomness randomness;
    private final VirtualMachine vm;
    private final Set<Way> tried = EnumSet.noneOf(Way.class);

    private Machine machine = Machine.RUNNING;
    private GuestSystem.Os system = GuestSystem.Os.OTHER;
    private @Nullable GuestAgent agent;
    private @Nullable InstalledExtension extension;
    private Way way = Way.NOTHING;

    /// Why the snapshot can't be as consistent as could be: the first obstacle.
    private Shortfall shortfall = Shortfall.NONE;

    private boolean writerFailed;

    private Quiescing(
            BackupSettings settings,
            VirtualMachine vm,
            JobReporter reporter,
            Cancellation cancellation,
            InstantSource clock,
            Randomness randomness) {
        this.settings = settings;
        this.vm = vm;
        this.reporter = reporter;
        this.cancellation = cancellation;
        this.clock = clock;
        this.randomness = randomness;
    }

    /// Connects to the guest's agent, sees to its extension, and chooses the way.
    ///
    /// Throws `engine.below-minimum` where it can't lead to what the policy demands.
    static Quiescing ready(
            BackupSettings settings,
            VirtualMachine vm,
            JobReporter reporter,
            Cancellation cancellation,
            InstantSource clock,
            Randomness randomness) {
        Quiescing guest = new Quiescing(settings, vm, reporter, cancellation, clock, randomness);
        boolean done = false;
        try {
            guest.meet(vm.running());
            done = true;
            return guest;
        } finally {
            if (!done) {
                guest.close();
            }
        }
    }

    private void meet(boolean isRunning) {
        if (!settings.live()) {
            machine = Machine.OFF;
        } else if (!isRunning) {
            machine = Machine.PAUSED;
            shortfall = Shortfall.of(text("guest.paused"));
        } else if (settings.agentSocket().isEmpty()) {
            shortfall = Shortfall.of(text("guest.no-agent-socket"));
        } else {
            connect();
        }
        way =
                ConsistencyRules.way(
                        machine, guestKind(), agentState(), extensionState(), passesOverVss());
        Consistency best = ConsistencyRules.best(machine, way);
        if (best.compareTo(settings.atLeast()) < 0) {
            throw below(best);
        }
    }

    private void connect() {
        Path socket = settings.agentSocket().orElseThrow();
        Optional<VirtualMachine.Channel> channel = vm.channel(socket);
        if (channel.isEmpty() && Files.exists(socket)) {
            // Freezing another VM's guest would do harm there, and no good here.
            Text text = text("guest.other-channel", socket);
            shortfall = Shortfall.of(text);
            reporter.warning("guest.other-channel", text("engine.no-agent", text));
            return;
        }
        GuestAgent connected;
        try {
            connected =
                    GuestAgent.connect(
                            socket,
                            PATIENCE,
                            randomness,
                            () -> channel.filter(VirtualMachine.Channel::isConnected).isPresent());
        } catch (GuestException e) {
            noAgent(e);
            return;
        }
        agent = connected;
        try {
            AgentFreeze.thawLeftover(connected)
                    .forEach(warning -> reporter.note(warning.code(), warning.text()));
            system = GuestSystem.of(connected).os();
            if (agentState() == Agent.FULL && settings.extensions().isPresent()) {
                ensureExtension(connected);
            }
        } catch (GuestException e) {
            agent = null;
            connected.close();
            noAgent(e);
        }
    }

    private void noAgent(GuestException e) {
        shortfall = Shortfall.of(e.text());
        reporter.warning(e.code(), text("engine.no-agent", e));
    }

    private void ensureExtension(GuestAgent connected) {
        reporter.step(Step.EXTENSION, text("engine.extension"));
        switch (settings.extensions().orElseThrow().ensure(settings.vm(), connected)) {
            case Ensured.Ready(
                            InstalledExtension found,
                            Ensured.Done done,
                            List<Text> warnings) -> {
                extension = found;
                warnings.forEach(text -> reporter.note("extension.warning", text));
                String version = found.type().id() + " " + found.version();
                switch (done) {
                    case NOTHING -> {}
                    case INSTALLED -> told("engine.extension-installed", version);
                    case UPDATED -> told("engine.extension-updated", version);
                    case REINSTALLED -> told("engine.extension-reinstalled", version);
                }
            }
            case Ensured.Unavailable(String code, Text text) -> {
                shortfall = new Shortfall(code, text);
                reporter.warning(code, text("engine.no-extension", text));
            }
        }
    }

    private void told(String key, String version) {
        reporter.step(Step.EXTENSION, text(key, version));
    }

    private ConsistencyRules.GuestKind guestKind() {
        return ConsistencyRules.GuestKind.valueOf(system.name());
    }

    private Agent agentState() {
        GuestAgent connected = agent;
        if (connected == null) {
            return Agent.NONE;
        }
        return COMMANDS.stream().allMatch(connected::supports) ? Agent.FULL : Agent.LIMITED;
    }

    private Extension extensionState() {
        boolean isWanted =
                settings.extensions().isPresent()
                        && !(system == GuestSystem.Os.WINDOWS && settings.vssByAgent());
        if (!isWanted) {
            return Extension.UNWANTED;
        }
        return extension == null ? Extension.UNAVAILABLE : Extension.READY;
    }

    /// Not where the policy accepts nothing less than what only VSS can give.
    private boolean passesOverVss() {
        return extension != null
                && settings.atLeast() != Consistency.APPLICATION
                && settings.extensions().orElseThrow().passesOverVss(settings.vm());
    }

    /// Takes the snapshot, again in another way where the first was worth nothing.
    ///
    /// Throws `engine.below-minimum` or `engine.scripts-failed` if no point may be made of it; nothing is held then.
    HeldVm hold(Supplier<PreparedSnapshot> prepare) {
        while (true) {
            tried.add(way);
            PreparedSnapshot prepared = prepare.get();
            reporter.step(Step.SNAPSHOT, text("engine.taking"));
            cancellation.check();
            Attempt attempt = new Attempt(prepared);
            try {
                attempt.run(quiescer());
                Verdict verdict = judged(attempt);
                writerFailed |= verdict.code().equals("guest.writer-failed");
                if (verdict.next() == Next.KEEP) {
                    noteVss();
                    return attempt.kept(verdict);
                }
                way = after(verdict.next());
            } finally {
                attempt.dropUnlessKept();
            }
        }
    }

    private void noteVss() {
        if (extension != null && system == GuestSystem.Os.WINDOWS) {
            settings.extensions()
                    .orElseThrow()
                    .noteVss(settings.vm(), !tried.contains(Way.VSS), writerFailed);
        }
    }

    private Verdict judged(Attempt attempt) {
        Quiescence came = attempt.came();
        Verdict verdict;
        if (machine == Machine.OFF) {
            Shutdown shutdown = attempt.shutdown();
            verdict = ConsistencyRules.stopped(shutdown.state());
            tell(verdict, shutdown.detail());
        } else {
            verdict = ConsistencyRules.verdict(way, came.applications(), came.rest());
            came.warnings().forEach(warning -> reporter.warning(warning.code(), warning.text()));
            tellScripts(came.report().path("scripts"));
            tell(verdict, came.detail());
        }
        if (verdict.next() == Next.FAIL) {
            throw new JobException("engine.scripts-demand", came.detail());
        }
        Consistency reached = verdict.consistency();
        if (verdict.next() == Next.KEEP && reached.compareTo(settings.atLeast()) < 0) {
            throw below(reached);
        }
        return verdict;
    }

    private JobException below(Consistency reached) {
        return new JobException(
                "engine.below-minimum",
                reached.word(),
                settings.atLeast().word(),
                shortfall.text());
    }

    private void tell(Verdict verdict, Text detail) {
        if (verdict.code().isEmpty()) {
            return;
        }
        Text text = text(verdict.code(), detail);
        if (verdict.code().equals("guest.state-unknown")) {
            reporter.note(text);
        } else if (!verdict.code().equals("guest.no-scripts")) {
            reporter.warning(text);
        }
        if (shortfall.equals(Shortfall.NONE)) {
            shortfall = Shortfall.of(text);
        }
    }

    private void tellScripts(JsonNode scripts) {
        for (Step which : List.of(Step.PRE_SCRIPT, Step.POST_SCRIPT)) {
            JsonNode script = scripts.path(which == Step.PRE_SCRIPT ? "pre" : "post");
            if (script.path("ran").asBoolean(false)) {
                reporter.step(
                        which,
                        text(
                                "engine.script",
                                Integer.toString(script.path("exit").asInt(0)),
                                Long.toString(script.path("millis").asLong(0)),
                                Integer.toString(script.path("attempts").asInt(1)),
                                script.path("output").asString("").strip()));
            }
        }
    }

    private Way after(Next next) {
        Way wanted =
                switch (next) {
                    case AGAIN_BY_AGENT -> Way.AGENT_VSS;
                    case AGAIN_FLUSHED -> extension == null ? Way.NOTHING : Way.FLUSH;
                    case AGAIN_WITHOUT -> Way.NOTHING;
                    case KEEP, FAIL -> throw new IllegalStateException(next.name());
                };
        return tried.contains(wanted) ? Way.NOTHING : wanted;
    }

    private Quiescer quiescer() {
        GuestAgent connected = agent;
        if (way == Way.NOTHING || connected == null) {
            return new Undisturbing();
        }
        String task = randomness.hex(TASK_BYTES);
        return switch (way) {
            case EXTENSION ->
                    new LinuxSnapshot(
                            connected,
                            found(),
                            new LinuxSnapshot.Settings(
                                    task, settings.freezeMax(), settings.scriptMax()),
                            cancellation);
            case AGENT -> new AgentFreeze(connected, false, settings.freezeMax(), randomness);
            case AGENT_VSS -> new AgentFreeze(connected, true, settings.freezeMax(), randomness);
            case VSS ->
                    new VssSnapshot(
                            connected,
                            found(),
                            new VssSnapshot.Settings(
                                    task, settings.vssHoldMax(), settings.vssPrepareMax()),
                            cancellation);
            case FLUSH -> new VolumeFlush(connected);
            case NOTHING -> throw new IllegalStateException("nothing");
        };
    }

    private InstalledExtension found() {
        if (extension == null) {
            throw new IllegalStateException("no extension");
        }
        return extension;
    }

    @Override
    public void close() {
        if (agent != null) {
            agent.close();
        }
    }

    /// @param text for people; empty for [#NONE]
    private record Shortfall(String code, Text text) {
        static final Shortfall NONE = new Shortfall("", Text.EMPTY);

        static Shortfall of(Text text) {
            return new Shortfall(text.code(), text);
        }
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(Quiescing.class, code, arguments);
    }

    /// One snapshot, kept or not.
    private final class Attempt {
        private final PreparedSnapshot prepared;
        private @Nullable HeldSnapshot snapshot;
        private @Nullable Instant at;
        private @Nullable Quiescence came;
        private boolean isKept;

        Attempt(PreparedSnapshot prepared) {
            this.prepared = prepared;
        }

        void run(Quiescer quiescer) {
            try {
                if (quiescer.begin()) {
                    take();
                }
            } finally {
                came = quiescer.end(snapshot != null);
            }
        }

        private void take() {
            snapshot = prepared.take();
            at = clock.instant();
        }

        Quiescence came() {
            if (came == null) {
                throw new IllegalStateException("not run");
            }
            return came;
        }

        Shutdown shutdown() {
            if (snapshot == null) {
                throw new IllegalStateException("not taken");
            }
            return snapshot.shutdown();
        }

        HeldVm kept(Verdict verdict) {
            if (snapshot == null) {
                // The guest never came to rest, and that will do.
                take();
            }
            HeldSnapshot taken = snapshot;
            Instant instant = at;
            if (taken == null || instant == null) {
                throw new IllegalStateException("not taken");
            }
            isKept = true;
            Consistency reached = verdict.consistency();
            return new HeldVm(
                    prepared,
                    taken,
                    instant,
                    reached,
                    reached.compareTo(Consistency.APPLICATION) >= 0 ? "" : shortfall.code(),
                    came().frozenMillis(),
                    report());
        }

        private ObjectNode report() {
            ObjectNode report = Json.object();
            if (machine == Machine.RUNNING) {
                report.put("way", way.name().toLowerCase(Locale.ROOT).replace('_', '-'));
                if (extension != null) {
                    report.put("extension", extension.type().id() + " " + extension.version());
                }
                report.setAll(came().report());
            }
            return report;
        }

        void dropUnlessKept() {
            if (isKept) {
                return;
            }
            try (prepared) {
                if (snapshot != null) {
                    snapshot.close();
                }
            }
        }
    }

    /// Nothing is done to the guest.
    private static final class Undisturbing implements Quiescer {
        @Override
        public boolean begin() {
            return true;
        }

        @Override
        public Quiescence end(boolean taken) {
            return new Quiescence(
                    Applications.NONE,
                    Rest.HELD,
                    Text.EMPTY,
                    OptionalLong.empty(),
                    Json.object(),
                    List.of());
        }
    }
}
