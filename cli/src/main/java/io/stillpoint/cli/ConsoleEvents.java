package io.stillpoint.cli;

import io.stillpoint.engine.JobEvent;
import io.stillpoint.engine.JobEvent.Noted;
import io.stillpoint.engine.JobEvent.Progressed;
import io.stillpoint.engine.JobEvent.Read;
import io.stillpoint.engine.JobEvent.ScratchTaken;
import io.stillpoint.engine.JobEvent.StepBegan;
import io.stillpoint.engine.JobEvent.Warned;
import io.stillpoint.engine.JobEvents;
import io.stillpoint.engine.JobId;
import io.stillpoint.engine.JobReporter;
import io.stillpoint.engine.Step;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.console.Console;
import io.stillpoint.platform.console.ProgressBar;
import io.stillpoint.platform.text.Text;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Shows a job on standard error, so that standard output holds the result alone. On a terminal a bar tells how far a step
/// is, or since when it has been going on; elsewhere each step is a line, and of many of a kind the first. Safe for
/// several threads.
final class ConsoleEvents implements JobEvents, AutoCloseable {
    private static final Duration TICK = Duration.ofSeconds(1);

    /// Steps of which a command has as many as there are disks or recovery points; its result lists them anyway.
    private static final Set<String> ONE_OF_MANY = Set.of("restore", "copy", "diff");

    private final Console console = Console.system(Output.reader());
    private final boolean isQuiet;
    private final Output output;
    private @Nullable ProgressBar bar;
    private @Nullable LongSupplier watched;
    private @Nullable Thread ticker;
    private boolean isTimeOnly;

    /// Of the current step, as far as they are known.
    private final Map<String, Progressed> disks = new HashMap<>();

    private String step = "";
    private long moved;

    /// @param isQuiet shows warnings alone
    /// @param output keeps them
    ConsoleEvents(boolean isQuiet, Output output) {
        this.isQuiet = isQuiet;
        this.output = output;
    }

    /// Of a job that is shown here.
    JobReporter reporter() {
        return new JobReporter(JobId.random(Randomness.secure()), this);
    }

    /// A line that is no step.
    void line(String text) {
        console.line(text);
    }

    @Override
    public void tell(JobEvent event) {
        switch (event) {
            case StepBegan(_, Step began, Text text) -> step(began.word(), Output.words(text));
            case Warned(_, Text text, String code) -> warning(code, text);
            case Noted(_, Text text, _) -> note(Output.words(text));
            case Progressed progressed -> progressed(progressed);
            case Read(_, _, _, long bytes) -> read(bytes);
            case ScratchTaken _ -> {}
        }
    }

    /// Begins a step.
    synchronized void step(String name, String text) {
        end();
        boolean isOneMore = ONE_OF_MANY.contains(name) && name.equals(step) && !console.isLive();
        step = name;
        if (!isQuiet && !isOneMore) {
            console.step(name, text);
        }
        if (!isQuiet && console.isLive() && ticker == null) {
            ticker = Readiness.process().threads().working("ticker", this::tickOn);
            ticker.start();
        }
    }

    /// Begins a step that moves about so many bytes, and returns what is told of each that was moved.
    ///
    /// @param total 0 if it is not known
    LongConsumer moving(String name, String text, long total) {
        step(name, text);
        AtomicLong done = new AtomicLong();
        return bytes -> {
            progressed(done.addAndGet(bytes), total);
            read(bytes);
        };
    }

    /// Begins a step of which nothing is known but what it has moved.
    ///
    /// @param total how many bytes were moved up to now, since whenever
    synchronized void watching(String name, String text, LongSupplier total) {
        step(name, text);
        watched = total;
        moved = total.getAsLong();
    }

    void warning(String code, Text text) {
        String words = Output.words(text);
        output.keep(code, words);
        console.step(Output.text("word.warning"), words);
    }

    void note(String text) {
        if (!isQuiet) {
            console.step(Output.text("word.note"), text);
        }
    }

    /// A disk counts from when it is named, so that the bar begins with all of them.
    private synchronized void progressed(Progressed progressed) {
        if (isQuiet) {
            return;
        }
        disks.merge(
                progressed.disk(),
                progressed,
                (before, now) -> now.done() < before.done() ? before : now);
        if (progressed.done() > 0) {
            progressed(
                    disks.values().stream().mapToLong(Progressed::done).sum(),
                    disks.values().stream().mapToLong(Progressed::total).sum());
        }
    }

    /// The current step has come so far.
    synchronized void progressed(long done, long total) {
        if (isQuiet) {
            return;
        }
        if (isTimeOnly && bar != null) {
            bar.close();
            bar = null;
        }
        if (bar == null) {
            bar = console.bar(step, total);
            bar.read(moved);
            isTimeOnly = false;
        }
        bar.reach(done);
    }

    /// So much more was read or written in the current step.
    synchronized void read(long bytes) {
        if (bar == null) {
            moved += bytes;
        } else {
            bar.read(bytes);
        }
    }

    private void tickOn() {
        try {
            while (true) {
                Thread.sleep(TICK);
                tick();
            }
        } catch (InterruptedException _) {
            // Closed.
        }
    }

    /// From its second second on, a step that says nothing of itself is seen to go on.
    private synchronized void tick() {
        if (bar == null && !step.isEmpty()) {
            bar = console.bar(step, 0);
            isTimeOnly = true;
        }
        if (bar != null) {
            if (watched != null) {
                long now = watched.getAsLong();
                bar.read(now - moved);
                moved = now;
            }
            bar.read(0);
        }
    }

    @Override
    public synchronized void close() {
        end();
        step = "";
        if (ticker != null) {
            ticker.interrupt();
            ticker = null;
        }
    }

    /// Takes away the bar of the current step.
    synchronized void end() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
        disks.clear();
        watched = null;
        isTimeOnly = false;
        moved = 0;
    }
}
