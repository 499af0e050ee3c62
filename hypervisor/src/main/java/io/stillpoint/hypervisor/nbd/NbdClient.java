package io.stillpoint.hypervisor.nbd;

import io.stillpoint.platform.Threads;
import io.stillpoint.platform.block.Extent;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// A client of one NBD export: a small pool of connections, each with one request in flight, so that as many
/// threads as there are connections work at once and the others wait. Throws
/// [HypervisorException][io.stillpoint.hypervisor.HypervisorException] of kind UNREACHABLE when the server
/// went away or took longer than [#STALL_MAX] for one request, REFUSED when it answered with an error, PROTOCOL
/// when it lied.
public final class NbdClient implements AutoCloseable {
    /// The context that tells holes and zeros ("base:allocation metadata context").
    public static final String ALLOCATION = "base:allocation";

    /// Connections when the caller has no opinion. QEMU's main loop is the limit with more.
    public static final int DEFAULT_CONNECTIONS = 4;

    /// After which time a request counts as lost. Slow disks take seconds; a stopped process takes for ever.
    public static final Duration STALL_MAX = Duration.ofMinutes(2);

    /// Flags of `base:allocation`.
    static final int FLAG_ZERO = 1 << 1;

    /// Flag of `qemu:dirty-bitmap:NAME` (docs/interop/nbd.rst of QEMU).
    static final int FLAG_DIRTY = 1;

    private final SocketAddress address;
    private final String exportName;
    private final Optional<String> context;
    private final NbdErrors errors;
    private final Semaphore permits;
    private final ArrayDeque<NbdConnection> idle = new ArrayDeque<>();
    private final Set<NbdConnection> all = new HashSet<>();
    private final NbdExport export;
    private final StallGuard guard;
    private boolean closed;

    private NbdClient(
            SocketAddress address,
            String exportName,
            Optional<String> context,
            int connections,
            StallGuard guard) {
        this.address = address;
        this.exportName = exportName;
        this.context = context;
        this.errors = new NbdErrors(address + ", export " + exportName);
        this.guard = guard;
        NbdConnection first = null;
        try {
            first = open();
        } finally {
            if (first == null) {
                guard.close();
            }
        }
        this.export = first.export();
        // Without this flag a write through one connection may not be seen through another.
        int usable = export.readOnly() || export.multiConnection() ? connections : 1;
        this.permits = new Semaphore(usable);
        all.add(first);
        idle.add(first);
    }

    /// Connects and negotiates.
    ///
    /// @param context a metadata context such as [#ALLOCATION] or `qemu:dirty-bitmap:NAME`
    /// @param connections at least 1
    /// @param threads make the one that ends connections whose server has stopped to answer
    public static NbdClient connect(
            SocketAddress address,
            String exportName,
            Optional<String> context,
            int connections,
            Threads threads) {
        return connect(
                address, exportName, context, connections, new StallGuard(STALL_MAX, threads));
    }

    /// @param guard of this client alone, closed with it, and if it does not connect
    static NbdClient connect(
            SocketAddress address,
            String exportName,
            Optional<String> context,
            int connections,
            StallGuard guard) {
        return new NbdClient(address, exportName, context, connections, guard);
    }

    /// The export's size in bytes.
    public long size() {
        return export.size();
    }

    /// Whether the server has the metadata context that was asked for.
    public boolean hasContext() {
        return export.contextId().isPresent();
    }

    /// Reads exactly `length` bytes. Longer reads than the server takes at once are split.
    public void read(long offset, byte[] into, int at, int length) {
        Objects.checkFromIndexSize(at, length, into.length);
        Objects.checkFromIndexSize(offset, length, export.size());
        NbdConnection connection = borrow();
        try {
            if (((offset | length) & (export.blockMin() - 1)) != 0) {
                readUnaligned(connection, offset, into, at, length);
            } else {
                readAligned(connection, offset, into, at, length);
            }
        } finally {
            giveBack(connection);
        }
    }

    /// Writes exactly `length` bytes. Offset and length must suit the server's minimum block size.
    public void write(long offset, byte[] from, int at, int length) {
        Objects.checkFromIndexSize(at, length, from.length);
        Objects.checkFromIndexSize(offset, length, export.size());
        if (((offset | length) & (export.blockMin() - 1)) != 0) {
            throw new IllegalArgumentException(
                    "write of "
                            + length
                            + " at "
                            + offset
                            + " with blocks of "
                            + export.blockMin());
        }
        NbdConnection connection = borrow();
        try {
            int done = 0;
            while (done < length) {
                int step = Math.min(length - done, export.blockMax());
                connection.write(offset + done, from, at + done, step);
                done += step;
            }
        } finally {
            giveBack(connection);
        }
    }

