package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.Hypervisor;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.SnapshotDescriptor;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmId;
import io.stillpoint.platform.Undisturbed;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;

/// The VMs behind the monitors of a host. A VM without a uuid is known by its monitor's socket.
public final class QemuHypervisor implements Hypervisor {
    private static final int LOOKS_AT_ONCE = 16;

    private final Supplier<List<Path>> sockets;
    private final QemuSettings settings;

    /// What was met last at each socket. One entry for each socket that was ever asked, of at most a few hundred bytes.
    private final Map<Path, Seen> seen = new ConcurrentHashMap<>();

    /// @param process of QEMU, by number; 0 if it is gone
    /// @param silence why it does not answer now although it may run; empty if it answers, is off, or a job has it
    private record Seen(Vm vm, int process, Optional<HypervisorException> silence) {}

    /// @param sockets the monitors of VMs, besides those that `settings` knows; of one VM there may be several
    public QemuHypervisor(List<Path> sockets, QemuSettings settings) {
        this(() -> sockets, settings);
    }

    /// @param sockets asked each time: the monitors that there are then, besides those that `settings` knows
    public QemuHypervisor(Supplier<List<Path>> sockets, QemuSettings settings) {
        this.sockets = sockets;
        this.settings = settings;
    }

    @Override
    public Found find() {
        Map<VmId, Vm> vms = new LinkedHashMap<>();
        Map<VmId, Twin> twins = new HashMap<>();
        List<Unanswered> unanswered = new ArrayList<>();
        looks().forEach((place, met) -> {
            switch (met) {
                case Met.Here(Seen there) -> {
                    vms.putIfAbsent(there.vm().id(), there.vm());
                    Twin first =
                            twins.putIfAbsent(there.vm().id(), new Twin(place, there.process()));
                    if (first != null
                            && there.process() != 0
                            && first.process() != 0
                            && first.process() != there.process()) {
                        unanswered.add(
                                new Unanswered(
                                        place.toString(),
                                        sameId(there.vm().id(), first.place(), place)));
                    }
                    there.silence()
                            .ifPresent(
                                    why -> unanswered.add(new Unanswered(place.toString(), why)));
                }
                case Met.Silent(HypervisorException why) ->
                        unanswered.add(new Unanswered(place.toString(), why));
            }
        });
        return new Found(List.copyOf(vms.values()), unanswered);
    }

    /// Where a VM was met first.
    private record Twin(Path place, int process) {}

    /// Passes when one of them ends.
    private static HypervisorException sameId(VmId id, Path one, Path other) {
        return new HypervisorException(Kind.BUSY, "vm.same-id", null, id, one, other);
    }

    /// Who is at a socket, or why nobody can tell.
    private sealed interface Met {
        record Here(Seen seen) implements Met {}

        record Silent(HypervisorException why) implements Met {}
    }

