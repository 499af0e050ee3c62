package io.stillpoint.cli;

import io.stillpoint.demo.Tour;
import io.stillpoint.engine.JobEvent;
import io.stillpoint.engine.Step;
import io.stillpoint.platform.Cancellation;
import io.stillpoint.platform.Randomness;
import io.stillpoint.platform.text.Text;
import io.stillpoint.vault.Vault;
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
                            new Vault.Surroundings(
                                    Randomness.secure(),
                                    InstantSource.system(),
                                    Readiness.process()),
                            "stillpoint " + Version.text())
                    .run();
        }
        return ExitCode.SUCCESS.status();
    }

    private static final class TourView implements Tour.View, AutoCloseable {
        private final ConsoleEvents events = new ConsoleEvents(false, new Output());

        @Override
        public void chapter(Text text) {
            events.end();
            events.line("");
            events.line("==> " + Output.words(text));
        }

        @Override
        public void finding(Text text) {
            events.end();
            events.line("    " + Output.words(text));
        }

        @Override
        public void points(List<RecoveryPoint> points) {
            events.line("");
            PointFormat.table(points).lines().forEach(line -> events.line("    " + line));
        }

        @Override
        public void tell(JobEvent event) {
            switch (event) {
                case JobEvent.StepBegan(_, Step step, Text text) ->
                        events.step("    " + step.word(), Output.words(text));
                // No rate: the tour's disks are small.
                case JobEvent.Read _, JobEvent.ScratchTaken _ -> {}
                case JobEvent.Warned _, JobEvent.Noted _, JobEvent.Progressed _ ->
                        events.tell(event);
            }
        }

        @Override
        public void close() {
            events.close();
        }
    }
}
