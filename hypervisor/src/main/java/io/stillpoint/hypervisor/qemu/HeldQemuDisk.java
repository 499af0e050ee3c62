package io.stillpoint.hypervisor.qemu;

import io.stillpoint.hypervisor.ChangedBlocks;
import io.stillpoint.hypervisor.HeldDisk;
import io.stillpoint.hypervisor.HypervisorException;
import io.stillpoint.hypervisor.HypervisorException.Kind;
import io.stillpoint.hypervisor.nbd.NbdClient;
import io.stillpoint.hypervisor.nbd.NbdSource;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.net.SocketAddress;
import java.util.Iterator;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// One disk of a [HeldQemuSnapshot], read through the export of its fleece.
final class HeldQemuDisk implements HeldDisk {
    private final PlannedDisk planned;
    private final SocketAddress server;
    private final String export;
    private final String probe;
    private final String bitmap;
    private final SnapshotHealth health;
    private final Threads threads;
    private @Nullable NbdClient dirty;

    HeldQemuDisk(
            PlannedDisk planned,
            SocketAddress server,
            JobNames names,
            SnapshotHealth health,
            Threads threads) {
        this.planned = planned;
        this.server = server;
        this.export = names.name(JobNames.Role.EXPORT, planned.index());
        this.probe = names.name(JobNames.Role.PROBE, planned.index());
        this.bitmap = names.merged();
        this.health = health;
        this.threads = threads;
    }

    @Override
    public String name() {
        return planned.disk().name();
    }

    @Override
    public long size() {
        return planned.disk().size();
    }

    @Override
    public String format() {
        return planned.disk().format();
    }

    @Override
    public ChangedBlocks changes() {
        if (planned.unknown().isPresent()) {
            return new ChangedBlocks.Unknown(planned.unknown().get());
        }
        return lastIsMarked()
                ? new ChangedBlocks.Known(this::changedRanges)
                : new ChangedBlocks.Unknown(ChangedBlocks.Reason.TAMPERED);
    }

    /// Whether the bit is there with which the record began: see [ScratchImages]. The last granule counts as changed
    /// at all times, since a disk may have been shorter by less than that.
    private boolean lastIsMarked() {
        health.require();
        try {
            return dirtyClient().isDirty(size() - 1);
        } catch (HypervisorException e) {
            throw health.explain(e);
        }
    }

    @Override
    public Optional<String> generation() {
        return planned.records() ? Optional.of(planned.generation()) : Optional.empty();
    }

    @Override
    public BlockSource open() {
        health.require();
        if (!planned.isHeld()) {
            return new EmptySource();
        }
        try {
            NbdSource source =
                    NbdSource.open(server, export, NbdClient.DEFAULT_CONNECTIONS, threads);
            if (source.size() != size()) {
                source.close();
                throw new HypervisorException(
                        HypervisorException.Kind.PROTOCOL,
                        "snapshot.export-size",
                        null,
                        server,
                        name(),
                        Long.toString(source.size()),
                        Long.toString(size()));
            }
            return new GuardedSource(source, health);
        } catch (HypervisorException e) {
            throw health.explain(e);
        }
    }

    /// Reads one byte through the filter's own view. It answers while the filter has copied every block that
    /// was overwritten, and refuses from the first that it has not. (What it answers is not used: before QEMU
    /// 8.0 it may be live data.)
    void proveValid(Object socket) {
        health.require();
        if (!planned.isHeld()) {
            return;
        }
        try (NbdClient client = NbdClient.connect(server, probe, Optional.empty(), 1, threads)) {
            client.read(0, new byte[1], 0, 1);
        } catch (HypervisorException e) {
            HypervisorException reason = health.explain(e);
            if (reason == e && e.kind() == Kind.REFUSED) {
                reason =
                        new HypervisorException(
                                Kind.SNAPSHOT_BROKEN, "snapshot.broken", e, socket, name(), e);
                health.fail(reason);
            }
            throw reason;
        }
        health.require();
    }

    synchronized void close() {
        if (dirty != null) {
            dirty.close();
            dirty = null;
        }
    }

    private Iterator<Extent> changedRanges() {
        health.require();
        try {
            return health.guard(dirtyClient().dirtyExtents());
        } catch (HypervisorException e) {
            throw health.explain(e);
        }
    }

    private synchronized NbdClient dirtyClient() {
        NbdClient client = dirty;
        if (client == null) {
            client =
                    NbdClient.connect(
                            server, export, Optional.of("qemu:dirty-bitmap:" + bitmap), 1, threads);
            dirty = client;
        }
        return client;
    }
}
