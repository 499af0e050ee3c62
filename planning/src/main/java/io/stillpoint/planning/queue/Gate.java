package io.stillpoint.planning.queue;

import io.stillpoint.platform.text.Text;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/// One limit that transfers pass when they begin, and the lanes that stand before it because it is closed.
///
/// While there is room its first lane is sent ahead, and no other until that one went on or was stopped. So a place that
/// becomes free costs a look at one lane, however many of them stand here.
final class Gate {
    /// What is limited.
    enum Kind {
        TOTAL,
        HOST,
        STORE,
        PEAK
    }

    final Kind kind;
    final PriorityQueue<Lane> parked = new PriorityQueue<>(Lane.FIRST);

    /// The lane that this gate sent ahead last, while it is there.
    @Nullable Lane foremost;

    /// The gate will be looked at when its limit changes.
    boolean watched;

    private final String name;
    private final Course limit;
    private long used;

    /// @param name of the host or store; else empty
    Gate(Kind kind, String name, Course limit) {
        this.kind = kind;
        this.name = name;
        this.limit = limit;
    }

    /// A lane of this gate is ahead that comes before all that stand here.
    boolean isRepresented() {
        Lane next = parked.peek();
        return foremost != null && next != null && Lane.FIRST.compare(foremost, next) <= 0;
    }

    boolean hasRoom(long time) {
        return used < limit.at(time);
    }

    long nextChange(long time) {
        return limit.nextChange(time);
    }

    /// A peak only opens and closes.
    void enter() {
        if (kind != Kind.PEAK) {
            used++;
        }
    }

    void leave() {
        if (kind != Kind.PEAK) {
            used--;
        }
    }

    /// Why nothing passes now.
    Text reason() {
        boolean shut = limit.at(0) == 0;
        return switch (kind) {
            case TOTAL ->
                    shut
                            ? Text.of(Gate.class, "queue.total-shut")
                            : Text.of(Gate.class, "queue.total-full", used);
            case HOST ->
                    shut
                            ? Text.of(Gate.class, "queue.host-shut", name)
                            : Text.of(Gate.class, "queue.host-full", name, used);
            case STORE ->
                    shut
                            ? Text.of(Gate.class, "queue.store-shut", name)
                            : Text.of(Gate.class, "queue.store-full", name, used);
            case PEAK -> peak(limit.nextChange(0));
        };
    }

    private Text peak(long end) {
        return end == Course.NEVER
                ? Text.of(Gate.class, "queue.peak-always")
                : Text.of(Gate.class, "queue.peak", limit.instant(end));
    }
}
