package io.stillpoint.platform.setting;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class NamePatternTest {
    private static String some(Random random, String of, int most) {
        StringBuilder text = new StringBuilder();
        for (int i = random.nextInt(most); i > 0; i--) {
            text.append(of.charAt(random.nextInt(of.length())));
        }
        return text.toString();
    }

    @Test
    void meansWhatTheSameRegularExpressionMeans() {
        Random random = new Random(1);
        int matches = 0;
        for (int i = 0; i < 20_000; i++) {
            String pattern = some(random, "ab*?.", 8);
            String name = some(random, "ab.", 8);
            Pattern regex =
                    Pattern.compile(
                            pattern.replace(".", "\\.").replace("*", ".*").replace("?", "."));
            boolean expected = regex.matcher(name).matches();
            assertThat(new NamePattern(pattern).matches(name))
                    .as("%s of %s", pattern, name)
                    .isEqualTo(expected);
            matches += expected ? 1 : 0;
        }
        assertThat(matches).isGreaterThan(1000);
    }

    /// A regular expression would try each way to divide the name among the stars: more than there are atoms.
    @Test
    void patternOfManyStarsIsAnswered() {
        String name = "a".repeat(1000);
        assertThat(new NamePattern("*a".repeat(400) + "*b").matches(name)).isFalse();
        assertThat(new NamePattern("*?".repeat(400) + "*").matches(name)).isTrue();
    }
}
