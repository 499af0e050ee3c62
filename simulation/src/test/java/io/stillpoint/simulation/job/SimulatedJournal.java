package io.stillpoint.simulation.job;

import io.stillpoint.engine.JobJournal;
import io.stillpoint.engine.JobRecord;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.platform.Json;
import io.stillpoint.testkit.fake.CallGate;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// The journal of one job, as text, which lasts whatever happens. A process may end before a record is written, and after.
final class SimulatedJournal {
    private @Nullable String text;

    /// The newest record.
    Optional<JobRecord> last() {
        return Optional.ofNullable(text).map(json -> JobRecord.of(Json.parse(json)));
    }

    /// As a process sees it.
    JobJournal as(CallGate gate) {
        return new JobJournal() {
            @Override
            public void write(JobRecord record) {
                gate.pass("journal");
                text = record.json().toString();
                gate.pass("journalled");
            }

            @Override
            public Optional<JobRecord> last() {
                gate.pass("journal-read");
                return SimulatedJournal.this.last();
            }

            @Override
            public KeptSnapshots kept() {
                return KeptSnapshots.of(SimulatedJournal.this.last().flatMap(JobRecord::snapshot));
            }

            @Override
            public boolean outlivesProcess() {
                return true;
            }
        };
    }
}
