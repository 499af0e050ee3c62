package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.OwnedDescriptor;
import io.stillpoint.platform.natives.UnixSocket;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The one NBD server that a QEMU process can have. Its socket is made here, in our folder, and handed to QEMU as an
/// open descriptor: QEMU needs no right to any folder for it, and nobody else can stand at that name. Whoever answers
/// there must be the process behind the monitor.
final class NbdServer {
    private static final Duration ANSWER_MAX = Duration.ofSeconds(5);

    /// The name of the descriptor while QEMU has it and no server yet.
    private static final String DESCRIPTOR = "sp-nbd";

    private final Monitor monitor;
    private final VmPaths paths;

    NbdServer(Monitor monitor, VmPaths paths) {
        this.monitor = monitor;
        this.paths = paths;
    }

    /// Good as long as the scratch folder is held.
    UnixDomainSocketAddress address() {
        return UnixDomainSocketAddress.of(paths.folder().at(paths.nbdSocket()));
    }

    /// What has a node served for reading under a name, which is also the export's id.
    static ObjectNode export(String name, String node) {
        return Json.object()
                .put("type", "nbd")
                .put("id", name)
                .put("node-name", node)
                .put("name", name);
    }

    /// Starts it, unless it runs for another snapshot of ours. Refuses if another program uses it.
    void start(JobNames names) {
        boolean runs = isOurs();
        mark(names);
        if (runs) {
            return;
        }
        try (OwnedDescriptor socket = paths.folder().newSocket(paths.nbdSocket())) {
            hand(socket);
        }
        ObjectNode address = Json.object().put("type", "fd");
        address.set("data", Json.object().put("str", DESCRIPTOR));
        ObjectNode arguments = Json.object().put("max-connections", 1024);
        arguments.set("addr", address);
        try {
            monitor.execute("nbd-server-start", arguments);
        } catch (HypervisorException e) {
            if (e.kind() == Kind.REFUSED && e.text().quotes("already")) {
                // It is not ours, so nothing of ours says that it is.
                monitor.ask(
                        "blockdev-del", Json.object().put("node-name", names.name(Role.SERVER, 0)));
                monitor.ask("closefd", Json.object().put("fdname", DESCRIPTOR));
                throw new HypervisorException(Kind.BUSY, "vm.nbd-server-busy", e, monitor.socket());
            }
            throw e;
        }
        requireSameProcess();
    }

    /// Whether it runs, and is ours.
    boolean isOurs() {
        return !marks().isEmpty() && isAtOurSocket();
    }

    private List<String> marks() {
        List<String> marks = new ArrayList<>();
        for (JsonNode node : monitor.nodes()) {
            String name = node.path("node-name").asString("");
            if (Role.SERVER.isOf(name)) {
                marks.add(name);
            }
        }
        return marks;
    }

    /// For the sweep, from before there is a server.
    private void mark(JobNames names) {
        String mark = names.name(Role.SERVER, 0);
        if (!marks().contains(mark)) {
            monitor.execute(
                    "blockdev-add",
                    Json.object()
                            .put("driver", "null-co")
                            .put("node-name", mark)
                            .put("read-zeroes", true));
        }
    }

    /// Stops it, if it is marked as ours, and with it what other programs have exported through it. A mark can be older
    /// than the server that runs now: where there are such exports, the server has to answer at our socket, too. Leaves
    /// it and its socket alone if a job that is out of scope has marked it.
    void stopIfOurs(SweepScope scope) {
        List<String> marks = marks();
        if (!marks.stream().allMatch(scope::covers)) {
            return;
        }
        if (!marks.isEmpty()
                && (monitor.execute("query-block-exports").isEmpty() || isAtOurSocket())) {
            monitor.ask("nbd-server-stop", Json.object());
        }
        removeSocket();
    }

    private boolean isAtOurSocket() {
        try {
            requireSameProcess();
            return true;
        } catch (HypervisorException e) {
            // Whatever runs there is somebody else's.
            return false;
        }
    }

    /// Removes the socket's file.
    void removeSocket() {
        try {
            paths.folder().remove(paths.nbdSocket());
        } catch (IOException e) {
            // An unused socket harms nobody, and the next server takes its place.
        }
    }

    private void hand(OwnedDescriptor socket) {
        try {
            monitor.execute("getfd", Json.object().put("fdname", DESCRIPTOR), socket);
        } catch (HypervisorException e) {
            if (e.kind() == Kind.REFUSED) {
                throw new HypervisorException(
                        Kind.UNSUPPORTED, "vm.not-direct", e, monitor.socket());
            }
            throw e;
        }
    }

    /// The credentials of a socket are those of the process that made it listen, which nobody can pretend.
    void requireSameProcess() {
        QemuProcess expected = monitor.process();
        UnixSocket.Peer found;
        try (UnixSocket probe = UnixSocket.connect(address().getPath(), ANSWER_MAX)) {
            found = probe.peer();
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNREACHABLE, "vm.nbd-unreachable", e, monitor.socket(), Reason.of(e));
        }
        boolean isSame =
                found.process() == expected.id()
                        && (expected.user().isEmpty()
                                || expected.user().getAsInt() == found.user());
        if (!isSame) {
            throw new HypervisorException(
                    Kind.PROTOCOL,
                    "vm.nbd-other-process",
                    null,
                    monitor.socket(),
                    Integer.toString(found.process()),
                    Integer.toString(expected.id()));
        }
    }
}
