package io.stillpoint.engine;

import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Messages;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.vault.BackupSession;
import io.stillpoint.vault.PointDisk;
import io.stillpoint.vault.PointDraft;
import io.stillpoint.vault.RecoveryPoint;
import io.stillpoint.vault.StoredDisk;
import io.stillpoint.vault.Vault;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Backs up one VM. The body of [#run] is the job; each step takes what the step before returned.
///
/// Whatever fails: the guest is thawed, the snapshot released, and no recovery point is listed that is not whole. A
/// process that is killed leaves a snapshot that the next job on this VM finds and removes, and stored packs that
/// it uses.
public final class BackupJob {
    private static final int GENERATION_BYTES = 8;
    private static final int LINEAGE_DIGITS = 8;

    /// The field of a point's configuration that says what its record of changes rests on.
    private static final String RECORDING = "recording";

    private final Vault vault;
    private final VirtualMachine vm;
    private final BackupSettings settings;
    private final JobEvents events;
    private final Cancellation cancellation;
    private final InstantSource clock;
    private final Randomness randomness;
    private final Messages messages = Messages.of(BackupJob.class);

    public BackupJob(
            Vault vault,
            VirtualMachine vm,
            BackupSettings settings,
            JobEvents events,
            Cancellation cancellation,
            InstantSource clock,
            Randomness randomness) {
        this.vault = vault;
        this.vm = vm;
        this.settings = settings;
        this.events = events;
        this.cancellation = cancellation;
        this.clock = clock;
        this.randomness = randomness;
    }

    /// Runs the job to its end and returns the recovery point, which is durable then.
    ///
    /// Throws a [StillpointException][io.stillpoint.platform.StillpointException] if there is none.
    public RecoveryPoint run() {
        DueBackup due = due();
        VmIdentity identity = identity(due);
        try (Quiescing guest = prepareGuest();
                HeldVm held = guest.hold(() -> prepareSnapshot(due))) {
            RecoveryPoint point = store(due, identity, held);
            held.snapshot().keepChanges();
            events.step("release", messages.text("engine.releasing"));
            return point;
        }
    }

    private DueBackup due() {
        return new DueBackup(settings.vm(), clock.instant(), vault.newest(settings.vm()));
    }

    /// Which machine this is. Throws `engine.other-vm` before anything is disturbed if the earlier points are of
    /// another and the user has not said that this is meant.
    private VmIdentity identity(DueBackup due) {
        VmIdentity now = vm.identity();
        Optional<VmIdentity> before =
                due.previous().flatMap(point -> VmIdentity.in(point.configuration()));
        if (before.isEmpty()) {
            return now;
        }
        if (!settings.sameVm() && !now.isSameAs(before.get())) {
            throw JobException.misuse(
                    "engine.other-vm", due.vm(), before.get().toString(), now.toString());
        }
        return now.completedBy(before.get());
    }

    private Quiescing prepareGuest() {
        return Quiescing.ready(settings, vm, events, cancellation, clock, randomness);
    }

    private PreparedSnapshot prepareSnapshot(DueBackup due) {
        events.step("prepare", messages.text("engine.preparing", due.vm()));
        cancellation.check();
        Map<String, String> generations = new HashMap<>();
        due.previous()
                .ifPresent(point ->
                        point.disks()
                                .forEach(disk ->
                                        disk.generation()
                                                .ifPresent(generation ->
                                                        generations.put(disk.name(), generation))));
        return vm.prepare(
                new SnapshotRequest(
                        vault.id().toString().substring(0, LINEAGE_DIGITS),
                        randomness.hex(GENERATION_BYTES),
                        generations,
                        due.previous()
                                .<JsonNode>map(RecoveryPoint::configuration)
                                .orElseGet(Json::object)
                                .path(RECORDING),
                        settings.scratchFolder(),
                        settings.scratchMax()));
    }

    private RecoveryPoint store(DueBackup due, VmIdentity identity, HeldVm held) {
        List<HeldDisk> disks = held.snapshot().disks();
        StoreProgress progress = new StoreProgress(events);
        List<BlockSource> sources = new ArrayList<>();
        try (BackupSession session = vault.backup(due.previous(), cancellation, progress)) {
            disks.forEach(disk -> sources.add(disk.open()));
            progress.start(sources);
            long size = sources.stream().mapToLong(BlockSource::size).sum();
            events.step(
                    "store",
                    messages.text(
                            "engine.storing", Integer.toString(disks.size()), new ByteSize(size)));
            List<DiskPlan> plans = new ArrayList<>();
            for (int i = 0; i < disks.size(); i++) {
                plans.add(DiskPlan.make(disks.get(i), sources.get(i), session));
            }
            List<StoredDisk> stored = session.store(plans.stream().map(DiskPlan::input).toList());
            // Everything read is worthless if the snapshot broke meanwhile, so this comes before
            // the commit.
            held.snapshot().proveValid();
            events.step("commit", messages.text("engine.committing"));
            List<PointDisk> records = new ArrayList<>();
            for (int i = 0; i < plans.size(); i++) {
                records.add(plans.get(i).record(stored.get(i)));
            }
            return session.commit(draft(due, identity, held, records));
        } finally {
            sources.forEach(BlockSource::close);
        }
    }

    private PointDraft draft(
            DueBackup due, VmIdentity identity, HeldVm held, List<PointDisk> disks) {
        ObjectNode configuration = vm.configuration();
        configuration.set("identity", identity.json());
        ObjectNode recording = held.snapshot().recording();
        if (!recording.isEmpty()) {
            configuration.set(RECORDING, recording);
        }
        if (!held.quiescing().isEmpty()) {
            configuration.set("quiescing", held.quiescing());
        }
        return new PointDraft(
                due.vm(),
                configuration,
                due.startedAt(),
                held.at(),
                held.consistency(),
                held.consistencyReason(),
                held.frozenMillis(),
                disks,
                settings.writer(),
                settings.lock().map(lock -> held.at().plus(lock)),
                Optional.empty());
    }
}
