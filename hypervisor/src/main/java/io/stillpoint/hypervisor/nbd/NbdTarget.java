package io.stillpoint.hypervisor.nbd;

import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.BlockTarget;
import java.net.SocketAddress;
import java.util.Optional;

/// An NBD export that is written. Several threads write at once if the server allows several connections.
public final class NbdTarget implements BlockTarget {
    private final NbdClient client;

    private NbdTarget(NbdClient client) {
        this.client = client;
    }

    /// Connects. Errors and threads are those of [NbdClient].
    public static NbdTarget open(
            SocketAddress address, String exportName, int connections, Threads threads) {
        return new NbdTarget(
                NbdClient.connect(address, exportName, Optional.empty(), connections, threads));
    }

    @Override
    public long size() {
        return client.size();
    }

    @Override
    public void write(long offset, byte[] from, int at, int length) {
        client.write(offset, from, at, length);
    }

    @Override
    public void flush() {
        client.flush();
    }

    @Override
    public void close() {
        client.close();
    }
}