    /// All places, several at once: one that does not answer takes a second, and holds up nobody. One search after the other,
    /// or they would stand in each other's way: a monitor serves one client at a time.
    private synchronized Map<Path, Met> looks() {
        Map<Path, Optional<VmId>> places = places();
        Map<Path, Met> met = new ConcurrentHashMap<>();
        Queue<Map.Entry<Path, Optional<VmId>>> left =
                new ConcurrentLinkedQueue<>(places.entrySet());
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < Math.min(LOOKS_AT_ONCE, places.size()) - 1; i++) {
            Thread thread = settings.threads().waiting("look", () -> look(left, met));
            thread.start();
            threads.add(thread);
        }
        look(left, met);
        threads.forEach(Undisturbed::join);
        Map<Path, Met> inOrder = new LinkedHashMap<>();
        for (Path place : places.keySet()) {
            Met found = met.get(place);
            if (found != null) {
                inOrder.put(place, found);
            }
        }
        return inOrder;
    }

    private void look(Queue<Map.Entry<Path, Optional<VmId>>> left, Map<Path, Met> met) {
        for (var place = left.poll(); place != null; place = left.poll()) {
            Met found;
            try {
                found = new Met.Here(look(place.getKey(), place.getValue()));
            } catch (HypervisorException e) {
                found = new Met.Silent(e);
            }
            met.put(place.getKey(), found);
        }
    }

    /// While a snapshot is in the VM, the configuration tells of its nodes, too.
    @Override
    public Description describe(VmId id) {
        Path socket = socket(id);
        if (VmLock.isHeld(socket)) {
            throw new HypervisorException(Kind.UNREACHABLE, "vm.locked", null, socket, socket);
        }
        try (Monitor monitor = new Monitor(socket, QmpClient.Patience.LOOK, settings.threads())) {
            MachineLook look =
                    new MachineLook(monitor, QemuRun.listeningOn(socket), settings.disks());
            requireSame(id, look.id(), socket);
            QemuVersion version = QemuVersion.of(monitor.execute("query-version"));
            return new Description(look.vm(), look.identity(), look.configuration(version));
        }
    }

    @Override
    public VirtualMachine open(VmId id) {
        return open(id, settings.disks());
    }

    /// As [#open(VmId)].
    ///
    /// @param disks which of its drives are stored
    public VirtualMachine open(VmId id, DiskChoice disks) {
        Path socket = socket(id);
        Seen known = seen.get(socket);
        QemuVm vm =
                QemuVm.open(
                        socket,
                        settings.of(
                                settings.vm().isEmpty() && known != null
                                        ? known.vm().name()
                                        : settings.vm(),
                                disks));
        boolean done = false;
        try {
            requireSame(id, vm.id(), socket);
            done = true;
            return vm;
        } finally {
            if (!done) {
                vm.close();
            }
        }
    }

    /// Removes the files of a local snapshot whose QEMU is gone. Throws a [HypervisorException] if they can't be removed.
    public void removeLocal(SnapshotDescriptor snapshot) {
        LocalQemuSnapshots.removeFiles(snapshot);
    }

    /// The monitor of a VM. Throws as [#describe].
    public Path monitor(VmId id) {
        return socket(id);
    }

    /// Where the VM is: where it was seen last, if it is still there; else each socket is asked anew, since any VM may have
    /// started at any of them. A monitor serves one client at a time, and on a host of many VMs each job would ask all.
    private Path socket(VmId id) {
        return lastPlace(id).orElseGet(() -> searched(id));
    }

    /// Empty if two were seen with this id, if there is none, or if another VM is there now.
    private Optional<Path> lastPlace(VmId id) {
        List<Path> places =
                seen.entrySet().stream()
                        .filter(each ->
                                each.getValue().process() != 0
                                        && each.getValue().vm().id().equals(id))
                        .map(Map.Entry::getKey)
                        .toList();
        if (places.size() != 1) {
            return Optional.empty();
        }
        try {
            Seen met = look(places.getFirst(), Optional.of(id));
            return met.process() != 0 && met.vm().id().equals(id)
                    ? Optional.of(places.getFirst())
                    : Optional.empty();
        } catch (HypervisorException e) {
            return Optional.empty();
        }
    }

    private synchronized Path searched(VmId id) {
        // Whoever searched before may have met it.
        Optional<Path> last = lastPlace(id);
        if (last.isPresent()) {
            return last.get();
        }
        List<Path> found = new ArrayList<>();
        Set<Integer> processes = new LinkedHashSet<>();
        // What does not answer, and was never seen, is not told by its id.
        looks().forEach((place, met) -> {
            if (met instanceof Met.Here(Seen there)
                    && there.vm().id().equals(id)
                    && processes.add(there.process())) {
                found.add(place);
            }
        });
        if (found.isEmpty()) {
            throw new HypervisorException(Kind.UNREACHABLE, "vm.unknown", null, id);
        }
        List<Path> alive =
                found.stream()
                        .filter(place -> {
                            Seen met = seen.get(place);
                            return met != null && met.process() != 0;
                        })
                        .toList();
        if (alive.size() > 1) {
            throw sameId(id, alive.get(0), alive.get(1));
        }
        return alive.isEmpty() ? found.getFirst() : alive.getFirst();
    }

    private static void requireSame(VmId wanted, VmId found, Path socket) {
        if (!found.equals(wanted)) {
            // Another VM has started there since it was looked at.
            throw new HypervisorException(Kind.UNREACHABLE, "vm.unknown", null, wanted, socket);
        }
    }

    /// Who is at a socket now; who was there last if nobody answers.
    private Seen look(Path socket, Optional<VmId> noted) {
        HypervisorException silent;
        Power power;
        if (VmLock.isHeld(socket)) {
            silent = new HypervisorException(Kind.UNREACHABLE, "vm.locked", null, socket, socket);
            power = Power.UNKNOWN;
        } else {
            try (Monitor monitor =
                    new Monitor(socket, QmpClient.Patience.LOOK, settings.threads())) {
                MachineLook look = new MachineLook(monitor, Optional.empty(), settings.disks());
                Seen met = new Seen(look.vm(), monitor.process().id(), Optional.empty());
                seen.put(socket, met);
                return met;
            } catch (HypervisorException e) {
                silent = e;
                power = e.code().equals("qmp.no-monitor") ? Power.OFF : Power.UNKNOWN;
            }
        }
        Seen last = seen.get(socket);
        Optional<VmId> id = last == null ? noted : Optional.of(last.vm().id());
        if (id.isEmpty()) {
            throw silent;
        }
        Seen now =
                new Seen(
                        new Vm(id.get(), last == null ? "" : last.vm().name(), power),
                        last == null || power == Power.OFF ? 0 : last.process(),
                        power == Power.OFF || silent.code().equals("vm.locked")
                                ? Optional.empty()
                                : Optional.of(silent));
        seen.put(socket, now);
        return now;
    }

    /// Each once, with links resolved where it is there, and the id that was noted of it.
    private Map<Path, Optional<VmId>> places() {
        Map<Path, Optional<VmId>> places = new LinkedHashMap<>();
        sockets.get().forEach(socket -> places.put(real(socket), Optional.empty()));
        settings.known()
                .map(KnownMonitors::all)
                .orElse(List.of())
                .forEach(known ->
                        places.merge(real(known.socket()), known.id(), (one, other) -> other));
        return places;
    }

    private static Path real(Path socket) {
        try {
            return socket.toRealPath();
        } catch (IOException e) {
            // Not there now; the VM is off, or has never been.
            return socket.toAbsolutePath().normalize();
        }
    }
}
