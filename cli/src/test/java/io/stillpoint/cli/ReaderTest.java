package io.stillpoint.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.engine.JobEvent;
import io.stillpoint.engine.JobId;
import io.stillpoint.engine.Step;
import io.stillpoint.platform.disk.Reason;
import io.stillpoint.platform.text.Text;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/// The command line shows what is told below it in the language of its environment, where there is a translation. There is
/// a made-up German one beside this test, of a few texts. The language and the outputs are the process's: no other test
/// may run beside these.
@Isolated
final class ReaderTest {
    private static final JobId JOB = new JobId("job");

    private final Locale before = Locale.getDefault();

    @AfterEach
    void speakAsBefore() {
        Locale.setDefault(before);
    }

    private static InputException failure() {
        return new InputException(
                "restore.no-folder", "/x", Reason.of(new IOException("No space left on device")));
    }

    private static String shown(JobEvent event) {
        PrintStream err = System.err;
        ByteArrayOutputStream told = new ByteArrayOutputStream();
        System.setErr(new PrintStream(told, true, StandardCharsets.UTF_8));
        try (ConsoleEvents events = new ConsoleEvents(false, new Output())) {
            events.tell(event);
        } finally {
            System.setErr(err);
        }
        return told.toString(StandardCharsets.UTF_8).replaceAll("\\s+", " ");
    }

    @Test
    void oneFailureIsToldToTwoReadersInTheirLanguages() {
        InputException failure = failure();
        Locale.setDefault(Locale.GERMAN);
        String german = Failure.of(failure).message();
        Locale.setDefault(Locale.ENGLISH);
        String english = Failure.of(failure).message();
        assertThat(german).isEqualTo("Der Ordner für /x fehlt: kein Platz auf der Platte");
        assertThat(english).contains("/x", "no space is left on the disk").doesNotContain("Ordner");
        // Programs read the same in each language.
        assertThat(Failure.of(failure).code()).isEqualTo("restore.no-folder");
    }

    @Test
    void whatAJobTellsIsShownInTheReadersLanguage() {
        JobEvent warned =
                new JobEvent.Warned(
                        JOB, Text.of(ReaderTest.class, "restore.no-folder", "/y", failure()));
        Locale.setDefault(Locale.GERMAN);
        assertThat(shown(warned))
                .startsWith("Warnung ")
                .contains("Der Ordner für /y fehlt: Der Ordner für /x fehlt: kein Platz");
        Locale.setDefault(Locale.FRENCH);
        assertThat(shown(warned)).startsWith("warning ").contains("/y", "/x");
    }

    @Test
    void aStepIsShownByItsWord() {
        Locale.setDefault(Locale.ENGLISH);
        assertThat(
                        shown(
                                new JobEvent.StepBegan(
                                        JOB, Step.PRE_SCRIPT, Text.verbatim("what it did"))))
                .startsWith("pre-script ")
                .contains("what it did");
    }
}
