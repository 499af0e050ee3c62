package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.nbd.NbdSource;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.util.Iterator;

/// A disk of a held snapshot whose reads fail at once, and with the true reason, when the snapshot was given
/// up.
final class GuardedSource implements BlockSource {
    private final BlockSource source;
    private final SnapshotHealth health;

    GuardedSource(NbdSource source, SnapshotHealth health) {
        this.source = source;
        this.health = health;
    }

    @Override
    public long size() {
        return source.size();
    }

    @Override
    public Iterator<Extent> dataExtents() {
        return health.guard(source.dataExtents());
    }

    @Override
    public void read(long offset, byte[] into, int at, int length) {
        health.require();
        try {
            source.read(offset, into, at, length);
        } catch (HypervisorException e) {
            throw health.explain(e);
        }
        health.require();
    }

    @Override
    public void close() {
        source.close();
    }
}
