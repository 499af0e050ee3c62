package io.stillpoint.cli;

import io.stillpoint.guest.AgentSocket;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.Prerequisites;
import io.stillpoint.platform.Randomness;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/// Which guest, and where what is known of it is kept.
final class GuestOptions {
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    @Option(
            names = "--vm",
            required = true,
            paramLabel = "NAME",
            descriptionKey = "option.guest-vm")
    private String vm = "";

    @Option(
            names = "--agent",
            required = true,
            paramLabel = "SOCKET",
            descriptionKey = "option.guest-agent")
    private Path agent = Path.of("");

    @Mixin private StateOptions state = new StateOptions();

    String vm() {
        return vm;
    }

    Path stateFolder() {
        return state.folder();
    }

    GuestAgent connect() {
        return connect(agent);
    }

    static GuestAgent connect(Path socket) {
        return GuestAgent.connect(
                new AgentSocket(socket),
                PATIENCE,
                Randomness.secure(),
                Readiness.process().threads());
    }

    ExtensionKeeper keeper() {
        return keeper(state.folder(), Prerequisites.Absent.WARN);
    }

    ExtensionKeeper keeper(Prerequisites.Absent absent) {
        return keeper(state.folder(), absent);
    }

    static ExtensionKeeper keeper(Path stateFolder, Prerequisites.Absent absent) {
        return ExtensionKeeper.in(stateFolder, absent, Randomness.secure(), InstantSource.system());
    }
}
