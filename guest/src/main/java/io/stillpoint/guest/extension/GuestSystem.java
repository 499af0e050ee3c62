package io.stillpoint.guest.extension;

import io.stillpoint.guest.ExecResult;
import io.stillpoint.guest.GuestAgent;
import io.stillpoint.guest.GuestException;
import io.stillpoint.platform.text.Printable;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import tools.jackson.databind.node.ObjectNode;

/// What runs in a guest.
///
/// @param architecture as in manifests: `x86_64`, `aarch64`, or another that nothing is built for
/// @param name for people; may be empty
/// @param version for people; may be empty
public record GuestSystem(Os os, String architecture, String name, String version) {
    /// The families that extensions are built for.
    public enum Os {
        LINUX("linux"),
        WINDOWS("windows"),
        OTHER("other");

        private final String id;

        Os(String id) {
            this.id = id;
        }

        /// As in manifests.
        public String id() {
            return id;
        }
    }

    private static final Duration COMMAND_MAX = Duration.ofSeconds(10);
    private static final byte[] NO_INPUT = {};

    /// The agent's name for Windows (qga/commands-win32.c of QEMU). Other systems give the `ID` of their os-release(5).
    private static final String WINDOWS = "mswindows";

    /// They have an os-release too.
    private static final Pattern BSD = Pattern.compile(".*bsd|dragonfly");

    /// Asks the agent; where that does not know (before 2.10, or in a guest without an os-release) the guest's `uname`.
    public static GuestSystem of(GuestAgent agent) {
        ObjectNode info = agent.osInfo();
        String id = info.path("id").asString("").toLowerCase(Locale.ROOT);
        String machine = info.path("machine").asString("");
        String name = Printable.line(info.path("pretty-name").asString(id));
        String version = Printable.line(info.path("version-id").asString(""));
        if (id.equals(WINDOWS)) {
            return new GuestSystem(Os.WINDOWS, architecture(machine), name, version);
        }
        if (BSD.matcher(id).matches()) {
            return new GuestSystem(Os.OTHER, architecture(machine), name, version);
        }
        if (!id.isEmpty() && !machine.isEmpty()) {
            return new GuestSystem(Os.LINUX, architecture(machine), name, version);
        }
        return byUname(agent, name, version);
    }

    private static GuestSystem byUname(GuestAgent agent, String name, String version) {
        String said = "";
        try {
            ExecResult result = agent.exec(List.of("uname", "-sm"), NO_INPUT, COMMAND_MAX);
            said = Printable.line(result.out());
        } catch (GuestException e) {
            if (e.kind() != GuestException.Kind.REFUSED) {
                throw e;
            }
        }
        String[] words = said.split(" ", 2);
        return new GuestSystem(
                words[0].equals("Linux") ? Os.LINUX : Os.OTHER,
                architecture(words.length > 1 ? words[1] : ""),
                name.isEmpty() ? words[0] : name,
                version);
    }

    private static String architecture(String machine) {
        return switch (machine.toLowerCase(Locale.ROOT)) {
            case "x86_64", "amd64" -> "x86_64";
            case "aarch64", "arm64" -> "aarch64";
            default -> Printable.line(machine);
        };
    }

    /// For people.
    @Override
    public String toString() {
        String words = (name + " " + version).strip();
        return (words.isEmpty() ? os.id : words) + " (" + architecture + ")";
    }
}
