package io.stillpoint.hypervisor.nbd;

import io.stillpoint.platform.Processors;
import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockSource;
import io.stillpoint.platform.block.Extent;
import java.net.SocketAddress;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/// An NBD export that is read. Reads go straight into the caller's array; up to as many threads as there are
/// connections read at once.
public final class NbdSource implements BlockSource {
    private final NbdClient client;

    private NbdSource(NbdClient client) {
        this.client = client;
    }

    /// Connects. Errors and threads are those of [NbdClient].
    public static NbdSource open(
            SocketAddress address, String exportName, int connections, Threads threads) {
        return new NbdSource(
                NbdClient.connect(
                        address,
                        exportName,
                        Optional.of(NbdClient.ALLOCATION),
                        connections,
                        threads));
    }

    @Override
    public long size() {
        return client.size();
    }

    /// All that the server does not flag as reading zeros; all of the disk if the server can't tell.
    @Override
    public Iterator<Extent> dataExtents() {
        if (client.hasContext()) {
            return client.extents(flags -> (flags & NbdClient.FLAG_ZERO) == 0);
        }
        return (size() == 0 ? List.<Extent>of() : List.of(new Extent(0, size()))).iterator();
    }

    @Override
    public void read(long offset, byte[] into, int at, int length) {
        Processors.aside(() -> client.read(offset, into, at, length));
    }

    @Override
    public void close() {
        client.close();
    }
}
