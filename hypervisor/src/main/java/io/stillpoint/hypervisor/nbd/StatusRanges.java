package io.stillpoint.hypervisor.nbd;

import io.stillpoint.platform.block.Extent;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// Iterates over a context's ranges, one window at a time.
final class StatusRanges implements Iterator<Extent> {
    /// Below the 2^32 of the protocol; QEMU answers up to 2^17 extents at once.
    private static final int WINDOW_BYTES = 1 << 30;

    private final NbdClient client;
    private final long size;
    private final IntPredicate wanted;
    private final StatusReply reply = new StatusReply();
    private int index;
    private long position;
    private @Nullable Extent next;
    private boolean started;

    StatusRanges(NbdClient client, long size, IntPredicate wanted) {
        this.client = client;
        this.size = size;
        this.wanted = wanted;
    }

    @Override
    public boolean hasNext() {
        if (!started) {
            started = true;
            next = find();
        }
        return next != null;
    }

    @Override
    public Extent next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Extent found = Objects.requireNonNull(next);
        next = find();
        return found;
    }

    /// The next maximal range.
    private @Nullable Extent find() {
        long start = -1;
        while (position < size) {
            if (index == reply.count()) {
                int window = (int) Math.min(WINDOW_BYTES, size - position);
                client.status(position, window, reply);
                index = 0;
            }
            boolean isWanted = wanted.test(reply.flags(index));
            if (!isWanted && start >= 0) {
                break;
            }
            if (isWanted && start < 0) {
                start = position;
            }
            // The last extent of a reply may reach beyond the request, even beyond the disk.
            position += Math.min(reply.length(index), size - position);
            index++;
        }
        return start < 0 ? null : new Extent(start, position - start);
    }
}
