package io.stillpoint.service.job;

import io.stillpoint.engine.JobJournal;
import io.stillpoint.engine.JobRecord;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.hypervisor.SnapshotName;
import io.stillpoint.platform.Json;
import io.stillpoint.service.database.DatabaseException;
import io.stillpoint.service.database.Job;
import io.stillpoint.service.database.Jobs;
import java.time.Duration;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/// A job's journal in the database. While that is away, or takes nothing since its disk is full, a record waits for it, since
/// the job must not go on without: what the job holds waits, too.
final class DatabaseJournal implements JobJournal {
    /// A snapshot that waits for longer is worth little.
    private static final Duration AWAY_MAX = Duration.ofHours(6);

    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final Jobs jobs;
    private final String host;
    private final String job;
    private final Supplier<Set<SnapshotName>> local;
    private volatile Optional<JobRecord> last;

    /// @param local the names of the host's local snapshots
    DatabaseJournal(Jobs jobs, Job job, Supplier<Set<SnapshotName>> local) {
        this.jobs = jobs;
        this.host = job.vm().host();
        this.job = job.id();
        this.local = local;
        last = job.course().record().map(text -> JobRecord.of(Json.parse(text)));
    }

    @Override
    public void write(JobRecord record) {
        Optional<String> snapshot = record.snapshot().map(SnapshotName::toString);
        long deadline = System.nanoTime() + AWAY_MAX.toNanos();
        while (true) {
            try {
                jobs.record(job, record.json().toString(), snapshot);
                last = Optional.of(record);
                return;
            } catch (DatabaseException e) {
                if (System.nanoTime() > deadline) {
                    throw e;
                }
                // Also if this thread is interrupted: whoever wants the job to end asks it.
                LockSupport.parkNanos(PAUSE.toNanos());
            }
        }
    }

    @Override
    public Optional<JobRecord> last() {
        return last;
    }

    @Override
    public KeptSnapshots kept() {
        Set<SnapshotName> names = new HashSet<>(local.get());
        jobs.snapshots(host).forEach(name -> names.add(SnapshotName.parse(name)));
        return new KeptSnapshots(names);
    }

    @Override
    public boolean outlivesProcess() {
        return true;
    }
}
