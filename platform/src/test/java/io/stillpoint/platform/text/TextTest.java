package io.stillpoint.platform.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.ByteSize;
import io.stillpoint.platform.FailureKind;
import io.stillpoint.platform.StillpointException;
import io.stillpoint.platform.disk.Reason;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.Isolated;

/// With a made-up German translation beside this test. One test sets the process's language: no other may run beside it.
@Isolated
final class TextTest {
    private static final Locale AUSTRIAN = Locale.of("de", "AT");
    private static final Locale KLINGON = Locale.of("tlh");

    private enum Kind implements FailureKind {
        PASSING;

        @Override
        public boolean retryable() {
            return true;
        }

        @Override
        public StillpointException.Blame blame() {
            return StillpointException.Blame.ENVIRONMENT;
        }
    }

    private static final class Failure extends StillpointException {
        private static final long serialVersionUID = 1L;

        Failure(String code, Throwable cause, Object... arguments) {
            super(TextTest.class, Kind.PASSING, code, cause, Arrays.asList(arguments));
        }
    }

    private static Failure failure() {
        Failure inner = new Failure("test.inner", new IOException("gone"), new ByteSize(1536));
        return new Failure("test.outer", inner, "vda", inner);
    }

    @Test
    void twoReadersOfOneExceptionReadTwoLanguagesAndSoOfWhatIsInIt() {
        Failure failure = failure();
        assertThat(failure.text(Locale.GERMAN))
                .isEqualTo("Die Platte vda ist ausgefallen: sie hat noch 1.50 KiB");
        assertThat(failure.text(Locale.ENGLISH))
                .isEqualTo("The disk vda failed: it has 1.50 KiB left");
        // The nearest of a reader's languages counts for each text by itself.
        assertThat(failure.text(AUSTRIAN))
                .isEqualTo("Die Platte vda ist ausgefallen: sie hat grad noch 1.50 KiB");
    }

    @Test
    void anExceptionKeepsWhatItSays() {
        Failure failure = failure();
        assertThat(failure.code()).isEqualTo("test.outer");
        assertThat(failure.arguments())
                .containsExactly("vda", Text.of(TextTest.class, "test.inner", new ByteSize(1536)));
        assertThat(failure.kind()).isEqualTo(Kind.PASSING);
        assertThat(failure.retryable()).isTrue();
        assertThat(failure.blame()).isEqualTo(StillpointException.Blame.ENVIRONMENT);
    }

    @Test
    void theHostsLanguageIsNoReaders() {
        Locale before = Locale.getDefault();
        try {
            Locale.setDefault(Locale.GERMAN);
            assertThat(failure()).hasMessage("The disk vda failed: it has 1.50 KiB left");
            assertThat(failure().text(KLINGON)).startsWith("The disk vda failed");
            assertThat(Text.of(TextTest.class, "test.inner", "1")).hasToString("it has 1 left");
        } finally {
            Locale.setDefault(before);
        }
    }

    @Test
    void aReasonOfTheSystemsIsToldInTheLanguageOfTheWhole() {
        Failure failure =
                new Failure(
                        "test.outer",
                        new IOException(),
                        "vda",
                        Reason.of(new IOException("No space left on device")));
        assertThat(failure.text(Locale.GERMAN))
                .isEqualTo("Die Platte vda ist ausgefallen: kein Platz auf der Platte");
        assertThat(failure.text(Locale.ROOT)).startsWith("The disk vda failed: no space is left");
    }

    @Test
    void whatIsNotTranslatedIsToldInEnglish() {
        Text text =
                Text.of(
                        TextTest.class,
                        "test.outer",
                        "vda",
                        Text.of(TextTest.class, "test.untranslated"));
        assertThat(text.in(Locale.GERMAN))
                .isEqualTo("Die Platte vda ist ausgefallen: only in English");
        assertThat(Text.of(TextTest.class, "test.nowhere", 1).in(Locale.GERMAN))
                .isEqualTo("test.nowhere");
    }

    @Test
    void listsAndRowsOfTextsAreRenderedToo() {
        Text one = Text.of(TextTest.class, "test.inner", "1");
        assertThat(Text.of(TextTest.class, "test.list", List.of(one, "x")).in(Locale.GERMAN))
                .isEqualTo("Gefunden: [sie hat noch 1, x]");
        assertThat(Text.joined("; ", List.of(one, Text.verbatim("x"))).in(Locale.GERMAN))
                .isEqualTo("sie hat noch 1; x");
        assertThat(Text.joined("; ", List.of(one))).isEqualTo(one);
    }

    @Test
    void whatOthersSaidIsTheSameForEveryReaderAndFoundAgain() {
        Text said = Text.of(TextTest.class, "test.outer", "vda", Text.verbatim("{0} ''no''"));
        assertThat(said.in(Locale.GERMAN)).endsWith("{0} ''no''");
        assertThat(said.quotes("no")).isTrue();
        assertThat(said.quotes("disk")).isFalse();
        assertThat(Text.EMPTY.isEmpty()).isTrue();
        assertThat(Text.joined(" ", List.of()).isEmpty()).isTrue();
        assertThat(said.isEmpty()).isFalse();
    }

    @Test
    void textsAreValuesThatDoNotChange() {
        List<String> changing = new ArrayList<>(List.of("a"));
        StringBuilder builder = new StringBuilder("b");
        Text text = Text.of(TextTest.class, "test.list", changing, builder, null, Instant.EPOCH);
        changing.add("c");
        builder.append("d");
        assertThat(text.arguments()).containsExactly(List.of("a"), "b", "", Instant.EPOCH);
        assertThat(text)
                .isEqualTo(
                        Text.of(
                                MomentTest.class,
                                "test.list",
                                List.of("a"),
                                "b",
                                "",
                                Instant.EPOCH))
                .hasSameHashCodeAs(
                        Text.of(TextTest.class, "test.list", List.of("a"), "b", "", Instant.EPOCH))
                .isNotEqualTo(Text.of(Reason.class, "test.list", List.of("a"), "b"));
    }

    @Test
    void languagesFromOutsideTakeNoMemory() {
        for (int i = 0; i < 2000; i++) {
            Text.of(TextTest.class, "test.inner", "1")
                    .in(Locale.of("x" + Integer.toString(i, 26), "y" + i, "z"));
        }
        assertThat(Messages.of(TextTest.class).kept()).isLessThan(300);
        // Nor do they find what is no bundle.
        assertThat(Text.of(TextTest.class, "test.inner", "1").in(Locale.of("../text/messages")))
                .isEqualTo("it has 1 left");
        assertThat(Text.of(TextTest.class, "test.inner", "1").in(Locale.GERMAN))
                .isEqualTo("sie hat noch 1");
    }

    @Test
    void manyReadersAtOnceReadEachTheirs() throws Exception {
        try (ExecutorService readers = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Future<String>> german = new ArrayList<>();
            List<Future<String>> english = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                german.add(readers.submit(() -> failure().text(Locale.GERMAN)));
                english.add(readers.submit(() -> failure().text(Locale.UK)));
            }
            for (Future<String> each : german) {
                assertThat(each.get()).startsWith("Die Platte");
            }
            for (Future<String> each : english) {
                assertThat(each.get()).startsWith("The disk");
            }
        }
    }
}
