package io.stillpoint.engine;

import io.stillpoint.engine.RestoreRecord.Chosen;
import io.stillpoint.engine.RestoreRecord.Written;
import io.stillpoint.engine.RestoreRecord.WrittenDisk;
import io.stillpoint.hypervisor.images.RestoreTarget;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.vault.Vault;
import io.stillpoint.vault.point.Losses;
import io.stillpoint.vault.point.PointDisk;
import io.stillpoint.vault.point.RecoveryPoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Writes disks of a recovery point to new images or to devices. The steps stand in `docs/job.md`; each leaves a record in
/// the journal from which [#resume] goes on. A process that is killed leaves complete disks, and files that the next restore
/// to the same place takes over.
///
/// For one run.
public final class RestoreJob {
    private final Vault vault;
    private final JobTools tools;
    private final JobReporter reporter;

    /// The job that the journal is of, or a new one if the journal is empty.
    public RestoreJob(Vault vault, JobTools tools) {
        this.vault = vault;
        this.tools = tools;
        JobId job =
                tools.journal()
                        .last()
                        .map(JobRecord::job)
                        .orElseGet(() -> JobId.random(tools.randomness()));
        reporter = new JobReporter(job, tools.events());
    }

    public JobId id() {
        return reporter.job();
    }

    /// Restores disks, one after the other. All targets are looked at before the first byte is written to any. Never
    /// throws a [StillpointException].
    ///
    /// @param tasks of different disks of the point, which has them
    public RestoreOutcome run(RecoveryPoint point, List<RestoreTask> tasks) {
        if (tools.journal().last().isPresent()) {
            throw new IllegalStateException("the job has begun; resume it");
        }
        Chosen chosen = new Chosen(reporter.job(), point.id(), tasks);
        return ended(new Progress(), progress -> restore(chosen, point, false, progress));
    }

    /// Goes on where the journal says that the job was left. Throws an [IllegalStateException] if it says nothing, and never
    /// a [StillpointException].
    public RestoreOutcome resume() {
        JobRecord last =
                tools.journal()
                        .last()
                        .orElseThrow(() -> new IllegalStateException("nothing was begun"));
        return switch (last) {
            case Chosen chosen -> resume(chosen, false, List.of());
            case RestoreRecord.TargetsMade made -> resume(made.chosen(), true, List.of());
            case RestoreRecord.RoomChecked checked -> resume(checked.chosen(), true, List.of());
            case Written written -> resume(written.chosen(), true, written.disks());
            case RestoreRecord.Finished _ -> new RestoreOutcome.Restored();
            case RestoreRecord.Failed failed ->
                    new RestoreOutcome.Failed(
                            JobException.before(failed.code(), failed.text()), failed.complete());
            case BackupRecord _ -> throw new IllegalArgumentException("a backup's journal");
        };
    }

    private RestoreOutcome resume(Chosen chosen, boolean wasBegun, List<WrittenDisk> written) {
        return ended(
                new Progress(),
                progress -> {
                    RecoveryPoint point = vault.point(chosen.point().toString());
                    written.stream().filter(disk -> isThere(chosen, disk)).forEach(progress::add);
                    restore(chosen, point, wasBegun, progress);
                });
    }

    /// Which disks are complete.
    private static final class Progress {
        private final Map<String, WrittenDisk> complete = new LinkedHashMap<>();

        void add(WrittenDisk disk) {
            complete.put(disk.name(), disk);
        }

        boolean has(String disk) {
            return complete.containsKey(disk);
        }

        List<WrittenDisk> disks() {
            return List.copyOf(complete.values());
        }

        List<String> names() {
            return List.copyOf(complete.keySet());
        }
    }

    private interface Steps {
        void take(Progress progress);
    }

    private RestoreOutcome ended(Progress progress, Steps steps) {
        try {
            steps.take(progress);
            return new RestoreOutcome.Restored();
        } catch (StillpointException e) {
            try {
                tools.journal().write(RestoreRecord.Failed.of(reporter.job(), e, progress.names()));
            } catch (StillpointException f) {
                e.addSuppressed(f);
            }
            return new RestoreOutcome.Failed(e, progress.names());
        }
    }

