package io.stillpoint.cli;

import io.stillpoint.cli.RestoreOptions.Disk;
import io.stillpoint.cli.RestoreOptions.Task;
import io.stillpoint.engine.JobTools;
import io.stillpoint.engine.MemoryJournal;
import io.stillpoint.engine.RestoreJob;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Json;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.RecoveryPoint;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// `stillpoint restore`
@Command(name = "restore", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class RestoreCommand implements Callable<Integer> {
    @Mixin private VaultOptions vaultOptions = new VaultOptions();
    @Mixin private Output output = new Output();

    @Mixin private PointOption chosen = new PointOption();

    @Mixin private RestoreOptions to = new RestoreOptions();

    @Override
    public Integer call() {
        Cancellation cancellation = Interruption.cancellation();
        to.requireFitTarget();
        List<Task> tasks;
        try (Vault vault = vaultOptions.open();
                ConsoleEvents events = output.events()) {
            RecoveryPoint point = chosen.of(vault);
            tasks =
                    to.tasks(
                            point.id(),
                            point.disks().stream()
                                    .map(disk ->
                                            new Disk(
                                                    disk.name(),
                                                    disk.image().size(),
                                                    disk.format()))
                                    .toList());
            new RestoreJob(
                            vault,
                            new JobTools(
                                    new MemoryJournal(),
                                    events,
                                    cancellation,
                                    InstantSource.system(),
                                    Randomness.secure(),
                                    Readiness.process().threads()))
                    .run(point, tasks.stream().map(Task::forJob).toList())
                    .orThrow();
            output.junk(vault);
        }
        RestoreOptions.tell(tasks, Json.object(), output);
        return ExitCode.SUCCESS.status();
    }
}
