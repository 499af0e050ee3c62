package io.stillpoint.cli;

import io.stillpoint.engine.JobEvents;
import io.stillpoint.platform.console.Console;
import io.stillpoint.platform.console.ProgressBar;
import org.jspecify.annotations.Nullable;

/// Shows a job on standard error, so that standard output holds the result alone. Safe for several threads.
final class ConsoleEvents implements JobEvents, AutoCloseable {
    private final Console console = Console.system();
    private final boolean isQuiet;
    private @Nullable ProgressBar bar;
    private String step = "";
    private long shown;

    /// @param isQuiet shows warnings alone
    ConsoleEvents(boolean isQuiet) {
        this.isQuiet = isQuiet;
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
        console.step("warning", text);
    }

    @Override
    public synchronized void progressed(long done, long total) {
        if (isQuiet || done <= shown) {
            return;
        }
        if (bar == null) {
            bar = console.bar(step, total);
        }
        bar.advance(done - shown);
        shown = done;
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
    }
}
