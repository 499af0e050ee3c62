package io.stillpoint.vault.store;

import io.stillpoint.platform.Processors;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// One answer of a store, which one thread asks for and others may wait for. Whoever makes one shows it to others, asks the
/// store without holding any lock, and then tells it here. Safe for use by several threads; nobody ever waits in a lock.
///
/// A failure is told to those who wait and is kept for nobody else: who has shown the answer to others takes it away from them
/// before it ends.
public final class SharedAnswer<V> {
    private final CountDownLatch ended = new CountDownLatch(1);
    // Both are written once, before the latch opens.
    private @Nullable V value;
    private @Nullable VaultException failure;

    /// Asks the store, and tells what it said to all who wait. For the thread that made this, once.
    ///
    /// @param settle is called before anybody is told, with the value, or with null if there is none
    public V ask(Supplier<V> question, Settling<V> settle) {
        requireOpen();
        V answered = null;
        try {
            answered = question.get();
            return answered;
        } catch (VaultException e) {
            failure = isOwn(e) ? null : e;
            throw e;
        } finally {
            value = answered;
            try {
                settle.settle(answered);
            } finally {
                ended.countDown();
            }
        }
    }

    /// Whether it concerns the asker alone, who was interrupted or may spend no more: the others ask for themselves.
    private static boolean isOwn(VaultException failure) {
        return Thread.currentThread().isInterrupted()
                || failure.kind() == VaultException.Kind.BUDGET;
    }

    /// What is to be done before anybody is told.
    @FunctionalInterface
    public interface Settling<V> {
        /// @param value null: the store gave none
        void settle(@Nullable V value);
    }

    private void requireOpen() {
        if (ended.getCount() == 0) {
            throw new IllegalStateException("asked twice");
        }
    }

    /// Waits for the answer, and lets others compute meanwhile. Throws what the store failed with, or
    /// [CancelledException][io.stillpoint.platform.CancelledException] if this thread is interrupted. Empty if
    /// the thread that asked gave up for a reason of its own: then the caller must ask.
    public Optional<V> await() {
        Processors.await(ended::await);
        if (failure != null) {
            throw failure;
        }
        return Optional.ofNullable(value);
    }
}
