package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.qemu.JobNames.Role;
import io.stillpoint.platform.Json;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// How a new snapshot takes the place of the newest local one (`docs/local-snapshots.md`). The older scratch image is put
/// upon the new one, while that is still empty and both therefore read the same; at the instant the guest's device goes
/// from the older filter to the new one. So at each moment, wherever this process ends, all snapshots read as they should.
///
/// Whether the older filter had copied all is asked at the instant, while the VM stands still, and is noted as a bitmap on
/// the older image: what the guest had written by then.
final class Succession {
    private final SnapshotPlace place;
    private final SnapshotPlan plan;
    private final Map<PlannedDisk, Old> older = new LinkedHashMap<>();
    private @Nullable Probes probes;
    private Set<Old> whole = Set.of();

    /// The filter through which a guest's writes went so far.
    ///
    /// @param fleece what it copies to
    /// @param disk the node under it
    /// @param recording the bitmap that began with it, if there is one
    record Old(String filter, String fleece, String disk, Optional<String> recording) {
        String probe() {
            return JobNames.sibling(filter, Role.PROBE);
        }
    }

    /// @param plan the new snapshot's
    /// @param local those that stand, of the same disks, newest first
    Succession(SnapshotPlace place, SnapshotPlan plan, List<SnapshotPlan> local) {
        this.place = place;
        this.plan = plan;
        if (local.isEmpty()) {
            return;
        }
        for (Old old : filters(place.monitor(), BlockGraph.of(place.monitor()), local)) {
            plan.held()
                    .filter(disk -> disk.disk().node().equals(old.disk()))
                    .forEach(disk -> older.put(disk, old));
        }
    }

    /// The filters that write for local snapshots now: those of the newest, or of a later one that made no point. One that was
    /// prepared by a process that ended before its instant writes nothing: the device is still on the filter before.
    ///
    /// @param newestFirst at least one
    static List<Old> filters(Monitor monitor, BlockGraph graph, List<SnapshotPlan> newestFirst) {
        FleeceChain chain = new FleeceChain(graph);
        Set<String> inUse = inUse(monitor);
        SnapshotPlan local = newestFirst.getFirst();
        Set<String> known = new HashSet<>();
        newestFirst.forEach(each -> each.disks().forEach(disk -> known.add(disk.generation())));
        List<Old> filters = new ArrayList<>();
        local.held()
                .filter(disk -> disk.disk().writable())
                .forEach(disk -> {
                    String node = disk.disk().node();
                    String filter =
                            chain.filters(node).stream()
                                    .filter(inUse::contains)
                                    .findFirst()
                                    .orElseGet(() ->
                                            chain.filter(
                                                    chain.newest(
                                                            local.names()
                                                                    .name(
                                                                            Role.FLEECE,
                                                                            disk.index())),
                                                    node));
                    Optional<JobNames> job = JobNames.in(filter);
                    filters.add(
                            new Old(
                                    filter,
                                    graph.child(filter, "target"),
                                    node,
                                    job.equals(Optional.of(local.names()))
                                            ? Optional.of(
                                                            JobNames.recording(
                                                                    local.names().lineage(),
                                                                    disk.generation()))
                                                    .filter(name -> has(graph, node, name))
                                            : job.flatMap(other ->
                                                    unexplained(graph, node, other, known))));
                });
        return filters;
    }

    /// The filters that the guest's devices are on.
    private static Set<String> inUse(Monitor monitor) {
        Set<String> inUse = new HashSet<>();
        new DiskList(monitor, DiskChoice.USUAL)
                .filtered()
                .forEach(each -> inUse.add(each.filter()));
        return inUse;
    }

    private static boolean has(BlockGraph graph, String node, String bitmap) {
        return DiskBitmaps.in(graph.node(node)).stream()
                .anyMatch(each -> each.name().equals(bitmap));
    }

    /// A snapshot that made no point is named nowhere. Its record is the one that no other explains.
    private static Optional<String> unexplained(
            BlockGraph graph, String node, JobNames job, Set<String> known) {
        List<String> found =
                DiskBitmaps.in(graph.node(node)).stream()
                        .map(GuestDisk.Bitmap::name)
                        .filter(name ->
                                JobNames.generation(job.lineage(), name)
                                        .filter(generation -> !known.contains(generation))
                                        .filter(generation ->
                                                name.equals(
                                                        JobNames.recording(
                                                                job.lineage(), generation)))
                                        .isPresent())
                        .toList();
        return found.size() == 1 ? Optional.of(found.getFirst()) : Optional.empty();
    }

