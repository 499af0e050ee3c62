package io.stillpoint.integration;

import io.stillpoint.engine.BackupJob;
import io.stillpoint.engine.BackupPolicy;
import io.stillpoint.engine.BackupSettings;
import io.stillpoint.engine.GuestAccess;
import io.stillpoint.engine.JobEvent;
import io.stillpoint.engine.JobEvents;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.JobVm;
import io.stillpoint.engine.MemoryJournal;
import io.stillpoint.engine.RestLimits;
import io.stillpoint.engine.ScratchSettings;
import io.stillpoint.engine.Step;
import io.stillpoint.engine.VmSocket;
import io.stillpoint.guest.extension.ExtensionKeeper;
import io.stillpoint.guest.extension.Prerequisites;
import io.stillpoint.hypervisor.VirtualMachine;
import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.ProcessResources;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.text.Text;
import io.stillpoint.testkit.MemoryDisk;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.crypto.KeyFile;
import io.stillpoint.vault.point.Consistency;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import io.stillpoint.vault.store.LocalStore;
import io.stillpoint.vault.verify.Verification;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// A vault in a folder, and jobs on it.
final class TestVault implements AutoCloseable {
    private final Path folder;
    private final Vault vault;
    private final List<String> warnings = new ArrayList<>();
    private final List<String> steps = new ArrayList<>();
    private ByteSize scratchMax = ByteSize.parse("1G");
    private Optional<ExtensionKeeper> extensions = Optional.empty();
    private Consumer<String> onStep = _ -> {};
    private Consistency atLeast = Consistency.CRASH;
    private Duration freezeMax = Duration.ofSeconds(10);

    TestVault(Path folder) {
        this.folder = folder;
        Path keyFile = folder.resolve("key");
        LocalStore store = new LocalStore(folder.resolve("vault"));
        vault =
                Files.exists(keyFile)
                        ? Vault.open(
                                store,
                                KeyFile.read(keyFile),
                                new Vault.Surroundings(
                                        Randomness.secure(),
                                        InstantSource.system(),
                                        ProcessResources.ofThisProcess()))
                        : Vault.init(
                                store,
                                KeyFile.create(keyFile, Randomness.secure()),
                                new Vault.Surroundings(
                                        Randomness.secure(),
                                        InstantSource.system(),
                                        ProcessResources.ofThisProcess()));
    }

    Path scratch() {
        return folder.resolve("scratch");
    }

    void limitScratch(ByteSize limit) {
        scratchMax = limit;
    }

    /// From now on guests get their extension; what is known of it is kept beside the vault.
    void giveExtensions() {
        extensions =
                Optional.of(
                        ExtensionKeeper.in(
                                folder.resolve("state"),
                                Prerequisites.Absent.WARN,
                                Randomness.secure(),
                                InstantSource.system()));
    }

    void demand(Consistency least) {
        atLeast = least;
    }

    void limitFreeze(Duration most) {
        freezeMax = most;
    }

    /// Called at the beginning of each step with its name.
    void onStep(Consumer<String> action) {
        onStep = action;
    }

    /// Each step and warning so far, with its text.
    List<String> steps() {
        return steps;
    }

    /// The codes of all warnings so far.
    List<String> warnings() {
        return warnings;
    }

    Vault vault() {
        return vault;
    }

    RecoveryPoint backup(VirtualMachine vm, @Nullable Path agent) {
        return backup(vm, agent, new Cancellation());
    }

    RecoveryPoint backup(VirtualMachine vm, @Nullable Path agent, Cancellation cancellation) {
        JobVm job = JobVm.of(vm);
        BackupSettings settings =
                new BackupSettings(
                        "vm",
                        new BackupPolicy(
                                atLeast,
                                new RestLimits(freezeMax, Duration.ofMinutes(1)),
                                BackupPolicy.Vss.EXTENSION,
                                false,
                                Optional.empty()),
                        Optional.ofNullable(agent)
                                .map(path -> new GuestAccess(new VmSocket(job, path), extensions)),
                        new ScratchSettings(scratch(), scratchMax),
                        "test");
        JobEvents events =
                event -> {
                    switch (event) {
                        case JobEvent.StepBegan(_, Step step, Text text) -> {
                            steps.add(step.word() + ": " + text);
                            onStep.accept(step.word());
                        }
                        case JobEvent.Warned(_, Text text, String code) -> warned(code, text);
                        case JobEvent.Noted(_, Text text, String code) -> warned(code, text);
                        case JobEvent.Progressed _, JobEvent.Read _, JobEvent.ScratchTaken _ -> {}
                    }
                };
        return new BackupJob(
                        vault,
                        job,
                        settings,
                        new JobTools(
                                new MemoryJournal(),
                                events,
                                cancellation,
                                InstantSource.system(),
                                Randomness.secure(),
                                Threads.ofProcess()))
                .run()
                .orThrow();
    }

    private void warned(String code, Text text) {
        warnings.add(code);
        steps.add("warning: " + text);
    }

    byte[] restored(PointDisk disk) {
        byte[] content = new byte[Math.toIntExact(disk.image().size())];
        vault.restore(disk.image(), new MemoryDisk(content), new Cancellation(), _ -> {});
        return content;
    }

    Verification verify() {
        return vault.verify(new Cancellation(), _ -> {});
    }

    @Override
    public void close() {
        vault.close();
    }
}
