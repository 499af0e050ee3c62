package io.stillpoint.stores.request;

import io.stillpoint.platform.CancelledException;
import io.stillpoint.platform.Threads;
import io.stillpoint.vault.store.ObjectStore.Upload;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Semaphore;

/// An upload whose small objects take one request, and large ones go in parts while the writer goes on. Memory: one
/// buffer of a part's size for each upload, and one for each part on its way, which `slots` bounds for the whole store.
public abstract class PartedUpload implements Upload {
    private static final int BUFFER_MIN = 64 << 10;

    private final int partSize;
    private final Semaphore slots;
    private final Threads threads;
    private final List<CompletableFuture<Void>> parts = new ArrayList<>();
    private byte[] buffer = new byte[0];
    private int used;
    private boolean isCommitted;

    /// @param slots shared by the uploads of a store: as many parts are on their way at once
    /// @param threads make those that send parts
    protected PartedUpload(int partSize, Semaphore slots, Threads threads) {
        this.partSize = partSize;
        this.slots = slots;
        this.threads = threads;
    }

    /// Stores the object in one request.
    protected abstract void putWhole(byte[] bytes, int length);

    /// Called once before the first part.
    protected abstract void begin();

    /// Sends a part; called by several threads at once.
    ///
    /// @param number from 1 on
    protected abstract void putPart(int number, byte[] bytes, int length);

    /// Makes an object of the parts.
    protected abstract void complete(int count);

    /// Drops the parts that were sent. Called after [#begin] only, when no part is on its way any more.
    protected abstract void abort();

    @Override
    public final void write(byte[] from, int at, int length) {
        for (int done = 0; done < length; ) {
            if (used == partSize) {
                sendPart();
            }
            int count = Math.min(length - done, partSize - used);
            reserve(used + count);
            System.arraycopy(from, at + done, buffer, used, count);
            used += count;
            done += count;
        }
    }

    private void reserve(int capacity) {
        if (buffer.length < capacity) {
            // Small objects stay small; whole parts are not grown into step by step.
            int grown = capacity > partSize / 4 ? partSize : Math.max(capacity * 2, BUFFER_MIN);
            buffer = Arrays.copyOf(buffer, Math.min(grown, partSize));
        }
    }

    /// The buffer becomes a part that another thread sends; a new buffer takes its place.
    private void sendPart() {
        throwFailure();
        if (parts.isEmpty()) {
            begin();
        }
        byte[] bytes = buffer;
        int length = used;
        int number = parts.size() + 1;
        try {
            slots.acquire();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new CancelledException();
        }
        CompletableFuture<Void> part = new CompletableFuture<>();
        parts.add(part);
        buffer = new byte[0];
        used = 0;
        threads.waiting("part-" + number, () -> put(part, number, bytes, length)).start();
    }

    private void put(CompletableFuture<Void> part, int number, byte[] bytes, int length) {
        try {
            putPart(number, bytes, length);
            part.complete(null);
        } catch (RuntimeException | Error e) {
            part.completeExceptionally(e);
        } finally {
            slots.release();
        }
    }

    @Override
    public final void commit() {
        if (parts.isEmpty()) {
            putWhole(buffer, used);
        } else {
            sendPart();
            parts.forEach(PartedUpload::join);
            complete(parts.size());
        }
        isCommitted = true;
    }

    private void throwFailure() {
        parts.stream().filter(CompletableFuture::isDone).forEach(PartedUpload::join);
    }

    private static void join(CompletableFuture<Void> part) {
        try {
            part.join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof RuntimeException cause) {
                throw cause;
            }
            throw e;
        }
    }

    @Override
    public final void close() {
        if (isCommitted || parts.isEmpty()) {
            return;
        }
        // A part that arrives after the rest was dropped would stay for ever.
        parts.forEach(part -> part.handle((_, _) -> true).join());
        abort();
        parts.clear();
    }
}
