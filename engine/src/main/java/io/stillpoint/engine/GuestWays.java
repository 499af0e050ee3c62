package io.stillpoint.engine;

import io.stillpoint.guest.GuestAgent;
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
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Text;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.function.Supplier;

/// The ways in which one guest can be brought to rest: always [Way#NOTHING], and what its agent and its extension can do.
/// Closing lets go of the guest's agent.
///
/// @param quiescers makes a new one for each snapshot
record GuestWays(Map<Way, Supplier<Quiescer>> quiescers, Runnable letGo) implements AutoCloseable {
    private static final int TASK_BYTES = 8;

    /// Of a guest that can't be reached, or is not to be disturbed.
    static final GuestWays NONE = new GuestWays(Map.of(), () -> {});

    GuestWays {
        Map<Way, Supplier<Quiescer>> all = new EnumMap<>(Way.class);
        all.putAll(quiescers);
        all.put(Way.NOTHING, Undisturbing::new);
        quiescers = Map.copyOf(all);
    }

    /// Those that an agent has without help.
    static GuestWays ofAgent(GuestAgent agent, RestLimits limits, JobTools tools) {
        return new GuestWays(
                Map.of(
                        Way.AGENT,
                        () -> new AgentFreeze(agent, false, limits.freezeMax(), tools.randomness()),
                        Way.AGENT_VSS,
                        () -> new AgentFreeze(agent, true, limits.freezeMax(), tools.randomness())),
                agent::close);
    }

    /// These, and those of the extension that was found in a guest of this system.
    GuestWays with(
            InstalledExtension extension,
            GuestSystem.Os system,
            GuestAgent agent,
            RestLimits limits,
            JobTools tools) {
        Map<Way, Supplier<Quiescer>> all = new EnumMap<>(quiescers);
        switch (system) {
            case LINUX ->
                    all.put(
                            Way.EXTENSION,
                            () ->
                                    new LinuxSnapshot(
                                            agent,
                                            extension,
                                            new LinuxSnapshot.Settings(
                                                    task(tools),
                                                    limits.freezeMax(),
                                                    limits.scriptMax()),
                                            tools.cancellation()));
            case WINDOWS -> {
                all.put(
                        Way.VSS,
                        () ->
                                new VssSnapshot(
                                        agent,
                                        extension,
                                        new VssSnapshot.Settings(
                                                task(tools),
                                                limits.vssHoldMax(),
                                                limits.vssPrepareMax()),
                                        tools.cancellation()));
                all.put(Way.FLUSH, () -> new VolumeFlush(agent));
            }
            case OTHER -> {}
        }
        return new GuestWays(all, letGo);
    }

    private static String task(JobTools tools) {
        return tools.randomness().hex(TASK_BYTES);
    }

    boolean offer(Way way) {
        return quiescers.containsKey(way);
    }

    /// Throws [IllegalArgumentException] for a way that this guest does not offer.
    Quiescer quiescer(Way way) {
        Supplier<Quiescer> found = quiescers.get(way);
        if (found == null) {
            throw new IllegalArgumentException(way + " of " + quiescers.keySet());
        }
        return found.get();
    }

    @Override
    public void close() {
        letGo.run();
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
