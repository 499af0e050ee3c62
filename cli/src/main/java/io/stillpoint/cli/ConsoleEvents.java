package io.stillpoint.cli;

import io.stillpoint.engine.JobEvents;
import io.stillpoint.platform.console.Console;
import io.stillpoint.platform.console.ProgressBar;
import org.jspecify.annotations.Nullable;

/// Shows a job on standard error, so that standard output holds the result alone. Safe for several threads.
final class ConsoleEvents implements JobEvents, AutoCloseable {
    private final Console console = Console.system();
    private final boolean isQuiet;
    private final Output output;
    private @Nullable ProgressBar bar;
    private String step = "";
    private long shown;
    private long readBefore;

    /// @param isQuiet shows warnings alone
    /// @param output keeps them
    ConsoleEvents(boolean isQuiet, Output output) {
        this.isQuiet = isQuiet;
        this.output = output;
    }

    /// A line that is no step.
    void line(String text) {
        console.line(text);
    }

    @Override
    public synchronized void step(String name, String text) {
        end();
        step = name;
        if (!isQuiet) {
            console.step(name, text);
        }
    }

    @Override
    public void warning(String code, String text) {
        output.keep(code, text);
        console.step(Output.text("word.warning"), text);
    }

    @Override
    public void note(String code, String text) {
        console.step(Output.text("word.note"), text);
    }

    @Override
    public synchronized void progressed(long done, long total) {
        if (isQuiet || done <= shown) {
            return;
        }
        bar(total).reach(done);
        shown = done;
    }

    @Override
    public synchronized void read(long bytes) {
        if (bar == null) {
            readBefore += bytes;
        } else {
            bar.read(bytes);
        }
    }

    private ProgressBar bar(long total) {
        if (bar == null) {
            bar = console.bar(step, total);
            bar.read(readBefore);
        }
        return bar;
    }

    @Override
    public void close() {
        end();
    }

    /// Takes away the bar of the current step.
    synchronized void end() {
        if (bar != null) {
            bar.close();
            bar = null;
        }
        shown = 0;
        readBefore = 0;
    }
}
