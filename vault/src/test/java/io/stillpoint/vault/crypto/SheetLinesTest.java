package io.stillpoint.vault.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.stillpoint.platform.Randomness;
import io.stillpoint.vault.store.VaultException;
import io.stillpoint.vault.store.VaultException.Kind;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/// A secret on paper comes back, or the line is told that it does not come back from.
final class SheetLinesTest {
    private final KeyFile key = KeyFile.random(Randomness.secure());
    private final List<String> lines = SheetLines.of(key);

    private static void requireFailure(List<String> sheet, String code, String words) {
        assertThatThrownBy(() -> SheetLines.parse(sheet, "the sheet"))
                .isInstanceOfSatisfying(
                        VaultException.class,
                        e -> {
                            assertThat(e.kind()).isEqualTo(Kind.KEY_FILE);
                            assertThat(e.code()).isEqualTo(code);
                        })
                .hasMessageContaining(words);
    }

    private List<String> with(int index, String line) {
        List<String> sheet = new ArrayList<>(lines);
        sheet.set(index, line);
        return sheet;
    }

    @Test
    void theLinesAreThoseOfThePage() {
        byte[] secret = new byte[32];
        for (int i = 0; i < secret.length; i++) {
            secret[i] = (byte) i;
        }
        assertThat(SheetLines.of(new KeyFile(secret)))
                .hasSize(5)
                .startsWith("1  0001 0203 0405 0607  b05a")
                .endsWith("5  46dd 794e");
    }

    @Test
    void whatWasPrintedIsRead() {
        assertThat(SheetLines.parse(lines, "the sheet").secret()).isEqualTo(key.secret());
    }

    @Test
    void itDoesNotMatterHowItWasTyped() {
        List<String> typed = new ArrayList<>();
        typed.add("Stillpoint recovery sheet");
        typed.add("Made 2026-01-01, vault 0123 4567");
        for (String line : lines.reversed()) {
            String digits = line.substring(3).replace(" ", "");
            typed.add("");
            typed.add(" " + line.charAt(0) + ". " + digits.toUpperCase(Locale.ROOT) + "  ");
        }
        typed.replaceAll(line -> line.startsWith(" ") ? confusable(line) : line);
        assertThat(SheetLines.parse(typed, "the sheet").secret()).isEqualTo(key.secret());
    }

    private static String confusable(String line) {
        return line.substring(0, 4) + line.substring(4).replace('0', 'O').replace('1', 'l');
    }

    @Test
    void everyWrongDigitIsFoundInItsLine() {
        for (int index = 0; index < lines.size(); index++) {
            String line = lines.get(index);
            for (int at = 3; at < line.length(); at++) {
                if (line.charAt(at) == ' ') {
                    continue;
                }
                char other = line.charAt(at) == '7' ? '9' : '7';
                String typed = line.substring(0, at) + other + line.substring(at + 1);
                String code = index == 4 ? "vault.sheet-last-line" : "vault.sheet-mistyped";
                requireFailure(with(index, typed), code, "line " + (index + 1));
            }
        }
    }

    @Test
    void lostAndExtraDigitsAreFoundInTheirLine() {
        for (int index = 0; index < 4; index++) {
            String line = lines.get(index);
            String words = "line " + (index + 1);
            requireFailure(
                    with(index, line.substring(0, line.length() - 1)),
                    "vault.sheet-mistyped",
                    words);
            requireFailure(with(index, line + "0"), "vault.sheet-mistyped", words);
            requireFailure(
                    with(index, line.replace(' ', 'z').replaceFirst("zz", "  ")),
                    "vault.sheet-mistyped",
                    words);
        }
    }

    @Test
    void severalWrongLinesAreAllNamed() {
        List<String> sheet = with(1, "2  0000 0000 0000 0000  0000");
        sheet.set(3, "4  1111 1111 1111 1111  1111");
        requireFailure(sheet, "vault.sheet-mistyped", "line 2, 4");
    }

    @Test
    void exchangedLinesAreFound() {
        String first = lines.get(0);
        String second = lines.get(1);
        List<String> sheet = with(0, "1" + second.substring(1));
        sheet.set(1, "2" + first.substring(1));
        requireFailure(sheet, "vault.sheet-mistyped", "line 1, 2");
    }

    @Test
    void missingLinesAreNamed() {
        requireFailure(List.of(), "vault.sheet-incomplete", "line 1, 2, 3, 4, 5 is missing");
        requireFailure(with(2, "(torn off)"), "vault.sheet-incomplete", "line 3 is missing");
    }

    @Test
    void aLineTypedTwiceMustBeTheSameTwice() {
        List<String> twice = new ArrayList<>(lines);
        twice.addAll(lines);
        Collections.sort(twice);
        assertThat(SheetLines.parse(twice, "the sheet").secret()).isEqualTo(key.secret());
        twice.add(SheetLines.of(KeyFile.random(Randomness.secure())).get(2));
        requireFailure(twice, "vault.sheet-mistyped", "line 3");
    }

    @Test
    void linesOfTwoSheetsAreNotMixed() {
        KeyFile other = KeyFile.random(Randomness.secure());
        requireFailure(with(0, SheetLines.of(other).get(0)), "vault.sheet-last-line", "line 5");
    }
}