    /// Puts the older images upon the new ones, which have been made.
    void prepare() {
        if (older.isEmpty()) {
            return;
        }
        older.forEach((disk, old) -> stand(old, plan.names().name(Role.FLEECE, disk.index())));
        probes = new Probes(place, List.copyOf(older.values()));
    }

    /// While the VM stands still, right before its devices change over.
    void atInstant() {
        if (probes != null) {
            whole = probes.hold();
            closeProbes();
        }
    }

    /// What the guest had written, of each disk whose older filter had copied it all.
    ///
    /// @param actions of the transaction of the instant
    void addTo(ArrayNode actions) {
        older.forEach((disk, old) -> {
            if (!whole.contains(old)) {
                return;
            }
            String name = plan.names().merged();
            Instant.action(
                    actions,
                    "block-dirty-bitmap-add",
                    Instant.bitmap(old.fleece(), name).put("disabled", true));
            old.recording()
                    .ifPresent(recording ->
                            Instant.action(
                                    actions,
                                    "block-dirty-bitmap-merge",
                                    Instant.merge(
                                            old.fleece(),
                                            name,
                                            Json.object()
                                                    .put("node", old.disk())
                                                    .put("name", recording))));
        });
    }

    /// No instant comes, or it failed. A device that had changed over goes on writing through the new filter, so there
    /// the images stay as they are.
    void undo() {
        closeProbes();
        if (older.isEmpty()) {
            return;
        }
        Set<String> inUse = inUse(place.monitor());
        older.forEach((disk, old) -> {
            if (inUse.contains(old.filter())) {
                stand(old, old.disk());
            }
        });
        older.clear();
    }

    private void closeProbes() {
        Probes open = probes;
        probes = null;
        if (open != null) {
            open.close();
        }
    }

    private void stand(Old old, String below) {
        ObjectNode arguments = Json.object();
        arguments
                .putArray("options")
                .addObject()
                .put("driver", "qcow2")
                .put("node-name", old.fleece())
                .put("file", JobNames.sibling(old.fleece(), Role.WINDOW))
                .put("backing", below)
                .put("discard", "unmap");
        place.monitor().execute("blockdev-reopen", arguments);
    }

    /// Looks at the filters from which devices have gone: what was written through them must have been copied. Removes
    /// them. Returns the jobs of those snapshots that are not whole, with all that stand upon them; they read wrong data.
    static Set<JobNames> settle(Monitor monitor) {
        JsonNode nodes = monitor.nodes();
        boolean hasFilters = false;
        for (JsonNode node : nodes) {
            hasFilters |= Role.FILTER.isOf(node.path("node-name").asString(""));
        }
        if (!hasFilters) {
            return Set.of();
        }
        Set<String> inUse = inUse(monitor);
        BlockGraph graph = BlockGraph.of(monitor, nodes);
        FleeceChain chain = new FleeceChain(graph);
        Set<JobNames> broken = new HashSet<>();
        for (String filter : graph.names().stream().filter(Role.FILTER::isOf).toList()) {
            String fleece = graph.child(filter, "target");
            Optional<JobNames> next = JobNames.in(graph.child(fleece, "backing"));
            if (inUse.contains(filter) || next.isEmpty()) {
                continue;
            }
            if (!hasCopiedAll(graph, filter, fleece, next.get())) {
                JobNames.in(filter)
                        .ifPresent(job -> {
                            broken.add(job);
                            broken.addAll(chain.above(job));
                        });
            }
            // Whoever else removes it now does no harm.
            monitor.ask("blockdev-del", Json.object().put("node-name", filter));
        }
        return broken;
    }

    private static boolean hasCopiedAll(
            BlockGraph graph, String filter, String fleece, JobNames next) {
        Optional<GuestDisk.Bitmap> written =
                DiskBitmaps.in(graph.node(fleece)).stream()
                        .filter(each -> each.name().equals(next.merged()))
                        .findFirst();
        return written.isPresent()
                && Wholeness.hasCopied(graph.node(filter), written.get().dirtyBytes());
    }
}
