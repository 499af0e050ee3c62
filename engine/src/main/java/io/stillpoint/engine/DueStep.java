package io.stillpoint.engine;

import io.stillpoint.engine.BackupRecord.Begun;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.VmIdentity;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Lineage;
import io.stillpoint.vault.point.RecoveryPoint;
import java.util.List;
import java.util.Optional;

/// The step due: what is to be backed up, and the newest point that it builds on. Disturbs nothing.
final class DueStep {
    private final Vault vault;
    private final JobVm vm;
    private final BackupSettings settings;
    private final JobTools tools;
    private final JobReporter reporter;

    DueStep(Vault vault, JobVm vm, BackupSettings settings, JobTools tools, JobReporter reporter) {
        this.vault = vault;
        this.vm = vm;
        this.settings = settings;
        this.tools = tools;
        this.reporter = reporter;
    }

    /// Throws `engine.other-vm` if the earlier points are of another machine and the user has not said that this is meant.
    DueBackup take() {
        VirtualMachine machine = vm.open();
        machine.requireFit();
        List<RecoveryPoint> points = vault.points(settings.vm());
        List<RecoveryPoint> madeHere =
                points.stream().filter(point -> point.line().isEmpty()).toList();
        if (!points.isEmpty()) {
            // Or the new point has no place, which shows when all is stored.
            Lineage _ = Lineage.after(Optional.of(points.getLast()), 0);
        }
        ClockCheck check = ClockCheck.of(vault.clocks(), madeHere);
        check.findings().forEach(finding -> reporter.warning(finding.text()));
        // Changes are recorded since a point that was made here, never since a copy.
        List<RecoveryPoint> candidates = madeHere.isEmpty() ? points : madeHere;
        Optional<RecoveryPoint> previous =
                candidates.isEmpty() ? Optional.empty() : Optional.of(candidates.getLast());
        Begun begun =
                new Begun(
                        reporter.job(),
                        vm.id(),
                        settings.vm(),
                        tools.clock().instant(),
                        previous.map(RecoveryPoint::id),
                        identity(machine.identity(), previous).json(),
                        check.findings().isEmpty() ? Optional.empty() : Optional.of(check.json()),
                        settings.policy().lock().map(vault::lockedUntil));
        tools.journal().write(begun);
        return new DueBackup(begun, previous);
    }

    private VmIdentity identity(VmIdentity now, Optional<RecoveryPoint> previous) {
        Optional<VmIdentity> before =
                previous.flatMap(point -> VmIdentity.in(point.configuration()));
        if (before.isEmpty()) {
            return now;
        }
        if (!settings.policy().sameVm() && !now.isSameAs(before.get())) {
            throw JobException.misuse(
                    "engine.other-vm", settings.vm(), before.get().toString(), now.toString());
        }
        return now.completedBy(before.get());
    }
}
