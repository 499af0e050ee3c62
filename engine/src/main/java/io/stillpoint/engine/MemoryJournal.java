package io.stillpoint.engine;

import io.stillpoint.hypervisor.KeptSnapshots;
import java.util.Optional;

/// A journal that ends with its process.
public final class MemoryJournal implements JobJournal {
    private volatile Optional<JobRecord> last = Optional.empty();

    @Override
    public void write(JobRecord record) {
        last = Optional.of(record);
    }

    @Override
    public Optional<JobRecord> last() {
        return last;
    }

    @Override
    public KeptSnapshots kept() {
        return KeptSnapshots.NONE;
    }

    @Override
    public boolean outlivesProcess() {
        return false;
    }
}
