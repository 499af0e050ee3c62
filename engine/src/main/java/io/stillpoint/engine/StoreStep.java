package io.stillpoint.engine;

import io.stillpoint.engine.BackupRecord.Begun;
import io.stillpoint.engine.BackupRecord.Storing;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HeldSnapshot;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.PointDraft;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.session.BackupSession;
import io.stillpoint.vault.session.StoredDisk;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/// The steps store, prove, seal and commit: reads all disks of a held snapshot into a session, and makes the point.
final class StoreStep {
    private final OpenSession session;
    private final Holdings holdings;
    private final JobTools tools;
    private final JobReporter reporter;

    /// @param holdings gets what is opened
    StoreStep(OpenSession session, Holdings holdings, JobTools tools, JobReporter reporter) {
        this.session = session;
        this.holdings = holdings;
        this.tools = tools;
        this.reporter = reporter;
    }

    /// A session in the vault, for a snapshot that is held.
    record OpenSession(
            Storing record,
            HeldSnapshot snapshot,
            BackupSession session,
            StoreProgress progress,
            TransferTurn.Transfer transfer) {}

    /// All disks are in the vault, and were the snapshot's until the last byte was read.
    record StoredVm(OpenSession session, List<PointDisk> disks) {}

    StoredVm store() {
        BackupSession vault = session.session();
        List<HeldDisk> disks = session.snapshot().disks();
        List<BlockSource> sources = new ArrayList<>();
        for (HeldDisk disk : disks) {
            BlockSource source = new PacedSource(disk.open(), session.transfer());
            sources.add(source);
            holdings.add(source::close, source::close);
        }
        long size = sources.stream().mapToLong(BlockSource::size).sum();
        reporter.step(
                Step.STORE,
                text("engine.storing", Integer.toString(disks.size()), new ByteSize(size)));
        session.progress().begin();
        List<DiskPlan> plans = new ArrayList<>();
        for (int i = 0; i < disks.size(); i++) {
            plans.add(DiskPlan.make(disks.get(i), sources.get(i), vault));
        }
        tell(plans, vault.baseIsDamaged());
        List<StoredDisk> stored = vault.store(plans.stream().map(DiskPlan::input).toList());
        // Everything read is worthless if the snapshot broke meanwhile, so this comes before the
        // commit.
        session.snapshot().proveValid();
        List<PointDisk> records = new ArrayList<>();
        for (int i = 0; i < plans.size(); i++) {
            records.add(plans.get(i).record(stored.get(i)));
        }
        return new StoredVm(session, records);
    }

    /// Makes everything that was stored durable, fixes the point's bytes, and makes the point. The bytes are in the journal
    /// before the store gets them.
    ///
    /// @param configuration what the hypervisor tells of the VM
    MadePoint commit(StoredVm stored, ObjectNode configuration, String writer) {
        reporter.step(Step.COMMIT, text("engine.committing"));
        Storing storing = session.record();
        RecoveryPoint point =
                session.session()
                        .commit(
                                draft(stored, configuration, writer),
                                sealed -> tools.journal().write(storing.sealed(sealed)));
        return new MadePoint(storing.committed(point.id()), point, session.session().unfinished());
    }

    /// What was believed and turned out wrong.
    private void tell(List<DiskPlan> plans, boolean isBaseLost) {
        if (isBaseLost) {
            reporter.warning(text("engine.base-lost"));
        }
        for (DiskPlan plan : plans) {
            if (plan.reason().equals("contradicted")) {
                reporter.note(text("engine.contradicted", plan.disk().name()));
            }
        }
    }

    private PointDraft draft(StoredVm stored, ObjectNode configuration, String writer) {
        Begun begun = session.record().held().begun();
        InstantReport report = session.record().held().report();
        configuration.set("identity", begun.identity().deepCopy());
        ObjectNode recording = session.snapshot().recording();
        if (!recording.isEmpty()) {
            configuration.set(PrepareStep.RECORDING, recording);
        }
        if (!report.quiescing().isEmpty()) {
            configuration.set("quiescing", report.quiescing().deepCopy());
        }
        begun.clock().ifPresent(clock -> configuration.set("clock", clock.deepCopy()));
        return new PointDraft(
                begun.name(),
                configuration,
                begun.startedAt(),
                report.at(),
                report.consistency(),
                report.consistencyReason(),
                report.frozenMillis(),
                stored.disks(),
                writer,
                begun.lockedUntil(),
                Optional.empty());
    }

    private static Text text(String code, Object... arguments) {
        return Text.of(StoreStep.class, code, arguments);
    }
}