    /// Makes every write that was answered before durable, through whichever connection it came.
    public void flush() {
        if (!export.canFlush()) {
            return;
        }
        NbdConnection connection = borrow();
        try {
            connection.flush();
        } finally {
            giveBack(connection);
        }
    }

    /// The ranges whose flags in the client's context satisfy `wanted`, ascending and merged. Fetched while
    /// iterated.
    public Iterator<Extent> extents(IntPredicate wanted) {
        if (!hasContext()) {
            throw errors.protocol("metadata context", context.orElse("one"), "none");
        }
        return new StatusRanges(this, export.size(), wanted);
    }

    /// The ranges that `qemu:dirty-bitmap` flags as dirty; the client must have such a context.
    public Iterator<Extent> dirtyExtents() {
        return extents(flags -> (flags & FLAG_DIRTY) != 0);
    }

    /// Whether `qemu:dirty-bitmap` flags this byte as dirty; the client must have such a context.
    public boolean isDirty(long offset) {
        Objects.checkIndex(offset, export.size());
        if (!hasContext()) {
            throw errors.protocol("metadata context", context.orElse("one"), "none");
        }
        StatusReply reply = new StatusReply();
        // Requests keep to the server's block size; the answer may begin with a part that is asked
        // for because of it.
        long start = offset & -(long) export.blockMin();
        status(start, (int) Math.min(export.blockMin(), export.size() - start), reply);
        return reply.count() > 0 && (reply.flags(0) & FLAG_DIRTY) != 0;
    }

    void status(long offset, int length, StatusReply reply) {
        NbdConnection connection = borrow();
        try {
            connection.status(offset, length, reply);
        } finally {
            giveBack(connection);
        }
    }

    @Override
    public void close() {
        synchronized (all) {
            if (closed) {
                return;
            }
            closed = true;
            idle.forEach(NbdConnection::disconnect);
            all.removeAll(idle);
            // Threads that still read fail now, not after the server's next answer.
            all.forEach(NbdConnection::abort);
            all.clear();
            idle.clear();
        }
        guard.close();
    }

    private void readAligned(NbdConnection from, long offset, byte[] into, int at, int length) {
        int done = 0;
        while (done < length) {
            int step = Math.min(length - done, export.blockMax());
            from.read(offset + done, into, at + done, step);
            done += step;
        }
    }

    /// Widens the request to whole blocks. Rare: our chunks are larger than any server's blocks, only a
    /// disk's end may not fit.
    private void readUnaligned(NbdConnection from, long offset, byte[] into, int at, int length) {
        int mask = export.blockMin() - 1;
        int before = (int) (offset & mask);
        long end = Math.min((offset + length + mask) & ~(long) mask, export.size());
        byte[] blocks = new byte[Math.toIntExact(end - (offset - before))];
        readAligned(from, offset - before, blocks, 0, blocks.length);
        System.arraycopy(blocks, before, into, at, length);
    }

    private NbdConnection open() {
        return NbdConnection.open(address, exportName, context, errors, guard);
    }

    private NbdConnection borrow() {
        permits.acquireUninterruptibly();
        boolean done = false;
        try {
            NbdConnection connection = idleOrNull();
            if (connection == null) {
                connection = open();
                requireSameExport(connection);
                register(connection);
            }
            guard.watch(connection);
            done = true;
            return connection;
        } finally {
            if (!done) {
                permits.release();
            }
        }
    }

    private @Nullable NbdConnection idleOrNull() {
        synchronized (all) {
            requireOpen();
            return idle.pollLast();
        }
    }

    private void register(NbdConnection connection) {
        synchronized (all) {
            if (!closed) {
                all.add(connection);
                return;
            }
        }
        connection.disconnect();
        throw closedByUs();
    }

    private void giveBack(NbdConnection connection) {
        guard.unwatch(connection);
        synchronized (all) {
            if (connection.isUsable() && !closed) {
                idle.add(connection);
            } else {
                all.remove(connection);
                connection.abort();
            }
        }
        permits.release();
    }

    private void requireOpen() {
        if (closed) {
            throw closedByUs();
        }
    }

    private IllegalStateException closedByUs() {
        return new IllegalStateException("closed: " + errors.where());
    }

    /// A restarted server may have another disk under the same name.
    private void requireSameExport(NbdConnection connection) {
        NbdExport found = connection.export();
        if (found.size() != export.size()
                || found.structuredReplies() != export.structuredReplies()
                || !found.contextId().equals(export.contextId())) {
            connection.disconnect();
            throw errors.protocol(
                    "export of a further connection", export.toString(), found.toString());
        }
    }
}
