package io.stillpoint.benchmark.denser;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/// What storing changed chunks against their predecessors would save, and cost.
public final class Denser {
    private static final double MB = 1e6;
    private static final PrintStream OUT =
            new PrintStream(System.out, true, StandardCharsets.UTF_8);

    private Denser() {}

    /// `record HISTORY SOURCE` adds a day; `pages HISTORY FILE DAYS` makes days of random changes; `measure HISTORY DAYS WAY...` prints a line of a Markdown table for each way.
    public static void main(String[] args) throws IOException, GeneralSecurityException {
        switch (args.length < 3 ? "" : args[0]) {
            case "record" -> History.record(Path.of(args[1]), Path.of(args[2]));
            case "pages" ->
                    RandomPages.make(Path.of(args[1]), Path.of(args[2]), Integer.parseInt(args[3]));
            case "measure" -> {
                try (History history = new History(Path.of(args[1]), Integer.parseInt(args[2]))) {
                    head();
                    for (String way : Arrays.asList(args).subList(3, args.length)) {
                        measure(history, Way.parse(way), Path.of(args[1], "frames.tmp"));
                    }
                }
            }
            default ->
                    throw new IllegalArgumentException(
                            "record, pages or measure, see benchmark/denser");
        }
    }

    private static void head() {
        OUT.println(
                "| way | day 1, MB | a later day: changed, MB | stored, MB | of it leaves, MB | differences | CPU, ms"
                        + " | frames to compare with | of MB | all days, MB | last 7, MB | last, MB"
                        + " | restore: frames | read, MB | plain, MB | CPU, s |");
        OUT.println("|---" + "|---:".repeat(15) + "|");
    }

    private static void measure(History history, Way way, Path work)
            throws IOException, GeneralSecurityException {
        try (SimulatedVault vault = new SimulatedVault(way, work)) {
            List<SimulatedVault.Day> days = new ArrayList<>();
            for (int day = 0; day < history.days(); day++) {
                days.add(vault.add(history, day));
            }
            List<SimulatedVault.Day> later = days.subList(1, days.size());
            OUT.printf(
                    Locale.ROOT,
                    "| %s | %.1f | %.1f | %.2f | %.2f | %.0f | %.0f | %.0f | %.1f | %.1f | %.1f | %.1f |",
                    way.name(),
                    days.getFirst().stored() / MB,
                    mean(later, SimulatedVault.Day::changedBytes) / MB,
                    mean(later, SimulatedVault.Day::stored) / MB,
                    mean(later, SimulatedVault.Day::nodes) / MB,
                    mean(later, SimulatedVault.Day::deltas),
                    mean(later, SimulatedVault.Day::cpu) * 1e3,
                    mean(later, SimulatedVault.Day::baseFrames),
                    mean(later, SimulatedVault.Day::baseBytes) / MB,
                    days.stream().mapToDouble(SimulatedVault.Day::stored).sum() / MB,
                    vault.live(7) / MB,
                    vault.live(1) / MB);
            SimulatedVault.Restore restore = vault.restore();
            OUT.printf(
                    Locale.ROOT,
                    " %d | %.1f | %.1f | %.2f |%n",
                    restore.frames(),
                    restore.read() / MB,
                    restore.plain() / MB,
                    restore.cpu());
        }
    }

    private static double mean(
            List<SimulatedVault.Day> days, ToDoubleFunction<SimulatedVault.Day> figure) {
        return days.stream().mapToDouble(figure).average().orElse(0);
    }
}
