package io.stillpoint.hypervisor.images;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Reads LVM's metadata: `name = value` and `name { … }`, where a value is a text in quotation marks, a number or a list
/// in brackets, and `#` starts a comment. A guest wrote it.
final class LvmText {
    private static final int DEPTH_MAX = 8;

    private final String text;
    private int at;

    private LvmText(String text) {
        this.text = text;
    }

    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        Malformed(String message) {
            super(message);
        }
    }

    static Map<String, Object> parse(String text) throws Malformed {
        return new LvmText(text).section(0, false);
    }

    /// Empty for whatever is no section.
    static Map<String, Object> section(@Nullable Object value) {
        Map<String, Object> section = new LinkedHashMap<>();
        if (value instanceof Map<?, ?> map) {
            map.forEach((name, each) -> section.put(String.valueOf(name), each));
        }
        return section;
    }

    /// -1 for whatever is no number.
    static long number(@Nullable Object value) {
        return value instanceof Long number ? number : -1;
    }

    private Map<String, Object> section(int depth, boolean isInner) throws Malformed {
        if (depth > DEPTH_MAX) {
            throw new Malformed("too deep");
        }
        Map<String, Object> found = new LinkedHashMap<>();
        while (true) {
            skip();
            if (at == text.length() || text.charAt(at) == '\0') {
                if (isInner) {
                    throw new Malformed("ends early");
                }
                return found;
            }
            if (text.charAt(at) == '}' && isInner) {
                at++;
                return found;
            }
            String name = word();
            skip();
            char next = next();
            if (next == '{') {
                found.put(name, section(depth + 1, true));
            } else if (next == '=') {
                found.put(name, value(depth));
            } else {
                throw new Malformed("expected { or = at " + at);
            }
        }
    }

    private Object value(int depth) throws Malformed {
        skip();
        if (at == text.length()) {
            throw new Malformed("ends early");
        }
        char first = text.charAt(at);
        if (first == '"') {
            return quoted();
        }
        if (first == '[') {
            at++;
            return list(depth + 1);
        }
        String word = word();
        try {
            return Long.parseLong(word);
        } catch (NumberFormatException e) {
            return word;
        }
    }

    private List<Object> list(int depth) throws Malformed {
        if (depth > DEPTH_MAX) {
            throw new Malformed("too deep");
        }
        List<Object> values = new ArrayList<>();
        while (true) {
            skip();
            if (at < text.length() && text.charAt(at) == ']') {
                at++;
                return values;
            }
            values.add(value(depth));
            skip();
            if (at < text.length() && text.charAt(at) == ',') {
                at++;
            }
        }
    }

    private String quoted() throws Malformed {
        StringBuilder found = new StringBuilder();
        at++;
        while (true) {
            char each = next();
            if (each == '"') {
                return found.toString();
            }
            found.append(each == '\\' ? next() : each);
        }
    }

    private String word() throws Malformed {
        int start = at;
        while (at < text.length() && isOfWord(text.charAt(at))) {
            at++;
        }
        if (at == start) {
            throw new Malformed("expected a name at " + at);
        }
        return text.substring(start, at);
    }

    private static boolean isOfWord(char each) {
        return Character.isLetterOrDigit(each) || "_.+-".indexOf(each) >= 0;
    }

    private char next() throws Malformed {
        if (at == text.length()) {
            throw new Malformed("ends early");
        }
        return text.charAt(at++);
    }

    private void skip() {
        while (at < text.length()) {
            char each = text.charAt(at);
            if (each == '#') {
                int end = text.indexOf('\n', at);
                at = end < 0 ? text.length() : end;
            } else if (Character.isWhitespace(each)) {
                at++;
            } else {
                return;
            }
        }
    }
}
