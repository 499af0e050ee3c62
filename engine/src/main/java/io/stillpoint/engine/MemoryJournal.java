package io.stillpoint.engine;

import io.stillpoint.hypervisor.KeptSnapshots;
import java.util.Optional;

/// A journal that ends with its process.
public final class MemoryJournal implements JobJournal {
    private final KeptSnapshots kept;
    private volatile Optional<JobRecord> last = Optional.empty();

    /// Of a job beside which nothing else is.
    public MemoryJournal() {
        this(KeptSnapshots.NONE);
    }

    /// @param kept what other journals on this host name
    public MemoryJournal(KeptSnapshots kept) {
        this.kept = kept;
    }

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
        return kept;
    }

    @Override
    public boolean outlivesProcess() {
        return false;
    }
}
