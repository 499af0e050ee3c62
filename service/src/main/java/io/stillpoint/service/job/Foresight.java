package io.stillpoint.service.job;

import io.stillpoint.hypervisor.qemu.ScratchRoom;
import io.stillpoint.planning.policy.Policy;
import io.stillpoint.planning.queue.Admission;
import io.stillpoint.planning.queue.Estimate;
import io.stillpoint.planning.queue.GuestWrites;
import io.stillpoint.planning.queue.HeldScratch;
import io.stillpoint.planning.queue.Route;
import io.stillpoint.planning.queue.ScratchSpace;
import io.stillpoint.planning.queue.Transfer;
import io.stillpoint.planning.queue.TransferRules;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.Jobs;
import io.stillpoint.service.database.Jobs.Measured;
import io.stillpoint.service.database.Machine;
import io.stillpoint.service.database.Points;
import io.stillpoint.service.fleet.Hosts.Host;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/// What the earlier jobs of a VM tell about the next one: how much it will read and how fast, and how much scratch space its
/// guest will take. Of a VM without a point its disks are asked. Safe for many threads.
final class Foresight {
    private static final int EARLIER = 5;

    /// What is taken for the disks of a VM that was never backed up, by a job that another process began.
    private static final ByteSize RESUMED = ByteSize.parse("10G");

    /// Bytes a second, of a VM that nothing is known of.
    private static final long FIRST_RATE = 100L << 20;

    private final Jobs jobs;
    private final Points points;
    private final Turns turns;
    private final InstantSource clock;

    Foresight(Jobs jobs, Points points, Turns turns, InstantSource clock) {
        this.jobs = jobs;
        this.points = points;
        this.turns = turns;
        this.clock = clock;
    }

    /// A job whose VM holds a snapshot, or is about to.
    ///
    /// @param transfer as it was expected before it began
    record Holding(Transfer transfer, GuestWrites writes) {}

    /// What is to be expected of a job. Throws a [HypervisorException] if the VM was never backed up and does not tell how large
    /// its disks are.
    Holding expected(Machine machine, Job job, Host host, Optional<Policy> policy) {
        List<Measured> earlier = jobs.measured(machine.key(), EARLIER);
        ByteSize disks = disks(machine, job, host);
        List<Estimate.Earlier> transfers = new ArrayList<>();
        List<GuestWrites.Earlier> writes = new ArrayList<>();
        for (Measured each : earlier) {
            each.transferred()
                    .ifPresent(took -> transfers.add(new Estimate.Earlier(each.read(), took)));
            if (each.scratch().isPresent() && each.held().isPresent()) {
                writes.add(new GuestWrites.Earlier(each.scratch().get(), each.held().get()));
            }
        }
        long most = Math.min(disks.bytes(), host.config().scratchLimit().bytes());
        return new Holding(
                new Transfer(
                        job.id(),
                        new Route(machine.key().host(), job.vault()),
                        job.deadline(),
                        Estimate.waiting(
                                Estimate.expected(disks, transfers), transfers, FIRST_RATE),
                        policy.map(Policy::transfer).orElse(TransferRules.NONE)),
                GuestWrites.of(writes, new ByteSize(most)));
    }

    private ByteSize disks(Machine machine, Job job, Host host) {
        Optional<ByteSize> known =
                machine.protection()
                        .pointName()
                        .flatMap(name -> points.newest(job.vault(), name))
                        .map(Points.Point::size);
        if (known.isEmpty() && job.course().record().isPresent()) {
            // It goes on, perhaps without its VM.
            return RESUMED;
        }
        return known.orElseGet(() -> {
            long bytes = 0;
            var disks =
                    host.hypervisor().describe(machine.key().id()).configuration().path("disks");
            for (var disk : disks) {
                bytes += disk.path("size").asLong(0);
            }
            return new ByteSize(bytes);
        });
    }

    /// Whether the host's scratch space would last.
    ///
    /// @param held by other jobs of this process, whatever their host
    Admission admission(Machine machine, Holding wanted, Host host, Collection<Holding> held) {
        Instant now = clock.instant();
        List<HeldScratch> here =
                held.stream()
                        .filter(each ->
                                each.transfer().route().host().equals(host.name())
                                        && !each.transfer().id().equals(wanted.transfer().id()))
                        .map(each ->
                                // What it gives back when it is released is not counted on.
                                new HeldScratch(
                                        new ByteSize(0),
                                        each.writes(),
                                        turns.forecast(each.transfer().id())
                                                .map(forecast -> forecast.end())
                                                .orElseGet(() -> turns.end(each.transfer()))))
                        .toList();
        return Admission.of(
                now,
                new ScratchSpace(host.name(), free(host.config().scratch()), here),
                new Admission.Wish(machine.shown(), wanted.writes(), turns.end(wanted.transfer())));
    }

    /// What snapshots may take on the file system of a folder, which may not be there yet. Where nobody can tell, the snapshot
    /// finds out.
    private static ByteSize free(Path folder) {
        for (Path each = folder.toAbsolutePath(); each != null; each = each.getParent()) {
            if (Files.isDirectory(each)) {
                try {
                    return ScratchRoom.room(Files.getFileStore(each).getUsableSpace());
                } catch (IOException e) {
                    break;
                }
            }
        }
        return new ByteSize(Long.MAX_VALUE);
    }
}
