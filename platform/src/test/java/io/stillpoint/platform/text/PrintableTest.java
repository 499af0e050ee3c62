package io.stillpoint.platform.text;

import static org.assertj.core.api.Assertions.assertThat;

import io.stillpoint.platform.Json;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

final class PrintableTest {
    private static final Pattern HOSTILE = Pattern.compile("[\\p{C}\u2028\u2029]");

    @Test
    void ordinaryTextStaysAsItIs() {
        for (String text : new String[] {"", "web", "büro", "サーバー 1", "a\\nb", "C:\\temp", "—…€"}) {
            assertThat(Printable.of(text)).isEqualTo(text);
        }
    }

    @Test
    void whatATerminalWouldObeyIsShown() {
        assertThat(Printable.of("\u001b[31mred")).isEqualTo("\\x1b[31mred");
        assertThat(Printable.of("a\nstillpoint: all is well"))
                .isEqualTo("a\\nstillpoint: all is well");
        assertThat(Printable.of("a\rb\tc\u0007\u007f")).isEqualTo("a\\rb\\tc\\x07\\x7f");
        assertThat(Printable.of("\u009b2J")).as("C1").isEqualTo("\\x9b2J");
        assertThat(Printable.of("\u202egnp.exe")).as("bidirectional").isEqualTo("\\u202egnp.exe");
        assertThat(Printable.of("a\u2066b\u200fc\u200bd\ufeff"))
                .isEqualTo("a\\u2066b\\u200fc\\u200bd\\ufeff");
        assertThat(Printable.of("a\u2028b\u2029")).isEqualTo("a\\u2028b\\u2029");
        assertThat(Printable.of("x\ud800y")).as("lone surrogate").isEqualTo("x\\ud800y");
        assertThat(Printable.of("\udb40\udc41")).as("a tag").isEqualTo("\\U000e0041");
    }

    @Test
    void aJsonDocumentMeansTheSameAndIsHarmless() {
        ObjectNode document =
                Json.object()
                        .put("name", "b\u00fcro \u009b2J\u202eexe\u2028\ud834\udd1e\udb40\udc41");
        String shown = Printable.json(Json.pretty(document));
        assertThat(shown)
                .contains("b\u00fcro \\u009b2J\\u202eexe\\u2028\ud834\udd1e\\udb40\\udc41\"\n");
        assertThat(Json.parse(shown)).isEqualTo(document);
    }

    @Test
    void noCodePointPassesThatIsNoGraphicOne() {
        for (int code = 0; code <= Character.MAX_CODE_POINT; code++) {
            String shown = Printable.of(Character.toString(code));
            assertThat(HOSTILE.matcher(shown).find()).as("U+%04X", code).isFalse();
        }
    }

    @Test
    void randomTextsComeOutPrintable() {
        Random random = new Random(7);
        for (int i = 0; i < 2000; i++) {
            StringBuilder text = new StringBuilder();
            random.ints(20, 0, 0x3000).forEach(code -> text.append((char) code));
            assertThat(HOSTILE.matcher(Printable.of(text.toString())).find()).isFalse();
            assertThat(HOSTILE.matcher(Printable.line(text.toString())).find()).isFalse();
        }
    }

    @Test
    void textsOfLinesKeepTheirLinesAlone() {
        assertThat(Printable.lines("a\nb\u001b\r\n")).isEqualTo("a\nb\\x1b\\r\n");
    }

    @Test
    void aGuestsWordsBecomeOneShortLine() {
        assertThat(Printable.line("  a\n\t b\u0000c ")).isEqualTo("a b c");
        assertThat(Printable.line("x".repeat(501))).hasSize(501).endsWith("…");
        String pairs = "\ud83d\ude00".repeat(600);
        assertThat(Printable.line(pairs)).isEqualTo("\ud83d\ude00".repeat(500) + "…");
    }
}
