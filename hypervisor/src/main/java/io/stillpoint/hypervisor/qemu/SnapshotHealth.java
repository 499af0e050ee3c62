package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.platform.block.Extent;
import java.util.Iterator;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/// Whether a held snapshot is known to have failed, and why. Safe for several threads.
final class SnapshotHealth {
    private final AtomicReference<@Nullable HypervisorException> failure = new AtomicReference<>();

    void fail(HypervisorException reason) {
        failure.compareAndSet(null, reason);
    }

    void require() {
        HypervisorException reason = failure.get();
        if (reason != null) {
            throw reason;
        }
    }

    /// The snapshot's failure if it has one, since it explains `symptom`; else the symptom.
    HypervisorException explain(HypervisorException symptom) {
        HypervisorException reason = failure.get();
        return reason == null ? symptom : reason;
    }

    <T extends Extent> Iterator<T> guard(Iterator<T> ranges) {
        return new Iterator<>() {
            @Override
            public boolean hasNext() {
                require();
                try {
                    return ranges.hasNext();
                } catch (HypervisorException e) {
                    throw explain(e);
                }
            }

            @Override
            public T next() {
                require();
                try {
                    return ranges.next();
                } catch (HypervisorException e) {
                    throw explain(e);
                }
            }
        };
    }
}
