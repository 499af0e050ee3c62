package io.stillpoint.engine;

import io.stillpoint.engine.BackupRecord.Preparing;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.MachineNotice;
import io.stillpoint.hypervisor.PreparedSnapshot;
import io.stillpoint.hypervisor.SnapshotRequest;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.ObjectId;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/// The step prepare: readies a snapshot, as often as one is tried. Each has a name of its own, which is in the journal
/// before anything is made under it.
final class PrepareStep {
    /// The field of a point's configuration that says what its record of changes rests on.
    static final String RECORDING = "recording";

    private static final int GENERATION_BYTES = 8;
    private static final int LINEAGE_DIGITS = 8;

    private final String lineage;
    private final VirtualMachine vm;
    private final ScratchSettings scratch;
    private final JobTools tools;
    private final JobReporter reporter;
    private final Set<MachineNotice> told = new HashSet<>();

    /// @param vault whose points they are
    PrepareStep(
            ObjectId vault,
            VirtualMachine vm,
            ScratchSettings scratch,
            JobTools tools,
            JobReporter reporter) {
        lineage = vault.toString().substring(0, LINEAGE_DIGITS);
        this.vm = vm;
        this.scratch = scratch;
        this.tools = tools;
        this.reporter = reporter;
    }

    /// A snapshot that is ready, and what the journal says of it.
    record Prepared(Preparing record, PreparedSnapshot snapshot) {}

    Prepared take(DueBackup due) {
        reporter.step(
                Step.PREPARE, Text.of(PrepareStep.class, "engine.preparing", due.begun().name()));
        tools.cancellation().check();
        Map<String, String> generations = new HashMap<>();
        due.previous()
                .ifPresent(point ->
                        point.disks()
                                .forEach(disk ->
                                        disk.generation()
                                                .ifPresent(generation ->
                                                        generations.put(disk.name(), generation))));
        SnapshotRequest request =
                new SnapshotRequest(
                        lineage,
                        tools.randomness().hex(GENERATION_BYTES),
                        generations,
                        due.previous()
                                .<JsonNode>map(RecoveryPoint::configuration)
                                .orElseGet(Json::object)
                                .path(RECORDING),
                        scratch.folder(),
                        scratch.max());
        Preparing record = due.begun().preparing(request.name());
        JobJournal journal = tools.journal();
        journal.write(record);
        KeptSnapshots kept = journal.kept();
        PreparedSnapshot prepared =
                vm.prepare(
                        request.keeping(
                                        journal.outlivesProcess()
                                                ? kept.with(request.name())
                                                : kept)
                                .carrying(tools.local().known()));
        vm.notices().forEach(this::tell);
        return new Prepared(record, prepared);
    }

    /// Once, however often the snapshot is tried.
    private void tell(MachineNotice notice) {
        if (!told.add(notice)) {
            return;
        }
        if (notice.isWarning()) {
            reporter.warning(notice.code(), notice.text());
        } else {
            reporter.note(notice.code(), notice.text());
        }
    }
}
