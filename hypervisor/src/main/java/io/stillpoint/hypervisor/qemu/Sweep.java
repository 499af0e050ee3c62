package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Removes everything of ours from a VM, by its names, in the one order that never lets a reader see live data
/// and never stops the guest: exports, probes, the filter from under the device, filter, fleece, file.
///
/// Runs at the end of each job for its own, and before each job for what ended ones left; the VM's lock is held, so
/// whatever carries our names and is in its scope belongs to nobody else. Repeating it is harmless.
///
/// The images of a job on which those of another one stand that is left ([FleeceChain]) are left, too, with the filter
/// that writes them: all else of that job goes.
final class Sweep {
    private static final Duration EXPORT_END_MAX = Duration.ofSeconds(30);
    private static final Duration POLL = Duration.ofMillis(100);

    private final SnapshotPlace place;
    private final Monitor monitor;
    private final VmPaths paths;
    private final NbdServer server;
    private final SweepScope scope;
    private Set<JobNames> standing = Set.of();
    private @Nullable HypervisorException firstFailure;

    Sweep(SnapshotPlace place, SweepScope scope) {
        this.place = place;
        this.monitor = place.monitor();
        this.paths = place.paths();
        this.server = place.server();
        this.scope = scope;
    }

    /// Removes all but recording bitmaps. What one step can't remove does not keep the others from trying;
    /// the first failure is thrown at the end.
    void run() {
        run(Set.of());
    }

    /// As [#run()], and the images of these jobs are left.
    void run(Set<JobNames> left) {
        firstFailure = null;
        continueVm();
        removeExports();
        removeNodes(Role.PROBE);
        settle();
        standing = union(left, standingUnderOthers());
        releaseDevices();
        removeImages(Role.FILTER);
        removeImages(Role.FLEECE);
        removeNodes(Role.MARK);
        removeImages(Role.WINDOW);
        removeImages(Role.CIPHER);
        List<HandedFile> handed = handedFiles();
        removeImages(Role.FILE);
        removeSecrets();
        handed.forEach(this::removeHanded);
        removeFiles();
        server.stopIfOurs(scope);
        removeNodes(Role.SERVER);
        removeBitmaps(scope::covers);
        requireDone();
    }

    /// Whether the latest [#run] left the images of this job.
    boolean hasLeft(JobNames job) {
        return standing.contains(job);
    }

    /// Ends what a change from one local snapshot to the next has left to be done, and those snapshots that turn out not to
    /// be whole.
    void settle() {
        Set<JobNames> broken = Succession.settle(monitor);
        if (!broken.isEmpty()) {
            Sweep sweep = new Sweep(place, new SweepScope.Among(broken));
            sweep.run();
        }
    }

    private Set<JobNames> standingUnderOthers() {
        if (nodes(Role.FLEECE, SweepScope.everybody()).isEmpty()) {
            return Set.of();
        }
        return new FleeceChain(BlockGraph.of(monitor)).below(job -> !scope.covers(job));
    }

    private static Set<JobNames> union(Set<JobNames> one, Set<JobNames> other) {
        Set<JobNames> both = new HashSet<>(one);
        both.addAll(other);
        return both;
    }

    /// Whether a job's images go, with what belongs to them.
    private boolean takes(JobNames job) {
        return scope.covers(job) && !standing.contains(job);
    }

    private boolean takes(String name) {
        return JobNames.in(name).filter(this::takes).isPresent();
    }

    /// Each before the one that it stands on.
    private void removeImages(Role role) {
        List<String> found = nodes(role, scope).stream().filter(this::takes).toList();
        if (role == Role.FLEECE && found.size() > 1) {
            found = new FleeceChain(BlockGraph.of(monitor)).oldestFirst(found);
        }
        found.forEach(this::removeNode);
    }

    /// Throws the first failure since [#run] began.
    void requireDone() {
        if (firstFailure != null) {
            throw firstFailure;
        }
    }

