package io.stillpoint.platform.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class ProgressBarTest {
    private static final long MIB = 1 << 20;
    private static final ConsoleStyle LIVE = new ConsoleStyle(true, false, 80);
    private static final ConsoleStyle WIDE = new ConsoleStyle(true, false, 120);

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final AtomicLong nanos = new AtomicLong();
    private final AtomicInteger width = new AtomicInteger();

    @Test
    void printsNothingButTheEndWhereNobodyWatches() {
        ProgressBar bar = console(ConsoleStyle.PLAIN).bar("transfer", 100 * MIB);
        for (int i = 0; i < 100; i++) {
            nanos.addAndGet(100_000_000);
            bar.advance(MIB);
        }
        bar.done("100 MiB in 10 s");
        assertThat(output()).isEqualTo("transfer        100 MiB in 10 s\n");
    }

    @Test
    void theRateIsOfWhatWasMovedInTheLastSeconds() {
        ProgressBar bar = console(LIVE).bar("store", 1000 * MIB);
        for (int i = 1; i <= 100; i++) {
            nanos.addAndGet(100_000_000);
            // Holes are passed, a hundredth is read.
            bar.read(MIB / 10);
            bar.reach(i * 10L * MIB - MIB);
        }
        assertThat(bar.picture(nanos.get())).contains("1.00 MiB/s", "999 MiB of 0.98 GiB");
        for (int i = 0; i < 60; i++) {
            nanos.addAndGet(100_000_000);
            bar.read(MIB);
        }
        assertThat(bar.picture(nanos.get())).contains("10.0 MiB/s");
        nanos.addAndGet(10_000_000_000L);
        bar.read(0);
        nanos.addAndGet(10_000_000_000L);
        bar.read(0);
        assertThat(bar.picture(nanos.get())).as("nothing moves").doesNotContain("/s");
    }

    @Test
    void theRateIsNeverMoreThanWhatWasMoved() {
        ProgressBar bar = console(LIVE).bar("store", 0);
        bar.read(MIB);
        nanos.addAndGet(1_000_000);
        assertThat(bar.picture(nanos.get())).contains("1.00 MiB").doesNotContain("/s");
        nanos.addAndGet(1_000_000_000);
        assertThat(bar.picture(nanos.get()))
                .matches(".*1[.]00 MiB  (1[.]00 MiB|102[0-4] KiB|1023 KiB)/s");
    }

    @Test
    void aNumberWithoutRoomIsLeftOutNotCutOff() {
        for (int columns = 24; columns <= 100; columns++) {
            width.set(columns);
            ProgressBar bar = console(WIDE).bar("verify", 100 * MIB);
            nanos.addAndGet(2_000_000_000);
            bar.advance(50 * MIB);
            assertThat(bar.picture(nanos.get()))
                    .matches("verify {8,}.*( %|50[.]0 MiB of 100 MiB|25[.]0 MiB/s|2 s left)");
            bar.close();
        }
    }

    @Test
    void noRateIsToldWhereNothingWasMoved() {
        ProgressBar bar = console(LIVE).bar("store", 1000 * MIB);
        nanos.addAndGet(2_000_000_000);
        bar.reach(500 * MIB);
        assertThat(bar.picture(nanos.get())).contains("50 %", "2 s left").doesNotContain("/s");
    }

    @Test
    void redrawsAtMostTenTimesASecond() {
        ProgressBar bar = console(LIVE).bar("transfer", 100 * MIB);
        for (int i = 0; i < 1000; i++) {
            nanos.addAndGet(1_000_000);
            bar.advance(MIB / 20);
        }
        assertThat(output().split("\r", -1)).hasSizeBetween(10, 12);
        assertThat(output()).contains("[###").doesNotContain("\n");
    }

    @Test
    void staysWithinTheTerminalWhateverItsWidthBecomes() {
        for (int columns = 1; columns <= 200; columns++) {
            width.set(columns);
            ProgressBar bar = console(WIDE).bar("a step with a long name", 100 * MIB);
            nanos.addAndGet(1_000_000_000);
            bar.advance(MIB);
            assertThat(bar.picture(nanos.get()).length()).isLessThan(columns);
            width.set(columns / 2 + 1);
            assertThat(bar.picture(nanos.get()).length()).isLessThan(columns / 2 + 1);
            bar.close();
        }
    }

    @Test
    void stepsStayWithinNarrowTerminals() {
        width.set(24);
        console(WIDE).step("snapshot", "all the disks are held in one go ".repeat(3));
        assertThat(output().lines()).hasSizeGreaterThan(3).allMatch(line -> line.length() <= 24);
    }

    @Test
    void linesPushTheBarDown() {
        Console console = console(LIVE);
        ProgressBar bar = console.bar("transfer", 100 * MIB);
        nanos.addAndGet(1_000_000_000);
        bar.advance(50 * MIB);
        console.line("disk d1 is done");
        bar.done("all done");
        assertThat(output())
                .contains("\r\u001b[Kdisk d1 is done\ntransfer")
                .endsWith("\r\u001b[Ktransfer        all done\n");
    }

    @Test
    void whatOthersWroteCantDriveTheTerminal() {
        Console console = console(LIVE);
        console.line("VM \u001b]0;title\u0007");
        console.step("no\u009b2Jte", "agent says:\u001b[2J\nstillpoint: all is well \u202e");
        try (ProgressBar bar = console.bar("ste\u001bp", MIB)) {
            bar.advance(1);
        }
        assertThat(output().replace("\r\u001b[K", "").replace("\n", ""))
                .doesNotMatch("(?s).*\\p{C}.*")
                .contains("VM \\x1b]0;title\\x07", "says:\\x1b[2J stillpoint: all is well");
    }

    @Test
    void leavesNoTraceOfAStepThatFailed() {
        Console console = console(LIVE);
        try (ProgressBar bar = console.bar("transfer", 0)) {
            bar.advance(MIB);
        }
        assertThat(output()).endsWith("\r\u001b[K");
        assertThat(console.bar("next", 1).live()).isTrue();
    }

    @Test
    void showsASecondBarAsLines() {
        Console console = console(LIVE);
        ProgressBar first = console.bar("first", MIB);
        ProgressBar second = console.bar("second", MIB);
        assertThat(first.live()).isTrue();
        assertThat(second.live()).isFalse();
    }

    @Test
    void breaksLongStepsUnderTheirTextColumn() {
        console(ConsoleStyle.PLAIN).step("snapshot", "three disks are held ".repeat(5));
        assertThat(output().lines()).hasSize(2).allMatch(line -> line.length() <= 80);
        assertThat(output().lines().skip(1).findFirst().orElseThrow())
                .startsWith(" ".repeat(16) + "three");
    }

    @Test
    void obeysTheEnvironment() {
        Map<String, String> usual = Map.of("TERM", "xterm", "COLUMNS", "100");
        assertThat(ConsoleStyle.of(true, usual)).isEqualTo(new ConsoleStyle(true, true, 100));
        assertThat(ConsoleStyle.of(true, Map.of("TERM", "xterm", "COLUMNS", "20")).columns(200))
                .isEqualTo(20);
        assertThat(ConsoleStyle.of(true, usual).columns(60)).isEqualTo(60);
        assertThat(ConsoleStyle.of(true, Map.of("TERM", "xterm")).columns(0)).isEqualTo(80);
        assertThat(ConsoleStyle.of(true, Map.of("TERM", "xterm")).columns(300)).isEqualTo(120);
        assertThat(ConsoleStyle.of(false, usual)).isEqualTo(ConsoleStyle.PLAIN);
        assertThat(ConsoleStyle.of(true, Map.of("TERM", "dumb"))).isEqualTo(ConsoleStyle.PLAIN);
        assertThat(ConsoleStyle.of(true, Map.of())).isEqualTo(ConsoleStyle.PLAIN);
        assertThat(ConsoleStyle.of(true, Map.of("TERM", "xterm", "NO_COLOR", "1")).color())
                .isFalse();
    }

    private Console console(ConsoleStyle style) {
        return new Console(
                new PrintStream(bytes, true, StandardCharsets.UTF_8),
                style,
                nanos::get,
                width::get,
                Locale.ROOT);
    }

    private String output() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