    /// @param wasBegun whether an earlier process may have written to the targets
    private void restore(Chosen chosen, RecoveryPoint point, boolean wasBegun, Progress progress) {
        note(wasBegun ? chosen.targetsMade() : chosen, progress);
        List<RestoreTask> tasks =
                chosen.tasks().stream().filter(task -> !progress.has(task.disk())).toList();
        try (Targets targets = new Targets()) {
            for (RestoreTask task : tasks) {
                targets.add(task, target(task, disk(point, task).image().size(), wasBegun));
            }
            RestoreRecord.TargetsMade made = chosen.targetsMade();
            note(made, progress);
            new RestoreRoom(vault, tools.cancellation())
                    .require(
                            tasks.stream()
                                    .filter(task -> !isDevice(task.file()))
                                    .map(task ->
                                            new RestoreRoom.Wanted(disk(point, task), task.file()))
                                    .toList());
            RestoreRecord.RoomChecked checked = made.roomChecked();
            note(checked, progress);
            Written written = checked.nothingWritten();
            for (WrittenDisk disk : progress.disks()) {
                written = written.and(disk);
            }
            for (RestoreTask task : tasks) {
                written = write(point, task, targets.of(task), written);
                progress.add(written.disks().getLast());
            }
            tools.journal().write(written.finished());
        }
    }

    /// Unless the journal says more already.
    private void note(RestoreRecord record, Progress progress) {
        if (progress.disks().isEmpty()) {
            tools.journal().write(record);
        }
    }

    private Written write(
            RecoveryPoint point, RestoreTask task, RestoreTarget target, Written before) {
        new DiskWriter(vault, reporter, tools.cancellation())
                .write(point, disk(point, task), target, task.file().toString(), Losses.REFUSED);
        target.flush();
        Written written =
                before.and(
                        new WrittenDisk(task.disk(), target.partial().map(RestoreJob::identity)));
        // Before the file has its name: only so can a later process know it for ours.
        tools.journal().write(written);
        target.commit();
        return written;
    }

    private static PointDisk disk(RecoveryPoint point, RestoreTask task) {
        return point.disk(task.disk())
                .orElseThrow(() -> new IllegalArgumentException("no disk " + task.disk()));
    }

    private RestoreTarget target(RestoreTask task, long size, boolean wasBegun) {
        // What is on the device may be what an earlier process of this job has written.
        return wasBegun && task.form() == RestoreTask.Form.RAW && isDevice(task.file())
                ? RestoreTarget.overwriteDevice(task.file(), size)
                : task.target(size, tools.threads());
    }

    private static boolean isDevice(Path file) {
        return Files.exists(file) && !Files.isRegularFile(file) && !Files.isDirectory(file);
    }

    /// Whether a disk that is complete has its name. A device has it always.
    private static boolean isThere(Chosen chosen, WrittenDisk disk) {
        Path file =
                chosen.tasks().stream()
                        .filter(task -> task.disk().equals(disk.name()))
                        .findFirst()
                        .orElseThrow()
                        .file();
        return disk.identity().isEmpty()
                || (Files.exists(file, LinkOption.NOFOLLOW_LINKS)
                        && identity(file).equals(disk.identity().get()));
    }

    /// With the time of its making: the number of a file that is gone is given to the next one.
    private static String identity(Path file) {
        try {
            BasicFileAttributes attributes =
                    Files.readAttributes(
                            file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return attributes.fileKey() + " " + attributes.creationTime();
        } catch (IOException e) {
            throw RestoreRoom.failed(file, e);
        }
    }

    /// Closed together, the last one first.
    private static final class Targets implements AutoCloseable {
        private final Map<RestoreTask, RestoreTarget> targets = new LinkedHashMap<>();

        void add(RestoreTask task, RestoreTarget target) {
            targets.put(task, target);
        }

        RestoreTarget of(RestoreTask task) {
            return Optional.ofNullable(targets.get(task)).orElseThrow();
        }

        @Override
        public void close() {
            Holdings holdings = new Holdings();
            targets.values().forEach(target -> holdings.add(target::close, target::close));
            holdings.releaseOrThrow();
        }
    }
}
