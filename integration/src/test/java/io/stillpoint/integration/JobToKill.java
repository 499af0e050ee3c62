package io.stillpoint.integration;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.engine.BackupPolicy;
import io.stillpoint.engine.BackupSettings;
import io.stillpoint.engine.GuestAccess;
import io.stillpoint.engine.JobEvents;
import io.stillpoint.engine.JobJournal;
import io.stillpoint.engine.JobRecord;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.JobVm;
import io.stillpoint.engine.RestLimits;
import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.engine.VmSocket;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.qemu.QemuVm;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.store.LocalStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;

/// A process that takes a backup up where its journal says that it was left, prints each record's state, and is to be
/// killed. Its arguments: the folder of vault and key, that of the journal, the monitor, the agent's socket.
final class JobToKill {
    private JobToKill() {}

    public static void main(String[] arguments) {
        Path folder = Path.of(arguments[0]);
        JobJournal journal = new FileJournal(Path.of(arguments[1]));
        try (Vault vault =
                        Vault.open(
                                new LocalStore(folder.resolve("vault")),
                                KeyFile.read(folder.resolve("key")),
                                new Vault.Surroundings(
                                        Randomness.secure(),
                                        InstantSource.system(),
                                        ProcessResources.ofThisProcess()));
                JobVm vm = JobVm.of(QemuVm.open(Path.of(arguments[2]), Threads.ofProcess()))) {
            BackupSettings settings =
                    new BackupSettings(
                            "vm",
                            new BackupPolicy(
                                    Consistency.FILE_SYSTEM,
                                    new RestLimits(Duration.ofSeconds(20), Duration.ofMinutes(1)),
                                    BackupPolicy.Vss.EXTENSION,
                                    false,
                                    Optional.empty()),
                            Optional.of(
                                    new GuestAccess(
                                            new VmSocket(vm, Path.of(arguments[3])),
                                            Optional.empty())),
                            new ScratchSettings(folder.resolve("scratch"), ByteSize.parse("1G")),
                            "test");
            JobTools tools =
                    new JobTools(
                            journal,
                            JobEvents.SILENT,
                            new Cancellation(),
                            InstantSource.system(),
                            Randomness.secure(),
                            Threads.ofProcess());
            print("made " + new BackupJob(vault, vm, settings, tools).resume().orThrow().id());
        }
    }

    private static void print(String line) {
        byte[] bytes = (line + "\n").getBytes(StandardCharsets.US_ASCII);
        System.out.write(bytes, 0, bytes.length);
        System.out.flush();
    }

    /// The last record in a file, and the states of all in another.
    private record FileJournal(Path folder) implements JobJournal {
        @Override
        public void write(JobRecord record) {
            try {
                Path next = Files.write(folder.resolve("next"), Json.bytes(record.json()));
                Files.move(next, folder.resolve("last"), StandardCopyOption.ATOMIC_MOVE);
                Files.writeString(
                        folder.resolve("states"),
                        record.state() + "\n",
                        StandardOpenOption.CREATE,
                        StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            print(record.state());
        }

        @Override
        public Optional<JobRecord> last() {
            try {
                return Files.exists(folder.resolve("last"))
                        ? Optional.of(
                                JobRecord.of(
                                        Json.parse(Files.readAllBytes(folder.resolve("last")))))
                        : Optional.empty();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public KeptSnapshots kept() {
            return KeptSnapshots.of(last().flatMap(JobRecord::snapshot));
        }

        @Override
        public boolean outlivesProcess() {
            return true;
        }
    }
}
