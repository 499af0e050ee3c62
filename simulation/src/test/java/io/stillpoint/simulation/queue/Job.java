package io.stillpoint.simulation.queue;

import io.stillpoint.planning.queue.Estimate;
import io.stillpoint.planning.queue.GuestWrites;
import io.stillpoint.planning.queue.Transfer;
import io.stillpoint.platform.ByteSize;
import java.time.Duration;
import java.time.Instant;

/// One job of one VM, from its slot to the end of its transfer.
final class Job {
    final Fleet.Vm vm;
    final Instant slot;
    final long bytes;

    /// After how many bytes its transfer fails, once; none if it is beyond the end.
    private final double failsAt;

    private Estimate estimate;
    private boolean failed;
    private double moved;
    private double movedBefore;
    private Instant begin = Instant.MAX;

    /// When it may be looked at again, after a refusal or a failure.
    Instant notBefore;

    Instant snapshot = Instant.MAX;
    Instant forecastEnd = Instant.MAX;
    Instant end = Instant.MAX;
    boolean foretold;
    double transferring;

    Job(Fleet.Vm vm, Instant slot, long bytes, double failsAt) {
        this.vm = vm;
        this.slot = slot;
        this.bytes = bytes;
        this.failsAt = failsAt;
        this.notBefore = slot;
        this.estimate = new Estimate(new ByteSize(bytes), vm.load().rate());
    }

    void estimated(Estimate from) {
        estimate = from;
    }

    String id() {
        return vm.name() + "@" + slot;
    }

    Instant deadline() {
        return slot.plus(Duration.ofHours(24));
    }

    boolean missed() {
        return end.isAfter(deadline());
    }

    /// The seconds that it takes at least.
    double shortest() {
        return bytes / (double) vm.load().rate();
    }

    /// As the queue sees it.
    Transfer transfer(Instant now) {
        ByteSize left = new ByteSize((long) Math.ceil(bytes - moved));
        Estimate seen =
                begin.isAfter(now)
                        ? new Estimate(left, estimate.bytesPerSecond())
                        : estimate.running(
                                left,
                                new ByteSize((long) (moved - movedBefore)),
                                Duration.between(begin, now));
        return new Transfer(id(), vm.route(), deadline(), seen, vm.rules());
    }

    void begins(Instant now) {
        begin = now;
        movedBefore = moved;
    }

    /// It no longer runs, but what it has moved stays where it is.
    void stops() {
        begin = Instant.MAX;
    }

    /// Goes on for a while.
    ///
    /// @return whether it has ended or failed; if it has ended, [#end] is set
    boolean passes(Instant now, Duration step, double speed) {
        double rate = Math.min(vm.load().rate() * speed, (double) vm.rules().bandwidth().at(now));
        double seconds = step.toSeconds();
        transferring += seconds;
        double before = moved;
        moved += rate * seconds;
        if (!failed && failsAt < bytes && moved >= failsAt) {
            failed = true;
            moved = failsAt;
            notBefore = now.plus(step).plus(Duration.ofMinutes(5));
            return true;
        }
        if (moved >= bytes) {
            end = now.plusMillis((long) Math.ceil((bytes - before) / rate * 1000));
            return true;
        }
        return false;
    }

    boolean isDone() {
        return !end.equals(Instant.MAX);
    }

    /// What its snapshot has taken of the scratch space.
    long scratch(Instant now) {
        return snapshot.isAfter(now)
                ? 0
                : (long) (vm.load().writes() * 0.9 * Duration.between(snapshot, now).toSeconds());
    }

    GuestWrites writes() {
        return new GuestWrites(vm.load().writes(), new ByteSize(200L << 30));
    }
}
