package io.stillpoint.platform;

import io.stillpoint.platform.text.Text;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Tells a person what a process waits for: from the second second on, and again after ever longer times. Whoever may
/// have to wait for something outside wraps the wait:
///
/// ```
/// try (Waiting waiting = Waiting.until(() -> Text.of(Store.class, "store.awaiting-answer"))) { ... }
/// ```
///
/// One listener for the whole process, since the places that wait know nobody who could tell a person. Without a
/// listener nothing is told and nothing is started. Safe for many threads.
public final class Waiting implements AutoCloseable {
    /// A wait of this length is worth a word.
    public static final Duration FIRST = Duration.ofSeconds(2);

    private static final Duration LONGEST = Duration.ofMinutes(1);
    private static final int GROWTH = 4;

    private static final Waiting NOTHING = new Waiting(() -> Text.EMPTY, text -> {});

    private static volatile @Nullable Listening listening;

    private final Supplier<Text> text;
    private final Consumer<Text> told;
    private boolean closed;

    /// @param threads make the one that tells
    private record Listening(Consumer<Text> listener, Threads threads) {}

    private Waiting(Supplier<Text> text, Consumer<Text> told) {
        this.text = text;
        this.told = told;
    }

    /// From now on waits of this process are told to `listener`, each on a thread of its own; null: to nobody.
    public static void listen(@Nullable Consumer<Text> listener, Threads threads) {
        listening = listener == null ? null : new Listening(listener, threads);
    }

    /// A wait begins. Closing ends it.
    ///
    /// @param text what is waited for, asked each time that it is told; nothing is told if it is empty
    public static Waiting until(Supplier<Text> text) {
        Listening told = listening;
        if (told == null) {
            return NOTHING;
        }
        Waiting waiting = new Waiting(text, told.listener);
        told.threads.waiting("waiting", waiting::tell).start();
        return waiting;
    }

    @Override
    public synchronized void close() {
        closed = true;
        notifyAll();
    }

    private void tell() {
        try {
            for (Duration wait = FIRST; isStill(wait); wait = longer(wait)) {
                Text waitedFor = text.get();
                if (!waitedFor.isEmpty()) {
                    told.accept(waitedFor);
                }
            }
        } catch (InterruptedException e) {
            // Nobody knows this thread.
            Thread.currentThread().interrupt();
        }
    }

    private static Duration longer(Duration wait) {
        Duration longer = wait.multipliedBy(GROWTH);
        return longer.compareTo(LONGEST) < 0 ? longer : LONGEST;
    }

    /// Whether the wait still goes on after so long.
    private synchronized boolean isStill(Duration time) throws InterruptedException {
        long end = System.nanoTime() + time.toNanos();
        for (long left = time.toNanos(); !closed && left > 0; left = end - System.nanoTime()) {
            TimeUnit.NANOSECONDS.timedWait(this, left);
        }
        return !closed;
    }
}