    /// Removes the named bitmaps wherever they are, also inconsistent ones.
    void removeBitmaps(Predicate<String> unwanted) {
        for (JsonNode node : monitor.nodes()) {
            for (JsonNode bitmap : node.path("dirty-bitmaps")) {
                String name = bitmap.path("name").asString("");
                if (unwanted.test(name)) {
                    removeBitmap(node.path("node-name").asString(), name);
                }
            }
        }
    }

    /// Removes the records of changes of a snapshot's disks, of its lineage.
    ///
    /// @param wanted which stay: disk and generation
    void removeRecords(SnapshotPlan plan, BiPredicate<PlannedDisk, String> wanted) {
        String lineage = plan.names().lineage();
        for (PlannedDisk disk : plan.disks()) {
            for (GuestDisk.Bitmap bitmap : new DiskBitmaps(monitor).of(disk.disk().node())) {
                JobNames.generation(lineage, bitmap.name())
                        .filter(generation -> !wanted.test(disk, generation))
                        .ifPresent(_ -> removeBitmap(disk.disk().node(), bitmap.name()));
            }
        }
    }

    void removeBitmap(String node, String bitmap) {
        attempt("block-dirty-bitmap-remove", Json.object().put("node", node).put("name", bitmap));
    }

    /// Removes the scratch images of this VM, as after its end.
    void removeFiles() {
        removeFiles(paths.folder());
    }

    private void removeFiles(ScratchFolder folder) {
        try {
            for (String name : folder.names(paths.scratchImages())) {
                if (paths.job(name).filter(this::takes).isPresent()) {
                    folder.remove(name);
                }
            }
        } catch (IOException e) {
            note(scratchFailure(e));
        }
    }

    /// A file of ours that QEMU has open.
    ///
    /// @param set QEMU's number for it
    private record HandedFile(long set, Path path) {}

    /// Each was handed over with its path; an ended job may have had another scratch folder.
    private List<HandedFile> handedFiles() {
        List<HandedFile> found = new ArrayList<>();
        for (JsonNode set : monitor.execute("query-fdsets")) {
            for (JsonNode file : set.path("fds")) {
                String path = file.path("opaque").asString("");
                if (path.startsWith("/") && isScratchImage(path)) {
                    found.add(new HandedFile(set.path("fdset-id").asLong(-1), Path.of(path)));
                }
            }
        }
        return found;
    }

    private boolean isScratchImage(String path) {
        String name = path.substring(path.lastIndexOf('/') + 1);
        // A job that has ended may have reached the monitor by another path. But a VM can hand
        // itself another one's file, and give nodes the names of its snapshot.
        Optional<JobNames> job =
                scope instanceof SweepScope.AllBut ? VmPaths.jobOfAny(name) : paths.job(name);
        return job.filter(this::takes).isPresent();
    }

    /// What QEMU says is not believed further than that: a file of such a name in a folder of ours.
    private void removeHanded(HandedFile file) {
        monitor.ask("remove-fd", Json.object().put("fdset-id", file.set()));
        Path parent = file.path().getParent();
        Path name = file.path().getFileName();
        if (parent == null || name == null) {
            return;
        }
        ScratchFolder.find(parent)
                .ifPresent(folder -> {
                    try (folder) {
                        folder.remove(name.toString());
                    } catch (IOException e) {
                        note(scratchFailure(e));
                    }
                });
    }

    /// The keys of encrypted scratch images.
    private void removeSecrets() {
        for (JsonNode object : new ObjectModel(monitor).list("/objects")) {
            String id = object.path("name").asString("");
            if (Role.SECRET.isOf(id) && takes(id)) {
                attempt("object-del", Json.object().put("id", id));
            }
        }
    }

    private HypervisorException scratchFailure(IOException cause) {
        return new HypervisorException(
                Kind.UNSUPPORTED, "scratch.folder", cause, paths.folder().path(), Reason.of(cause));
    }

