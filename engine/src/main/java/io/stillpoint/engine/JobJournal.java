package io.stillpoint.engine;

import io.stillpoint.hypervisor.KeptSnapshots;
import java.util.Optional;

/// Where one job writes down how far it is, so that another process can go on (`docs/job.md`, "Jobs that survive"). The
/// last record alone tells all that the later steps need; older ones may be forgotten.
///
/// Written by one process at a time, from one thread.
public interface JobJournal {
    /// Writes a record, which lasts when this returns, as long as the journal does. Throws a
    /// [io.stillpoint.platform.StillpointException] if that can't be said; the record may last all the same.
    void write(JobRecord record);

    /// The newest record that lasts; empty if the job has not begun.
    Optional<JobRecord> last();

    /// The snapshots that this journal and others for the same host name ([JobRecord#snapshot]): what a sweep leaves alone.
    /// None, if the journals end with their process.
    KeptSnapshots kept();

    /// Whether another process can read the journal once this one has ended. If not, what the job holds must end with it.
    boolean outlivesProcess();
}
