package io.stillpoint.engine;

import io.stillpoint.engine.ConsistencyRules.Agent;
import io.stillpoint.engine.ConsistencyRules.Extension;
import io.stillpoint.engine.ConsistencyRules.GuestKind;
import io.stillpoint.engine.ConsistencyRules.Machine;
import io.stillpoint.engine.PreparedGuest.FoundExtension;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.guest.extension.Ensured;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.GuestSystem;
import io.stillpoint.guest.extension.InstalledExtension;
import io.stillpoint.guest.quiesce.AgentFreeze;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.point.Consistency;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/// The steps guest and extension: connects to the guest's agent, sees to its extension, and chooses the way
/// (`docs/consistency.md`).
final class GuestPreparation {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /// What guest-exec and guest-file-open bring; extensions need both.
    private static final List<String> COMMANDS =
            List.of(
                    "guest-exec",
                    "guest-exec-status",
                    "guest-file-open",
                    "guest-file-read",
                    "guest-file-write");

    private final BackupSettings settings;
    private final BackupPolicy policy;
    private final VirtualMachine vm;
    private final JobTools tools;
    private final JobReporter reporter;

    GuestPreparation(
            BackupSettings settings, VirtualMachine vm, JobTools tools, JobReporter reporter) {
        this.settings = settings;
        this.vm = vm;
        this.tools = tools;
        policy = settings.policy();
        this.reporter = reporter;
    }

    /// Throws `engine.below-minimum` where no way of this guest can lead to what the policy demands.
    PreparedGuest prepare() {
        PreparedGuest guest = found();
        Consistency best = ConsistencyRules.best(guest.machine(), guest.way());
        if (best.compareTo(policy.atLeast()) < 0) {
            try (guest) {
                throw JobException.below(best, policy.atLeast(), guest.shortfall());
            }
        }
        return guest;
    }

    private PreparedGuest found() {
        if (vm.isOff()) {
            return PreparedGuest.alone(Machine.OFF, Shortfall.NONE);
        }
        if (!vm.running()) {
            return PreparedGuest.alone(Machine.PAUSED, shortfall("guest.paused"));
        }
        return settings.guest()
                .map(this::met)
                .orElseGet(() -> unreached(shortfall("guest.no-agent-socket")));
    }

    private static PreparedGuest unreached(Shortfall why) {
        return PreparedGuest.alone(Machine.RUNNING, why);
    }

    private static Shortfall shortfall(String code) {
        return Shortfall.of(text(code));
    }

    private PreparedGuest met(GuestAccess access) {
        try {
            return reached(access);
        } catch (GuestException e) {
            reporter.warning(e.code(), text("engine.no-agent", e));
            return unreached(Shortfall.of(e.text()));
        }
    }

    /// A channel that breaks is opened once more: an earlier job may have left the guest frozen.
    private PreparedGuest reached(GuestAccess access) {
        try {
            return connected(access);
        } catch (GuestException e) {
            if (e.kind() == GuestException.Kind.UNREACHABLE) {
                return connected(access);
            }
            throw e;
        }
    }

    private PreparedGuest connected(GuestAccess access) {
        GuestAgent agent =
                GuestAgent.connect(access.agent(), PATIENCE, tools.randomness(), tools.threads());
        boolean done = false;
        try {
            PreparedGuest guest = known(access, agent);
            done = true;
            return guest;
        } finally {
            if (!done) {
                agent.close();
            }
        }
    }

    private PreparedGuest known(GuestAccess access, GuestAgent agent) {
        AgentFreeze.thawLeftover(agent)
                .forEach(warning -> reporter.note(warning.code(), warning.text()));
        GuestSystem.Os system = GuestSystem.of(agent).os();
        GuestWays ways = GuestWays.ofAgent(agent, policy.limits(), tools);
        if (!COMMANDS.stream().allMatch(agent::supports)) {
            return chosen(system, Agent.LIMITED, ways, Optional.empty(), Shortfall.NONE);
        }
        if (access.extensions().isEmpty()) {
            return chosen(system, Agent.FULL, ways, Optional.empty(), Shortfall.NONE);
        }
        ExtensionKeeper keeper = access.extensions().get();
        reporter.step(Step.EXTENSION, text("engine.extension"));
        return switch (keeper.ensure(settings.vm(), agent)) {
            case Ensured.Ready ready -> {
                tell(ready);
                InstalledExtension extension = ready.extension();
                boolean isVss = system == GuestSystem.Os.WINDOWS;
                yield chosen(
                        system,
                        Agent.FULL,
                        ways.with(extension, system, agent, policy.limits(), tools),
                        Optional.of(new FoundExtension(extension, keeper, isVss)),
                        Shortfall.NONE);
            }
            case Ensured.Unavailable(String code, Text why) -> {
                reporter.warning(code, text("engine.no-extension", why));
                yield chosen(system, Agent.FULL, ways, Optional.empty(), new Shortfall(code, why));
            }
        };
    }

    private PreparedGuest chosen(
            GuestSystem.Os system,
            Agent agent,
            GuestWays ways,
            Optional<FoundExtension> extension,
            Shortfall shortfall) {
        Way way =
                ConsistencyRules.way(
                        Machine.RUNNING,
                        GuestKind.valueOf(system.name()),
                        agent,
                        state(system, extension),
                        passesOverVss(extension));
        return new PreparedGuest(Machine.RUNNING, way, ways, extension, shortfall);
    }

    private Extension state(GuestSystem.Os system, Optional<FoundExtension> found) {
        boolean isLeftToAgent =
                system == GuestSystem.Os.WINDOWS && policy.vss() == BackupPolicy.Vss.AGENT;
        if (isLeftToAgent || settings.guest().flatMap(GuestAccess::extensions).isEmpty()) {
            return Extension.UNWANTED;
        }
        return found.isPresent() ? Extension.READY : Extension.UNAVAILABLE;
    }

    /// Not where the policy accepts nothing less than what only VSS can give.
    private boolean passesOverVss(Optional<FoundExtension> found) {
        return policy.atLeast() != Consistency.APPLICATION
                && found.filter(each -> each.keeper().passesOverVss(settings.vm())).isPresent();
    }

    private void tell(Ensured.Ready ready) {
        ready.warnings().forEach(text -> reporter.note("extension.warning", text));
        InstalledExtension extension = ready.extension();
        String version = extension.type().id() + " " + extension.version();
        switch (ready.done()) {
            case NOTHING -> {}
            case INSTALLED -> told("engine.extension-installed", version);
            case UPDATED -> told("engine.extension-updated", version);
            case REINSTALLED -> told("engine.extension-reinstalled", version);
        }
    }

    private void told(String key, String version) {
        reporter.step(Step.EXTENSION, text(key, version));
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(GuestPreparation.class, code, arguments);
    }
}
