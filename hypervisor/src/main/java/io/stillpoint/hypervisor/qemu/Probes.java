package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.nbd.NbdClient;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Undisturbed;
import java.time.Duration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Asks filters whether they have copied all that was overwritten. While one of these is open, nothing else may write
/// to the disk but through that filter.
final class Probes implements AutoCloseable {
    private static final Duration ANSWER_MAX = Duration.ofSeconds(1);

    private final SnapshotPlace place;
    private final List<Succession.Old> filters;
    private final Map<Succession.Old, NbdClient> clients = new LinkedHashMap<>();

    /// The NBD server must run.
    Probes(SnapshotPlace place, List<Succession.Old> filters) {
        this.place = place;
        this.filters = filters;
        boolean done = false;
        // Of a process that has ended.
        remove();
        try {
            for (Succession.Old each : filters) {
                String probe = each.probe();
                add(place.monitor(), probe, each.filter());
                clients.put(
                        each,
                        NbdClient.connect(
                                place.server().address(),
                                probe,
                                Optional.empty(),
                                1,
                                place.monitor().threads()));
            }
            done = true;
        } finally {
            if (!done) {
                close();
            }
        }
    }

    /// Has a filter's own view served under the name of its node.
    static void add(Monitor monitor, String probe, String filter) {
        monitor.execute(
                "blockdev-add",
                Json.object()
                        .put("driver", "snapshot-access")
                        .put("node-name", probe)
                        .put("file", filter));
        monitor.execute("block-export-add", NbdServer.export(probe, probe));
    }

    /// Those of them that have, and say so at once: the VM may stand still meanwhile.
    Set<Succession.Old> hold() {
        Set<Succession.Old> holding = ConcurrentHashMap.newKeySet();
        Thread asking =
                place.monitor()
                        .threads()
                        .waiting(
                                "probe",
                                () -> filters.stream().filter(this::holds).forEach(holding::add));
        asking.start();
        boolean _ = Undisturbed.await(() -> asking.join(ANSWER_MAX));
        return Set.copyOf(holding);
    }

    private boolean holds(Succession.Old filter) {
        NbdClient client = clients.get(filter);
        if (client == null) {
            return false;
        }
        try {
            client.read(0, new byte[1], 0, 1);
            return true;
        } catch (HypervisorException e) {
            return false;
        }
    }

    @Override
    public void close() {
        clients.values().forEach(NbdClient::close);
        clients.clear();
        remove();
    }

    private void remove() {
        Set<JobNames> jobs = new HashSet<>();
        filters.forEach(each -> JobNames.in(each.probe()).ifPresent(jobs::add));
        Sweep sweep = place.sweep(new SweepScope.Among(jobs));
        sweep.removeProbes();
        sweep.requireDone();
    }
}
