package io.stillpoint.simulation.queue;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// What a month was like, every two hours: how many transfers waited and ran, how many were forecast to miss, and how
/// close to its deadline the closest one ended.
final class QueueReport {
    static final Duration STRIDE = Duration.ofHours(2);

    /// Two hours.
    static final class Row {
        final Instant from;

        /// The most at any time.
        int waiting;

        int running;
        int foretold;

        /// In these hours.
        int ended;

        int missed;

        /// Hours between the closest end and its deadline; negative if that was missed.
        double reserve = 24;

        Row(Instant from) {
            this.from = from;
        }

        String csv() {
            return String.format(
                    Locale.ROOT,
                    "%s,%d,%d,%d,%d,%d,%.2f",
                    from,
                    waiting,
                    running,
                    foretold,
                    ended,
                    missed,
                    reserve);
        }
    }

    final List<Row> rows = new ArrayList<>();

    private Row row(Instant at) {
        int index = (int) Duration.between(QueueMonth.BEGIN, at).dividedBy(STRIDE);
        while (rows.size() <= index) {
            rows.add(new Row(QueueMonth.BEGIN.plus(STRIDE.multipliedBy(rows.size()))));
        }
        return rows.get(index);
    }

    void look(Instant now, int waiting, int running, int foretold) {
        Row row = row(now);
        row.waiting = Math.max(row.waiting, waiting);
        row.running = Math.max(row.running, running);
        row.foretold = Math.max(row.foretold, foretold);
    }

    void ended(Job job) {
        Row row = row(job.end);
        row.ended++;
        row.missed += job.missed() ? 1 : 0;
        double reserve = Duration.between(job.end, job.deadline()).toSeconds() / 3600.0;
        row.reserve = Math.min(row.reserve, reserve);
    }

    /// A line for each two hours.
    String csv() {
        StringBuilder text =
                new StringBuilder(
                        "from,waiting_most,running_most,forecast_to_miss_most,ended,missed,least_reserve_hours\n");
        rows.forEach(row -> text.append(row.csv()).append('\n'));
        return text.toString();
    }
}
