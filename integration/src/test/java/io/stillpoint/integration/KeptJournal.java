package io.stillpoint.integration;

import io.stillpoint.engine.JobJournal;
import io.stillpoint.engine.JobRecord;
import io.stillpoint.hypervisor.KeptSnapshots;
import io.stillpoint.platform.Json;
import io.stillpoint.testkit.fake.CallGate;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// What a database would keep of a job: each record as JSON. Outlives the processes that write it.
final class KeptJournal {
    private final List<byte[]> records = new ArrayList<>();
    private final List<String> states = new ArrayList<>();

    /// The journal as one process has it.
    JobJournal in(CallGate process) {
        return new JobJournal() {
            @Override
            public void write(JobRecord record) {
                process.pass("before " + record.state());
                records.add(Json.bytes(record.json()));
                states.add(record.state());
                process.pass("after " + record.state());
            }

            @Override
            public Optional<JobRecord> last() {
                return KeptJournal.this.last();
            }

            @Override
            public KeptSnapshots kept() {
                return KeptSnapshots.of(last().flatMap(JobRecord::snapshot));
            }

            @Override
            public boolean outlivesProcess() {
                return true;
            }
        };
    }

    Optional<JobRecord> last() {
        return records.isEmpty()
                ? Optional.empty()
                : Optional.of(JobRecord.of(Json.parse(records.getLast())));
    }

    /// The states that were written, in their order.
    List<String> states() {
        return List.copyOf(states);
    }
}
