package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// A VM of a running QEMU, reached over its QMP socket. Needs QEMU 7.1 or newer and a monitor of its own.
public final class QemuVm implements VirtualMachine {
    private final VmLock lock;
    private final Monitor monitor;
    private final QemuVersion version;
    private final Optional<QemuProcess> process;
    private final OwnerMark owner;

    private QemuVm(VmLock lock, Monitor monitor) {
        this.lock = lock;
        this.monitor = monitor;
        this.version = QemuVersion.of(monitor.execute("query-version"));
        VmState.of(monitor).requireFit(monitor);
        this.process = QemuProcess.listeningOn(monitor.socket());
        this.owner = OwnerMark.put(monitor);
    }

    /// Connects to the monitor and takes the VM's lock, which no other job gets until [#close].
    ///
    /// Throws a [HypervisorException] of kind UNREACHABLE when nothing answers there, another program holds the
    /// monitor or another job the lock.
    ///
    /// @param qmpSocket the path of a `-qmp unix:PATH,server=on,wait=off` option
    public static QemuVm open(Path qmpSocket) {
        Path socket = real(qmpSocket);
        VmLock lock = VmLock.acquire(socket);
        Monitor monitor = null;
        boolean done = false;
        try {
            monitor = new Monitor(socket);
            QemuVm vm = new QemuVm(lock, monitor);
            done = true;
            return vm;
        } finally {
            if (!done) {
                if (monitor != null) {
                    monitor.close();
                }
                lock.close();
            }
        }
    }

    @Override
    public boolean running() {
        return monitor.isVmRunning();
    }

    @Override
    public VmIdentity identity() {
        BlockGraph graph = BlockGraph.of(monitor);
        Set<String> images = new TreeSet<>();
        Set<String> backing = new TreeSet<>();
        for (GuestDisk disk : new DiskList(monitor).find()) {
            for (BlockGraph.Leaf leaf : graph.leaves(disk.node())) {
                String file =
                        process.map(each -> each.absolute(leaf.file())).orElse(leaf.file());
                (leaf.isBacking() ? backing : images).add(file);
            }
        }
        return VmIdentity.here(
                monitor.execute("query-uuid").path("UUID").asString(""),
                process.map(QemuProcess::identity).orElse(""),
                monitor.execute("query-name").path("name").asString(""),
                List.copyOf(images),
                List.copyOf(backing));
    }

    @Override
    public Optional<Channel> channel(Path socket) {
        return QemuChannel.find(monitor, process, socket);
    }

    /// `name`, `uuid`, `hypervisor`, `version`, `machine`, `cpus`, `memory` (bytes), and `disks` with `name`,
    /// `node`, `format`, `file`, `size` (bytes), `device`, `deviceType`, `serial`.
    @Override
    public ObjectNode configuration() {
        ObjectNode configuration =
                Json.object()
                        .put("name", monitor.execute("query-name").path("name").asString(""))
                        .put("uuid", monitor.execute("query-uuid").path("UUID").asString(""))
                        .put("hypervisor", "qemu")
                        .put("version", version.toString())
                        .put("machine", machine())
                        .put("cpus", monitor.execute("query-cpus-fast").size());
        var memory = monitor.execute("query-memory-size-summary");
        configuration.put(
                "memory",
                memory.path("base-memory").asLong(0) + memory.path("plugged-memory").asLong(0));
        ArrayNode disks = configuration.putArray("disks");
        for (GuestDisk disk : new DiskList(monitor).find()) {
            disks.addObject()
                    .put("name", disk.name())
                    .put("node", disk.node())
                    .put("format", disk.format())
                    .put("file", disk.file())
                    .put("size", disk.size())
                    .put("device", disk.device())
                    .put("deviceType", disk.deviceType())
                    .put("serial", disk.serial());
        }
        return configuration;
    }

    @Override
    public PreparedSnapshot prepare(SnapshotRequest request) {
        createFolder(request.scratchFolder());
        VmPaths paths = VmPaths.of(monitor.socket(), real(request.scratchFolder()));
        NbdServer server = new NbdServer(monitor, paths.nbdSocket());
        Sweep sweep = new Sweep(monitor, paths, server);
        sweep.run();
        List<GuestDisk> disks = new DiskList(monitor).find();
        VmState.of(monitor).requireFit(monitor);
        new SafetyCheck(monitor, version).requireSafe(disks);
        RecordingFacts facts = RecordingFacts.of(monitor, process, disks);
        List<PlannedDisk> planned = new ArrayList<>();
        for (GuestDisk disk : disks) {
            planned.add(PlannedDisk.of(planned.size(), disk, request, facts));
        }
        planned.forEach(disk -> removeStaleBitmaps(sweep, disk, request));
        boolean done = false;
        PreparedQemuSnapshot prepared =
                new PreparedQemuSnapshot(monitor, request, server, sweep, planned, facts);
        try {
            server.start();
            ScratchImages images =
                    new ScratchImages(
                            monitor, paths, JobNames.of(request), request.scratchMax(), server);
            planned.stream()
                    .filter(PlannedDisk::isHeld)
                    .forEach(disk -> images.add(disk.disk(), disk.index()));
            done = true;
            return prepared;
        } finally {
            if (!done) {
                prepared.undoQuietly();
            }
        }
    }

    @Override
    public void close() {
        owner.remove();
        monitor.close();
        lock.close();
    }

    /// Recording bitmaps of this lineage that no recovery point can use: only the newest point's count.
    private static void removeStaleBitmaps(
            Sweep sweep, PlannedDisk planned, SnapshotRequest request) {
        for (GuestDisk.Bitmap bitmap : planned.disk().bitmaps()) {
            Optional<String> generation = JobNames.generation(request.lineage(), bitmap.name());
            boolean isKept =
                    planned.previous()
                            .flatMap(kept -> JobNames.generation(request.lineage(), kept))
                            .equals(generation);
            if (generation.isPresent() && !isKept) {
                sweep.removeBitmap(planned.disk().node(), bitmap.name());
            }
        }
    }

    /// Ends the connection as a failing monitor would; the next command makes a new one.
    void dropConnection() {
        monitor.drop();
    }

    private String machine() {
        return monitor.ask("qom-get", Json.object().put("path", "/machine").put("property", "type"))
                .map(type -> type.asString("").replaceFirst("-machine$", ""))
                .orElse("");
    }

    /// Links resolved, so that one VM has one lock and one key.
    private static Path real(Path path) {
        try {
            return path.toRealPath();
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNREACHABLE, "qmp.no-monitor", e, path, e.toString());
        }
    }

    private static void createFolder(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new HypervisorException(
                    Kind.UNSUPPORTED, "scratch.folder", e, folder, e.toString());
        }
    }
}
