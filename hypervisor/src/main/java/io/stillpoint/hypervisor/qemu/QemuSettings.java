package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.platform.Threads;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// How a VM of QEMU is backed up.
///
/// @param vm the name of its recovery points, noted for a later sweep
/// @param disks which drives are stored
/// @param known where the monitor is noted
/// @param guardian the command that takes everything of ours out of the VM when this process is killed, but for what is
///     kept, and continues a VM that was killed while it stood still
/// @param threads make all that a VM needs
public record QemuSettings(
        String vm,
        DiskChoice disks,
        Optional<KnownMonitors> known,
        Optional<Guardian> guardian,
        Threads threads) {
    /// The usual disks; nothing is noted, and nobody sweeps after a process that is killed but the next job.
    public static QemuSettings usual(Threads threads) {
        return new QemuSettings("", DiskChoice.USUAL, Optional.empty(), Optional.empty(), threads);
    }

    /// These settings for a VM of this name, of which these drives are stored.
    QemuSettings of(String name, DiskChoice choice) {
        return new QemuSettings(name, choice, known, guardian, threads);
    }

    /// Makes the command.
    @FunctionalInterface
    public interface Guardian {
        /// @param socket the monitor's
        /// @param scratch the scratch folder in use
        /// @param kept what a journal names, and the command leaves alone
        List<String> command(Path socket, Path scratch, KeptSnapshots kept);
    }
}
