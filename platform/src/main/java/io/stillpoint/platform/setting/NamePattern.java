package io.stillpoint.platform.setting;

import java.util.regex.Pattern;

/// A name with `*` for any characters and `?` for any one. Capital and small letters differ.
public record NamePattern(String text) {
    /// Whether a name is meant.
    public boolean matches(String name) {
        StringBuilder regex = new StringBuilder();
        text.codePoints()
                .forEach(each -> {
                    switch (each) {
                        case '*' -> regex.append(".*");
                        case '?' -> regex.append('.');
                        default -> regex.append(Pattern.quote(Character.toString(each)));
                    }
                });
        return Pattern.compile(regex.toString(), Pattern.DOTALL).matcher(name).matches();
    }

    @Override
    public String toString() {
        return text;
    }
}
