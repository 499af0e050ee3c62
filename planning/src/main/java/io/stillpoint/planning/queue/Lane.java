package io.stillpoint.planning.queue;

import java.util.Comparator;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/// Transfers of one route and one peak: whatever stops the first of them stops them all.
final class Lane {
    /// By the turn of the first transfer.
    static final Comparator<Lane> FIRST =
            (a, b) -> Waiting.TURN.compare(a.queue.element(), b.queue.element());

    final PriorityQueue<Waiting> queue = new PriorityQueue<>(Waiting.TURN);

    /// In the order in which they are looked at.
    final Gate[] gates;

    /// Which sent it ahead; null if none did.
    @Nullable Gate sender;

    /// Before which it stands; null if it is ahead.
    @Nullable Gate before;

    Lane(Gate... gates) {
        this.gates = gates;
    }

    @Nullable Gate closed(long time) {
        for (Gate gate : gates) {
            if (!gate.hasRoom(time)) {
                return gate;
            }
        }
        return null;
    }
}
