package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.natives.SparseFile;
import io.stillpoint.platform.text.Text;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/// Goes over the VMs that backups used and removes what jobs left that were killed: snapshots that fill scratch space,
/// and scratch files of QEMU processes that are gone. Leaves alone where a job runs.
public final class QemuSweeper {
    /// A job makes a scratch file and hands it to QEMU in milliseconds. Until QEMU has opened it, nobody holds it.
    private static final Duration UNOPENED_MAX = Duration.ofMinutes(1);

    /// The bytes on which QEMU holds locks of an image that it has open (`RAW_LOCK_PERM_BASE` of its block/file-posix.c),
    /// one for each permission.
    private static final long LOCK_FIRST = 100;

    private static final int LOCKS = 8;

    private final InstantSource clock;
    private final KeptSnapshots kept;
    private final Threads threads;

    /// Keeps nothing.
    public QemuSweeper(InstantSource clock, Threads threads) {
        this(clock, KeptSnapshots.NONE, threads);
    }

    /// @param kept what some journal names, to be left alone with its files
    /// @param threads of the VMs that are swept
    public QemuSweeper(InstantSource clock, KeptSnapshots kept, Threads threads) {
        this.clock = clock;
        this.kept = kept;
        this.threads = threads;
    }

    /// What became of one place.
    ///
    /// @param place a monitor's socket or a scratch folder
    /// @param removed the names of what was removed
    /// @param detail why nothing could be done, or nothing
    public record Result(
            Outcome outcome, String vm, Path place, List<String> removed, Text detail) {
        public Result {
            removed = List.copyOf(removed);
        }
    }

    /// How the sweep of a place ended. The names, in small letters, stand in JSON.
    public enum Outcome {
        /// Nothing of an ended job is there any more.
        SWEPT,
        /// A job is at work there.
        BUSY,
        /// No QEMU answers there: only its files were removed.
        GONE,
        /// Something is left.
        FAILED
    }

    /// Sweeps one VM.
    public Result sweep(KnownMonitors.Known known) {
        if (!Files.exists(known.socket())) {
            return gone(known);
        }
        try (QemuVm vm = QemuVm.open(known.socket(), QemuSettings.usual(threads), Duration.ZERO)) {
            List<String> removed = vm.sweep(known.scratch(), kept);
            return result(Outcome.SWEPT, known, removed, Text.EMPTY);
        } catch (HypervisorException e) {
            if (e.code().equals("qmp.no-monitor")) {
                return gone(known);
            }
            Outcome outcome = e.code().equals("vm.locked") ? Outcome.BUSY : Outcome.FAILED;
            return result(outcome, known, List.of(), e.text());
        }
    }

    /// Removes scratch files in a folder that no process has open, whatever VM they were made for.
    public Result sweepFolder(Path scratch) {
        List<String> removed = new ArrayList<>();
        var found = ScratchFolder.find(scratch);
        if (found.isEmpty()) {
            return new Result(Outcome.SWEPT, "", scratch, removed, Text.EMPTY);
        }
        try (ScratchFolder folder = found.get()) {
            removeOrphans(folder, removed);
            return new Result(Outcome.SWEPT, "", folder.path(), removed, Text.EMPTY);
        } catch (IOException e) {
            return new Result(Outcome.FAILED, "", scratch, removed, Reason.of(e));
        }
    }

    private Result gone(KnownMonitors.Known known) {
        Result files = sweepFolder(known.scratch());
        return result(
                files.outcome() == Outcome.FAILED ? Outcome.FAILED : Outcome.GONE,
                known,
                files.removed(),
                files.detail());
    }

    private void removeOrphans(ScratchFolder folder, List<String> removed) throws IOException {
        for (String name : folder.names("sp-*.qcow2")) {
            boolean isEnded = VmPaths.jobOfAny(name).filter(job -> !job.isAmong(kept)).isPresent();
            if (isEnded && isOrphan(folder.at(name))) {
                folder.remove(name);
                removed.add("file " + folder.shown(name));
            }
        }
    }

    private boolean isOrphan(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        Instant written = Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toInstant();
        if (written.isAfter(clock.instant().minus(UNOPENED_MAX))) {
            return false;
        }
        try (SparseFile open = SparseFile.open(file)) {
            for (int i = 0; i < LOCKS; i++) {
                if (open.isLocked(LOCK_FIRST + i)) {
                    return false;
                }
            }
        }
        return true;
    }

    private static Result result(
            Outcome outcome, KnownMonitors.Known known, List<String> removed, Text detail) {
        return new Result(outcome, known.vm(), known.socket(), removed, detail);
    }
}
