package io.stillpoint.engine;

import io.stillpoint.engine.PrepareStep.Prepared;
import io.stillpoint.guest.quiesce.Quiescence;
import io.stillpoint.guest.quiesce.Quiescer;
import io.stillpoint.hypervisor.PreparedSnapshot;
import java.time.InstantSource;
import java.util.Optional;

/// One snapshot of a guest, taken in one way. Closing drops it, unless it was kept.
final class Attempt implements AutoCloseable {
    private final Prepared prepared;
    private final InstantSource clock;
    private Optional<TakenSnapshot> taken = Optional.empty();
    private boolean isKept;

    Attempt(Prepared prepared, InstantSource clock) {
        this.prepared = prepared;
        this.clock = clock;
    }

    /// Brings the guest to rest, takes the snapshot if it came to rest, and ends the rest, whatever happens in between.
    Quiescence run(Quiescer quiescer) {
        Quiescence came;
        try {
            if (quiescer.begin()) {
                taken();
            }
        } finally {
            came = quiescer.end(taken.isPresent());
        }
        return came;
    }

    /// The snapshot. Where the guest never came to rest, it is taken now.
    TakenSnapshot taken() {
        if (taken.isEmpty()) {
            taken =
                    Optional.of(
                            new TakenSnapshot(
                                    prepared.record(),
                                    prepared.snapshot().take(),
                                    clock.instant()));
        }
        return taken.get();
    }

    /// The snapshot, for the caller to release.
    TakenSnapshot keep() {
        TakenSnapshot snapshot = taken();
        isKept = true;
        return snapshot;
    }

    @Override
    public void close() {
        if (isKept) {
            return;
        }
        try (PreparedSnapshot _ = prepared.snapshot()) {
            taken.ifPresent(each -> each.snapshot().close());
        }
    }
}
