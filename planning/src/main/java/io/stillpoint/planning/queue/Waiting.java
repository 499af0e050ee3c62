package io.stillpoint.planning.queue;

import java.time.Duration;
import java.util.Comparator;

/// A transfer that waits, while an [Outlook] is computed.
final class Waiting {
    /// Whose turn it is first. The id makes it the same order each time.
    static final Comparator<Waiting> TURN =
            Comparator.<Waiting>comparingLong(each -> each.due)
                    .thenComparing(each -> each.transfer.id());

    /// By how much a transfer steps back that can't meet its deadline any more: as if it were the next day's.
    private static final long STEP_BACK = Duration.ofHours(24).toMillis();

    final Transfer transfer;
    private final Course bandwidth;

    /// Where it stands in the order.
    long due;

    long begin = Course.NEVER;
    long end = Course.NEVER;
    private boolean late;

    Waiting(Transfer transfer, Course bandwidth, long deadline) {
        this.transfer = transfer;
        this.bandwidth = bandwidth;
        this.due = deadline;
    }

    long endIfBegun(long time) {
        Estimate estimate = transfer.estimate();
        return bandwidth.end(time, estimate.left().bytes(), estimate.bytesPerSecond());
    }

    long bandwidthChange() {
        return bandwidth.nextChange(0);
    }

    /// When it can't meet its deadline any more if it still waits then, and its bandwidth stays as it is.
    long stepsBackAt(long deadline) {
        long reserve = deadline - endIfBegun(0);
        return reserve < 0 ? Course.NEVER : reserve + 1;
    }

    /// Once only: else one that is always late would never be first.
    boolean stepsBack(long time) {
        if (late || endIfBegun(time) <= due) {
            return false;
        }
        late = true;
        due += STEP_BACK;
        return true;
    }

    void begin(long time) {
        begin = time;
        end = endIfBegun(time);
    }

    /// Whether it ends so shortly before it is due, or after, that it should not wait for a peak to pass. Estimates err,
    /// so a quarter of its length is kept in reserve.
    ///
    /// @param deadline its own
    boolean endangered(long deadline) {
        long target = endIfBegun(0) <= deadline ? deadline : deadline + STEP_BACK;
        return end == Course.NEVER || end + (end - begin) / 4 > target;
    }
}
