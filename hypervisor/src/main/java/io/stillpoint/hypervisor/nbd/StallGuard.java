package io.stillpoint.hypervisor.nbd;

import io.stillpoint.platform.Threads;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/// Ends connections whose server has stopped to answer: a blocking channel has no timeout of its own.
final class StallGuard {
    private final long stallNanos;
    private final Set<NbdConnection> watched = ConcurrentHashMap.newKeySet();
    private final Thread thread;
    private final Map<NbdChannel, Long> handshakes = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /// Its thread runs from now until [#close].
    ///
    /// @param stallMax how long an answer may take
    StallGuard(Duration stallMax, Threads threads) {
        this.stallNanos = stallMax.toNanos();
        thread = threads.waiting("nbd-stall-guard", this::run);
        thread.start();
    }

    /// A handshake begins.
    void connecting(NbdChannel channel) {
        handshakes.put(channel, System.nanoTime());
    }

    /// It ended, well or not.
    void connected(NbdChannel channel) {
        handshakes.remove(channel);
    }

    void watch(NbdConnection connection) {
        watched.add(connection);
    }

    void unwatch(NbdConnection connection) {
        watched.remove(connection);
    }

    void close() {
        closed = true;
        thread.interrupt();
    }

    private void run() {
        long pauseMillis = Math.clamp(stallNanos / 8_000_000, 1, 5_000);
        while (!closed) {
            try {
                Thread.sleep(pauseMillis);
            } catch (InterruptedException e) {
                return;
            }
            long now = System.nanoTime();
            handshakes.forEach((channel, started) -> {
                if (now - started > stallNanos) {
                    channel.close();
                }
            });
            for (NbdConnection connection : watched) {
                long started = connection.requestStartedNanos();
                if (started != 0 && now - started > stallNanos) {
                    connection.abort();
                }
            }
        }
    }
}
