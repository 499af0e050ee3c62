package io.stillpoint.planning.queue;

import java.util.ArrayList;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/// What happens from now on if all goes by the rules and the rates: a simulation of begins and ends, one after the other.
///
/// Each place that becomes free goes to the transfer of the earliest turn among those that nothing else stops. To find it,
/// not all transfers are looked at: they stand in [lanes][Lane], and a lane that is stopped stands before the
/// [gate][Gate] that stopped it until that one has room. Nothing is looked at while the total is full.
final class Outlook {
    private record End(long time, Lane lane) {}

    private record Watch(long time, Gate gate) {}

    private final Gate total;
    private final long horizon;
    private final PriorityQueue<Lane> ahead = new PriorityQueue<>(Lane.FIRST);
    private final PriorityQueue<End> ends =
            new PriorityQueue<>((a, b) -> Long.compare(a.time, b.time));
    private final PriorityQueue<Watch> watches =
            new PriorityQueue<>((a, b) -> Long.compare(a.time, b.time));
    private final List<Waiting> begun = new ArrayList<>();
    private int left;

    Outlook(Gate total, long horizon) {
        this.total = total;
        this.horizon = horizon;
    }

    /// One that runs already.
    void runs(Lane lane, long end) {
        enter(lane, end);
    }

    /// A lane with all its waiting transfers.
    void waits(Lane lane) {
        ahead.add(lane);
        left += lane.queue.size();
    }

    /// What begins now. Afterwards each lane that still waits knows before which gate it stands.
    List<Waiting> now() {
        settle(0);
        return List.copyOf(begun);
    }

    /// All that begins later, within the horizon.
    void later() {
        while (left > 0) {
            long time = Math.min(nextEnd(), nextWatch());
            if (time > horizon) {
                return;
            }
            while (nextEnd() == time) {
                leave(ends.remove().lane(), time);
            }
            while (nextWatch() == time) {
                Gate gate = watches.remove().gate();
                gate.watched = false;
                sendAhead(gate, time);
            }
            settle(time);
        }
    }

    private long nextEnd() {
        End next = ends.peek();
        return next == null ? Course.NEVER : next.time();
    }

    private long nextWatch() {
        Watch next = watches.peek();
        return next == null ? Course.NEVER : next.time();
    }

    /// Begins whatever may begin at this time.
    private void settle(long time) {
        while (!ahead.isEmpty()) {
            if (!total.hasRoom(time)) {
                watch(total, time);
                return;
            }
            Lane lane = ahead.remove();
            Gate sender = lane.sender;
            lane.sender = null;
            Waiting first = lane.queue.remove();
            if (first.stepsBack(time)) {
                lane.queue.add(first);
                giveBack(lane, sender);
            } else {
                pass(lane, first, time);
            }
            if (sender != null) {
                if (sender.foremost == lane) {
                    sender.foremost = null;
                }
                sendAhead(sender, time);
            }
        }
    }

    /// Its first transfer is another one now, so another lane may come before it.
    private void giveBack(Lane lane, @Nullable Gate sender) {
        if (sender == null) {
            ahead.add(lane);
        } else {
            park(lane, sender);
        }
    }

    private void pass(Lane lane, Waiting first, long time) {
        Gate closed = lane.closed(time);
        if (closed != null) {
            lane.queue.add(first);
            park(lane, closed);
            watch(closed, time);
            return;
        }
        first.begin(time);
        begun.add(first);
        left--;
        enter(lane, first.end);
        if (!lane.queue.isEmpty()) {
            ahead.add(lane);
        }
    }

    private static void park(Lane lane, Gate gate) {
        lane.before = gate;
        gate.parked.add(lane);
    }

    private void enter(Lane lane, long end) {
        total.enter();
        for (Gate gate : lane.gates) {
            gate.enter();
        }
        ends.add(new End(end, lane));
    }

    private void leave(Lane lane, long time) {
        total.leave();
        for (Gate gate : lane.gates) {
            gate.leave();
            sendAhead(gate, time);
        }
    }

    private void sendAhead(Gate gate, long time) {
        if (gate.parked.isEmpty() || gate.isRepresented()) {
            return;
        }
        if (!gate.hasRoom(time)) {
            watch(gate, time);
            return;
        }
        Lane lane = gate.parked.remove();
        lane.before = null;
        lane.sender = gate;
        gate.foremost = lane;
        ahead.add(lane);
    }

    /// A closed gate opens when something leaves it, or when its limit becomes higher.
    private void watch(Gate gate, long time) {
        long next = gate.nextChange(time);
        if (!gate.watched && next != Course.NEVER) {
            gate.watched = true;
            watches.add(new Watch(next, gate));
        }
    }
}
