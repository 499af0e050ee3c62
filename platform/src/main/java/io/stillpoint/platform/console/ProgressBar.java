package io.stillpoint.platform.console;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.Messages;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/// How far a step is: share, amount, mean rate and time left. Made by [Console#bar]. On a terminal it redraws itself at
/// most ten times a second; elsewhere it prints a line per tenth. Safe for several threads; an update costs little
/// more than an addition.
public final class ProgressBar implements AutoCloseable {
    private static final long REDRAW_NANOS_MIN = 100_000_000;
    private static final int BAR_COLUMNS_MAX = 30;

    private final Console console;
    private final String name;
    private final long total;
    private final boolean live;
    private final long began;
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong nextDraw;
    private final AtomicLong tenthsPrinted = new AtomicLong();
    private final AtomicBoolean finished = new AtomicBoolean();

    ProgressBar(Console console, String name, long total, boolean live) {
        this.console = console;
        this.name = name;
        this.total = total;
        this.live = live;
        this.began = console.nanos();
        this.nextDraw = new AtomicLong(began);
    }

    /// So many more bytes are done.
    public void advance(long more) {
        long done = bytes.addAndGet(more);
        if (finished.get()) {
            return;
        }
        if (live) {
            long now = console.nanos();
            long due = nextDraw.get();
            if (now - due >= 0 && nextDraw.compareAndSet(due, now + REDRAW_NANOS_MIN)) {
                console.redraw(this);
            }
        } else {
            printTenth(done);
        }
    }

    /// The last tenth is the summary's.
    private void printTenth(long done) {
        if (total <= 0) {
            return;
        }
        long tenth = Math.min(9, (long) (10.0 * done / total));
        long printed = tenthsPrinted.get();
        if (tenth > printed && tenthsPrinted.compareAndSet(printed, tenth)) {
            console.line(Console.padded(name) + numbers(console.nanos()));
        }
    }

    /// Ends the bar and prints what came of the step. Only the first call counts.
    public void done(String summary) {
        if (finished.compareAndSet(false, true)) {
            console.finish(this);
            console.step(name, summary);
        }
    }

    /// Takes the bar away without a word, if [#done] was not called: the step failed.
    @Override
    public void close() {
        if (finished.compareAndSet(false, true)) {
            console.finish(this);
        }
    }

    boolean live() {
        return live;
    }

    /// The whole line, no longer than the terminal's.
    String picture(long now) {
        int columns = console.style().columns();
        String left = Console.padded(name);
        String right = numbers(now);
        int room = Math.min(BAR_COLUMNS_MAX, columns - left.length() - right.length() - 4);
        String line = left + (total > 0 && room >= 5 ? bar(room) + "  " : "") + right;
        // A full line would make the terminal go to the next one.
        return line.length() < columns ? line : line.substring(0, columns - 1);
    }

    private String bar(int width) {
        int filled = (int) (width * share());
        return "[" + "#".repeat(filled) + "-".repeat(width - filled) + "]";
    }

    private double share() {
        return Math.clamp((double) bytes.get() / total, 0.0, 1.0);
    }

    private String numbers(long now) {
        Messages messages = Messages.of(ProgressBar.class);
        long done = bytes.get();
        double seconds = (now - began) / 1e9;
        long rate = seconds > 0 ? (long) (done / seconds) : 0;
        StringBuilder text = new StringBuilder();
        if (total > 0) {
            text.append(messages.text("console.percent", "%3d".formatted((int) (100 * share()))));
            text.append("  ").append(messages.text("console.of", size(done), size(total)));
        } else {
            text.append(size(done));
        }
        if (rate > 0) {
            text.append("  ").append(messages.text("console.rate", size(rate)));
            if (total > done) {
                text.append("  ")
                        .append(
                                messages.text(
                                        "console.left", time(messages, (total - done) / rate)));
            }
        }
        return text.toString();
    }

    private static String size(long count) {
        return new ByteSize(Math.max(0, count)).toString();
    }

    private static String time(Messages messages, long seconds) {
        if (seconds < 60) {
            return messages.text("console.seconds", Long.toString(seconds));
        }
        if (seconds < 3600) {
            return messages.text(
                    "console.minutes", Long.toString(seconds / 60), Long.toString(seconds % 60));
        }
        return messages.text(
                "console.hours", Long.toString(seconds / 3600), Long.toString(seconds % 3600 / 60));
    }
}
