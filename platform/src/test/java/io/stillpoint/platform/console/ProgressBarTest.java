package io.stillpoint.platform.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

final class ProgressBarTest {
    private static final long MIB = 1 << 20;
    private static final ConsoleStyle LIVE = new ConsoleStyle(true, false, 80);

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    private final AtomicLong nanos = new AtomicLong();

    @Test
    void printsALinePerTenthWhereNobodyWatches() {
        ProgressBar bar = console(ConsoleStyle.PLAIN).bar("transfer", 100 * MIB);
        for (int i = 0; i < 100; i++) {
            nanos.addAndGet(100_000_000);
            bar.advance(MIB);
        }
        bar.done("100 MiB in 10 s");
        assertThat(output().lines())
                .hasSize(10)
                .last()
                .isEqualTo("transfer        100 MiB in 10 s");
        assertThat(output().lines().findFirst())
                .hasValue("transfer         10 %  10.0 MiB of 100 MiB  10.0 MiB/s  9 s left");
        assertThat(output()).doesNotContain("\r", "\u001b");
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
    void staysWithinTheTerminal() {
        ConsoleStyle narrow = new ConsoleStyle(true, false, 40);
        ProgressBar bar = console(narrow).bar("a step with a long name", 100 * MIB);
        nanos.addAndGet(1_000_000_000);
        bar.advance(MIB);
        assertThat(bar.picture(nanos.get()).length()).isLessThan(40);
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
        assertThat(ConsoleStyle.of(false, usual)).isEqualTo(ConsoleStyle.PLAIN);
        assertThat(ConsoleStyle.of(true, Map.of("TERM", "dumb"))).isEqualTo(ConsoleStyle.PLAIN);
        assertThat(ConsoleStyle.of(true, Map.of())).isEqualTo(ConsoleStyle.PLAIN);
        assertThat(ConsoleStyle.of(true, Map.of("TERM", "xterm", "NO_COLOR", "1")).color())
                .isFalse();
    }

    private Console console(ConsoleStyle style) {
        return new Console(new PrintStream(bytes, true, StandardCharsets.UTF_8), style, nanos::get);
    }

    private String output() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
