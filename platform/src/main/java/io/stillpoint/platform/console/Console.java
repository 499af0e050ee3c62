package io.stillpoint.platform.console;

import io.stillpoint.platform.natives.TerminalWidth;
import io.stillpoint.platform.text.Messages;
import io.stillpoint.platform.text.Printable;
import java.io.PrintStream;
import java.util.Locale;
import java.util.OptionalInt;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/// Lines, steps and progress on one output. Safe for several threads: lines never mix, and a bar that is being drawn
/// moves down for them.
public final class Console {
    private static final Messages TEXTS = Messages.of(Console.class);
    private static final String ERASE_LINE = "\r\u001b[K";
    private static final String BOLD = "\u001b[1m";
    private static final String USUAL = "\u001b[0m";
    private static final int STEP_COLUMNS = 16;

    private final PrintStream out;
    private final ConsoleStyle style;
    private final LongSupplier nanoClock;
    private final IntSupplier width;
    private final Locale reader;
    private @Nullable ProgressBar drawn;

    /// A console of its own, for tests and for outputs other than the process's.
    ///
    /// @param nanoClock like [System#nanoTime]
    /// @param width of the terminal at this moment, 0 if it is not known
    /// @param reader the language of its own few words
    public Console(
            PrintStream out,
            ConsoleStyle style,
            LongSupplier nanoClock,
            IntSupplier width,
            Locale reader) {
        this.out = out;
        this.style = style;
        this.nanoClock = nanoClock;
        this.width = width;
        this.reader = reader;
    }

    /// The process's standard error: standard output stays free for results.
    ///
    /// @param reader the language of its own few words
    public static Console system(Locale reader) {
        // First what costs nothing.
        boolean live = !ConsoleStyle.isDumb(System.getenv()) && width().isPresent();
        return new Console(
                System.err,
                ConsoleStyle.of(live, System.getenv()),
                System::nanoTime,
                live ? () -> width().orElse(0) : () -> 0,
                reader);
    }

    private static OptionalInt width() {
        return TerminalWidth.of(TerminalWidth.STANDARD_ERROR);
    }

    /// Prints a line, made printable.
    public void line(String text) {
        print(Printable.of(text));
    }

    private synchronized void print(String text) {
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
        String left = padded(Printable.of(name));
        StringBuilder block = new StringBuilder(style.color() ? BOLD + left + USUAL : left);
        int columns = columns();
        // Where there is hardly room for two columns, the text gets what there is.
        int indent = columns >= 3 * STEP_COLUMNS ? STEP_COLUMNS : 2;
        int column = left.length();
        boolean first = true;
        for (String raw : text.strip().split("\\s+")) {
            String word = Printable.of(raw);
            if (!first && column + 1 + word.length() > columns) {
                block.append(System.lineSeparator()).append(" ".repeat(indent));
                column = indent;
            } else if (!first) {
                block.append(' ');
                column++;
            }
            block.append(word);
            column += word.length();
            first = false;
        }
        print(block.toString());
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

    /// Whether someone watches who sees a line redrawn.
    public boolean isLive() {
        return style.live();
    }

    String text(String key, Object... arguments) {
        return TEXTS.text(reader, key, arguments);
    }

    long nanos() {
        return nanoClock.getAsLong();
    }

    /// How wide a line may be now.
    int columns() {
        return style.columns(width.getAsInt());
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
