package io.stillpoint.platform.console;

import java.io.PrintStream;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Lines, steps and progress on one output. Safe for several threads: lines never mix, and a bar that is being drawn
/// moves down for them.
public final class Console {
    private static final String ERASE_LINE = "\r\u001b[K";
    private static final String BOLD = "\u001b[1m";
    private static final String USUAL = "\u001b[0m";
    private static final int STEP_COLUMNS = 16;

    private final PrintStream out;
    private final ConsoleStyle style;
    private final LongSupplier nanoClock;
    private @Nullable ProgressBar drawn;

    /// A console of its own, for tests and for outputs other than the process's.
    ///
    /// @param nanoClock like [System#nanoTime]
    public Console(PrintStream out, ConsoleStyle style, LongSupplier nanoClock) {
        this.out = out;
        this.style = style;
        this.nanoClock = nanoClock;
    }

    /// The process's standard error: standard output stays free for results.
    @SuppressWarnings("SystemConsoleNull") // JDK 25 returns null again where there is no terminal
    // (JDK-8351435).
    public static Console system() {
        java.io.Console terminal = System.console();
        // Java sees a terminal only if input and output are one; that standard error is another is
        // rare.
        boolean live = terminal != null && terminal.isTerminal();
        return new Console(System.err, ConsoleStyle.of(live, System.getenv()), System::nanoTime);
    }

    /// Prints a line.
    public synchronized void line(String text) {
        if (drawn != null) {
            out.print(ERASE_LINE);
        }
        out.println(text);
        if (drawn != null) {
            out.print(drawn.picture(nanoClock.getAsLong()));
        }
        out.flush();
    }

    /// Prints what a step did: its name to the left, the text to the right of it, broken into lines where it is too
    /// long.
    public void step(String name, String text) {
        String left = padded(name);
        StringBuilder block = new StringBuilder(style.color() ? BOLD + left + USUAL : left);
        int column = left.length();
        boolean first = true;
        for (String word : text.strip().split("\\s+")) {
            if (!first && column + 1 + word.length() > style.columns()) {
                block.append(System.lineSeparator()).append(" ".repeat(STEP_COLUMNS));
                column = STEP_COLUMNS;
            } else if (!first) {
                block.append(' ');
                column++;
            }
            block.append(word);
            column += word.length();
            first = false;
        }
        line(block.toString());
    }

    /// Starts showing a step's progress. Only one bar is drawn at a time; one that begins during another is shown as
    /// plain lines.
    ///
    /// @param totalBytes 0 if not known
    public synchronized ProgressBar bar(String name, long totalBytes) {
        ProgressBar bar = new ProgressBar(this, name, totalBytes, style.live() && drawn == null);
        if (bar.live()) {
            drawn = bar;
        }
        return bar;
    }

    long nanos() {
        return nanoClock.getAsLong();
    }

    ConsoleStyle style() {
        return style;
    }

    static String padded(String name) {
        return name.length() < STEP_COLUMNS
                ? name + " ".repeat(STEP_COLUMNS - name.length())
                : name + "  ";
    }

    synchronized void redraw(ProgressBar bar) {
        if (drawn == bar) {
            out.print(ERASE_LINE + bar.picture(nanoClock.getAsLong()));
            out.flush();
        }
    }

    synchronized void finish(ProgressBar bar) {
        if (drawn == bar) {
            out.print(ERASE_LINE);
            drawn = null;
        }
    }
}
