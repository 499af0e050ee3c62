package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Undisturbed;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Keeps two jobs off one QEMU, also when they come through different monitors: an object in QEMU that names the job's
/// process. One whose process has ended is removed by the next job.
///
/// ```
/// sp-owner-NAMESPACE-BOOT-PID-START    NAMESPACE: of process numbers; START: see [QemuRun]
/// ```
final class OwnerMark {
    private static final String PREFIX = "sp-owner-";
    private static final Pattern NAME =
            Pattern.compile(PREFIX + "(\\d+)-(([0-9a-f]{8})-(\\d{1,10})-\\d+)");

    private final Monitor monitor;
    private final String name;

    private OwnerMark(Monitor monitor, String name) {
        this.monitor = monitor;
        this.name = name;
    }

    /// Throws a [HypervisorException] of kind UNREACHABLE if another job works on this QEMU. Of two that come in the
    /// same moment both may be turned away, never none.
    static OwnerMark put(Monitor monitor) {
        OwnerMark mark = new OwnerMark(monitor, PREFIX + self());
        try {
            monitor.execute(
                    "object-add",
                    Json.object().put("qom-type", "throttle-group").put("id", mark.name));
        } catch (HypervisorException e) {
            if (e.kind() == Kind.REFUSED && e.text().quotes("duplicate")) {
                throw mark.locked(mark.name);
            }
            throw e;
        }
        boolean done = false;
        try {
            mark.requireAlone();
            done = true;
            return mark;
        } finally {
            if (!done) {
                mark.remove();
            }
        }
    }

    private void requireAlone() {
        for (var object : monitor.execute("qom-list", Json.object().put("path", "/objects"))) {
            String other = object.path("name").asString("");
            Matcher matcher = NAME.matcher(other);
            if (!matcher.matches() || other.equals(name)) {
                continue;
            }
            if (lives(matcher)) {
                throw locked(other);
            }
            monitor.ask("object-del", Json.object().put("id", other));
        }
    }

    void remove() {
        try {
            Undisturbed.run(() -> monitor.ask("object-del", Json.object().put("id", name)));
        } catch (HypervisorException e) {
            // QEMU has ended, and the mark with it; or the next job finds that we have.
        }
    }

    private HypervisorException locked(String other) {
        return new HypervisorException(Kind.UNREACHABLE, "vm.owned", null, monitor.socket(), other);
    }

    /// Whether the process may still be there. In another namespace of process numbers nobody can tell.
    private static boolean lives(Matcher mark) {
        Optional<Matcher> self =
                Optional.of(NAME.matcher(PREFIX + self())).filter(Matcher::matches);
        if (self.isEmpty() || !mark.group(3).equals(self.get().group(3))) {
            return self.isEmpty();
        }
        if (!mark.group(1).equals(self.get().group(1))) {
            return true;
        }
        try {
            return QemuRun.identity(Long.parseLong(mark.group(4))).equals(mark.group(2));
        } catch (IOException e) {
            return false;
        }
    }

    /// What names this process; without Linux's `/proc` no other process is told from it.
    private static String self() {
        try {
            String namespace =
                    Files.readSymbolicLink(Path.of("/proc/self/ns/pid"))
                            .toString()
                            .replaceAll("\\D", "");
            return namespace + "-" + QemuRun.identity(ProcessHandle.current().pid());
        } catch (IOException e) {
            return "0-00000000-" + ProcessHandle.current().pid() + "-0";
        }
    }
}
