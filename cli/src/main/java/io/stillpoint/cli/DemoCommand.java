package io.stillpoint.cli;

import io.stillpoint.demo.Tour;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.point.RecoveryPoint;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/// `stillpoint demo`
@Command(name = "demo", resourceBundle = "io.stillpoint.cli.messages", sortOptions = false)
final class DemoCommand implements Callable<Integer> {
    @Override
    public Integer call() {
        Cancellation cancellation = Interruption.cancellation();
        try (TourView view = new TourView()) {
            new Tour(
                            view,
                            cancellation,
                            Randomness.secure(),
                            InstantSource.system(),
                            "stillpoint " + Version.text())
                    .run();
        }
        return ExitCode.SUCCESS.status();
    }

    private static final class TourView implements Tour.View, AutoCloseable {
        private final ConsoleEvents events = new ConsoleEvents(false, new Output());

        @Override
        public void chapter(String text) {
            events.end();
            events.line("");
            events.line("==> " + text);
        }

        @Override
        public void finding(String text) {
            events.end();
            events.line("    " + text);
        }

        @Override
        public void points(List<RecoveryPoint> points) {
            events.line("");
            PointFormat.table(points).lines().forEach(line -> events.line("    " + line));
        }

        @Override
        public void step(String step, String text) {
            events.step("    " + step, text);
        }

        @Override
        public void warning(String code, String text) {
            events.warning(code, text);
        }

        @Override
        public void note(String code, String text) {
            events.note(code, text);
        }

        @Override
        public void progressed(long done, long total) {
            events.progressed(done, total);
        }

        @Override
        public void close() {
            events.close();
        }
    }
}