    /// A job that ended between stopping and continuing the VM has left its mark, see [Instant]. Whoever comes first
    /// continues the VM, whatever is in its scope.
    void continueVm() {
        List<String> marks = nodes(Role.STOPPED, SweepScope.everybody());
        if (!marks.isEmpty() && !monitor.isVmRunning()) {
            attempt("cont", Json.object());
        }
        marks.forEach(this::removeNode);
    }

    /// Ends what is read through them, first of all.
    void removeExports() {
        removeExports(_ -> true);
    }

    /// The filters' own views, with nothing else.
    void removeProbes() {
        removeExports(Role.PROBE::isOf);
        removeNodes(Role.PROBE);
    }

    private void removeExports(Predicate<String> which) {
        for (JsonNode export : monitor.execute("query-block-exports")) {
            String id = export.path("id").asString("");
            if (scope.covers(id) && which.test(id)) {
                attempt("block-export-del", Json.object().put("id", id).put("mode", "hard"));
                awaitEndOfExport(id);
            }
        }
    }

    /// The command only begins the end: connections have to be closed first. The event may have been missed
    /// by a client that reconnected, so the list decides.
    private void awaitEndOfExport(String id) {
        long deadline = System.nanoTime() + EXPORT_END_MAX.toNanos();
        while (System.nanoTime() < deadline) {
            boolean present = false;
            for (JsonNode export : monitor.execute("query-block-exports")) {
                present |= export.path("id").asString("").equals(id);
            }
            if (!present) {
                return;
            }
            monitor.awaitEvent(
                    "BLOCK_EXPORT_DELETED", data -> data.path("id").asString("").equals(id), POLL);
        }
        note(
                new HypervisorException(
                        Kind.REFUSED,
                        "qmp.refused",
                        null,
                        monitor.socket(),
                        "block-export-del",
                        "timeout",
                        id));
    }

    /// Puts each device back on the node under our filter.
    private void releaseDevices() {
        List<DiskList.Filtered> filtered = new DiskList(monitor, DiskChoice.USUAL).filtered();
        if (filtered.isEmpty()) {
            return;
        }
        Map<String, String> below = BlockGraph.below(monitor);
        for (DiskList.Filtered each : filtered) {
            String node = below.get(each.filter());
            if (node != null && takes(each.filter())) {
                takeOff(each.device(), node);
            }
        }
    }

    /// QEMU 7.2 never lets a filter go again above which it refused a block job: only a new QEMU process has it gone.
    private void takeOff(String device, String node) {
        try {
            monitor.execute("qom-set", drive(device, node));
        } catch (HypervisorException e) {
            if (e.kind() != Kind.REFUSED) {
                throw e;
            }
            note(
                    e.text().quotes("Permission conflict")
                            ? new HypervisorException(
                                    Kind.REFUSED, "vm.filter-stuck", e, monitor.socket(), device)
                            : e);
        }
    }

    static ObjectNode drive(String device, String node) {
        return Json.object().put("path", device).put("property", "drive").put("value", node);
    }

    void removeNodes(Role role) {
        nodes(role, scope).forEach(this::removeNode);
    }

    private void removeNode(String node) {
        attempt("blockdev-del", Json.object().put("node-name", node));
    }

    private List<String> nodes(Role role, SweepScope of) {
        List<String> found = new ArrayList<>();
        for (JsonNode node : monitor.nodes()) {
            String name = node.path("node-name").asString("");
            if (role.isOf(name) && of.covers(name)) {
                found.add(name);
            }
        }
        return found;
    }

    private void attempt(String command, ObjectNode arguments) {
        try {
            monitor.execute(command, arguments);
        } catch (HypervisorException e) {
            if (e.kind() != Kind.REFUSED) {
                throw e;
            }
            note(e);
        }
    }

    private void note(HypervisorException failure) {
        if (firstFailure == null) {
            firstFailure = failure;
        } else {
            firstFailure.addSuppressed(failure);
        }
    }
}
