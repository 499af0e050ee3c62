package io.stillpoint.benchmark.many;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.engine.BackupPolicy;
import io.stillpoint.engine.BackupSettings;
import io.stillpoint.engine.JobEvents;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.JobVm;
import io.stillpoint.engine.MemoryJournal;
import io.stillpoint.engine.RestLimits;
import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.hypervisor.images.ImageFile;
import io.stillpoint.hypervisor.images.StoppedImages;
import io.stillpoint.hypervisor.qemu.DiskChoice;
import io.stillpoint.hypervisor.qemu.KnownMonitors;
import io.stillpoint.hypervisor.qemu.QemuSettings;
import io.stillpoint.hypervisor.qemu.QemuVm;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.RecoveryPoint;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;

/// A VM to be backed up: `NAME small|large live|images PATH…`, with the paths of its images or of its monitor.
record Subject(String name, boolean isLarge, boolean isLive, List<Path> paths) {
    static Subject parse(String line) {
        List<String> words = List.of(line.split(" "));
        return new Subject(
                words.get(0),
                words.get(1).equals("large"),
                words.get(2).equals("live"),
                words.stream().skip(3).map(Path::of).toList());
    }

    /// One job, from opening the VM to letting it go.
    ///
    /// @param scratch of the hypervisor's, and where monitors are noted
    RecoveryPoint backup(Vault vault, Path scratch) {
        try (VirtualMachine vm = open(scratch)) {
            return new BackupJob(
                            vault,
                            JobVm.of(vm),
                            settings(scratch),
                            new JobTools(
                                    new MemoryJournal(),
                                    JobEvents.SILENT,
                                    new Cancellation(),
                                    InstantSource.system(),
                                    Randomness.secure(),
                                    Threads.ofProcess()))
                    .run()
                    .orThrow();
        }
    }

    private VirtualMachine open(Path scratch) {
        if (!isLive) {
            return StoppedImages.of(
                    name, paths.stream().map(ImageFile::of).toList(), Threads.ofProcess());
        }
        return QemuVm.open(
                paths.getFirst(),
                new QemuSettings(
                        name,
                        DiskChoice.USUAL,
                        Optional.of(new KnownMonitors(scratch.resolve("monitors"))),
                        // As a command has one; it would end here without having swept.
                        Optional.of((socket, folder, kept) -> List.of("true")),
                        Threads.ofProcess()));
    }

    private BackupSettings settings(Path scratch) {
        return new BackupSettings(
                name,
                new BackupPolicy(
                        Consistency.CRASH,
                        new RestLimits(Duration.ofSeconds(10), Duration.ofMinutes(1)),
                        BackupPolicy.Vss.EXTENSION,
                        false,
                        Optional.empty()),
                Optional.empty(),
                new ScratchSettings(scratch, ByteSize.parse("1G")),
                "benchmark");
    }
}
