package io.stillpoint.platform.setting;

/// A name with `*` for any characters and `?` for any one. Capital and small letters differ.
public record NamePattern(String text) {
    /// Whether a name is meant. Takes at most as many steps as the product of both lengths, whatever they are.
    public boolean matches(String name) {
        int[] pattern = text.codePoints().toArray();
        int[] wanted = name.codePoints().toArray();
        int at = 0;
        int in = 0;
        int star = -1;
        int matchedByStar = 0;
        while (in < wanted.length) {
            if (at < pattern.length && pattern[at] == '*') {
                star = at++;
                matchedByStar = in;
            } else if (at < pattern.length && (pattern[at] == '?' || pattern[at] == wanted[in])) {
                at++;
                in++;
            } else if (star >= 0) {
                // The last star takes one more; those before need not.
                at = star + 1;
                in = ++matchedByStar;
            } else {
                return false;
            }
        }
        while (at < pattern.length && pattern[at] == '*') {
            at++;
        }
        return at == pattern.length;
    }

    @Override
    public String toString() {
        return text;
    }
}
