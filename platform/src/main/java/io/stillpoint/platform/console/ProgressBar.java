package io.stillpoint.platform.console;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.text.Printable;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/// How far a step is: share, amount, rate and time left. Made by [Console#bar]. On a terminal it redraws itself at most ten
/// times a second; elsewhere nothing is printed before the end, since nobody watches. Safe for several threads; an update
/// costs little more than an addition.
///
/// How far a step is and how much it moved are two things: a hole of a disk is passed in no time. The rate is that of the
/// bytes that were moved, over the last seconds.
public final class ProgressBar implements AutoCloseable {
    private static final long REDRAW_NANOS_MIN = 100_000_000;
    private static final long RATE_NANOS = 5_000_000_000L;
    private static final int BAR_COLUMNS_MAX = 30;

    private final Console console;
    private final String name;
    private final long total;
    private final boolean live;
    private final long began;
    private final AtomicLong done = new AtomicLong();
    private final AtomicLong moved = new AtomicLong();
    private final AtomicLong nextDraw;
    private final AtomicBoolean finished = new AtomicBoolean();

    /// What was moved when, oldest first; for the last seconds. Guarded by itself.
    private final Deque<Sample> samples = new ArrayDeque<>();

    private record Sample(long nanos, long moved) {}

    ProgressBar(Console console, String name, long total, boolean live) {
        this.console = console;
        this.name = name;
        this.total = total;
        this.live = live;
        this.began = console.nanos();
        this.nextDraw = new AtomicLong(began);
        samples.add(new Sample(began, 0));
    }

    /// So many more bytes are done, and were moved for it.
    public void advance(long more) {
        done.addAndGet(more);
        read(more);
    }

    /// The step has come this far, whether or not anything was moved for it.
    public void reach(long position) {
        done.accumulateAndGet(position, Math::max);
        draw();
    }

    /// So many more bytes were moved.
    public void read(long more) {
        moved.addAndGet(more);
        draw();
    }

    private void draw() {
        if (!live || finished.get()) {
            return;
        }
        long now = console.nanos();
        long due = nextDraw.get();
        if (now - due >= 0 && nextDraw.compareAndSet(due, now + REDRAW_NANOS_MIN)) {
            console.redraw(this);
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
        int columns = console.columns();
        String left = Console.padded(Printable.of(name));
        List<String> numbers = numbers(now);
        // What there is no room for is left out: a number that is cut off is another one. A full
        // line would make the
        // terminal go to the next one.
        while (numbers.size() > 1 && left.length() + joined(numbers).length() >= columns) {
            numbers.removeLast();
        }
        String right = joined(numbers);
        int room = Math.min(BAR_COLUMNS_MAX, columns - left.length() - right.length() - 5);
        String line = left + (total > 0 && room >= 5 ? bar(room) + "  " : "") + right;
        return line.length() < columns ? line : line.substring(0, columns - 1);
    }

    private static String joined(List<String> numbers) {
        return String.join("  ", numbers);
    }

    private String bar(int width) {
        int filled = (int) (width * share());
        return "[" + "#".repeat(filled) + "-".repeat(width - filled) + "]";
    }

    private double share() {
        return Math.clamp((double) done.get() / total, 0.0, 1.0);
    }

    /// What can be told, the most telling first.
    private List<String> numbers(long now) {
        List<String> numbers = new ArrayList<>();
        if (total > 0) {
            numbers.add(console.text("console.percent", "%3d".formatted((int) (100 * share()))));
            numbers.add(console.text("console.of", size(done.get()), size(total)));
        } else if (done.get() > 0) {
            numbers.add(size(done.get()));
        } else {
            numbers.add(time((now - began) / 1_000_000_000));
            if (moved.get() > 0) {
                numbers.add(size(moved.get()));
            }
        }
        long rate = rate(now);
        if (rate > 0) {
            numbers.add(console.text("console.rate", size(rate)));
        }
        long left = secondsLeft(now);
        if (left >= 0) {
            numbers.add(console.text("console.left", time(left)));
        }
        return numbers;
    }

    /// Bytes moved in a second, on average of the last few.
    private long rate(long now) {
        synchronized (samples) {
            samples.add(new Sample(now, moved.get()));
            // One that is older than the time looked at stays, so that there is no gap.
            while (samples.size() > 2 && now - second(samples).nanos >= RATE_NANOS) {
                samples.removeFirst();
            }
            Sample first = samples.getFirst();
            double seconds = (now - first.nanos) / 1e9;
            // Of less than a second, the rate would be more than all that was moved.
            return seconds >= 1 ? (long) ((samples.getLast().moved - first.moved) / seconds) : 0;
        }
    }

    private static Sample second(Deque<Sample> samples) {
        Iterator<Sample> all = samples.iterator();
        all.next();
        return all.next();
    }

    /// If what is left goes as what is done; -1 if that can't be told.
    private long secondsLeft(long now) {
        double share = total > 0 ? share() : 0;
        double seconds = (now - began) / 1e9;
        return share > 0 && share < 1 && seconds >= 1
                ? Math.round(seconds * (1 - share) / share)
                : -1;
    }

    private static String size(long count) {
        return new ByteSize(Math.max(0, count)).toString();
    }

    private String time(long seconds) {
        if (seconds < 60) {
            return console.text("console.seconds", Long.toString(seconds));
        }
        if (seconds < 3600) {
            return console.text(
                    "console.minutes", Long.toString(seconds / 60), Long.toString(seconds % 60));
        }
        return console.text(
                "console.hours", Long.toString(seconds / 3600), Long.toString(seconds % 3600 / 60));
    }
}
