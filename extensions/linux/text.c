#include "text.h"

#include <string.h>

void text_add_bytes(struct text *text, const char *bytes, size_t count) {
    // One byte is kept for the zero at the end.
    if (text->full || count >= text->capacity - text->length) {
        text->full = true;
        return;
    }
    memcpy(text->bytes + text->length, bytes, count);
    text->length += count;
}

void text_add(struct text *text, const char *words) { text_add_bytes(text, words, strlen(words)); }

void text_add_number(struct text *text, long long number) {
    char digits[24];
    size_t at = sizeof digits;
    unsigned long long rest = number < 0 ? 0 - (unsigned long long)number : (unsigned long long)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    if (number < 0) {
        digits[--at] = '-';
    }
    text_add_bytes(text, digits + at, sizeof digits - at);
}

const char *text_words(struct text *text) {
    text->bytes[text->length] = 0;
    return text->bytes;
}

size_t utf8_length(const char *bytes, size_t count) {
    const unsigned char *at = (const unsigned char *)bytes;
    if (count == 0) {
        return 0;
    }
    if (at[0] < 0x80) {
        return 1;
    }
    size_t length = at[0] >= 0xF0 ? 4 : at[0] >= 0xE0 ? 3 : 2;
    if (at[0] < 0xC2 || at[0] > 0xF4 || length > count) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xF0 && at[1] < 0x90);
    bool surrogate = at[0] == 0xED && at[1] >= 0xA0;
    bool beyond = at[0] == 0xF4 && at[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

static void add_escaped(struct text *text, const char *bytes, size_t count) {
    static const char hex[] = "0123456789abcdef";
    text_add(text, "\"");
    while (count > 0) {
        unsigned char first = (unsigned char)*bytes;
        size_t length = utf8_length(bytes, count);
        if (length == 0) {
            text_add(text, "\xEF\xBF\xBD");
            length = 1;
        } else if (first == '"' || first == '\\') {
            char escape[] = {'\\', (char)first};
            text_add_bytes(text, escape, sizeof escape);
        } else if (first == '\n') {
            text_add(text, "\\n");
        } else if (first < 0x20 || first == 0x7F) {
            char escape[] = {'\\', 'u', '0', '0', hex[first >> 4], hex[first & 15]};
            text_add_bytes(text, escape, sizeof escape);
        } else {
            text_add_bytes(text, bytes, length);
        }
        bytes += length;
        count -= length;
    }
    text_add(text, "\"");
}

static void add_key(struct text *text, const char *key) {
    char last = text->length == 0 ? '{' : text->bytes[text->length - 1];
    if (last != '{' && last != '[') {
        text_add(text, ",");
    }
    if (key != NULL) {
        add_escaped(text, key, strlen(key));
        text_add(text, ":");
    }
}

void json_begin(struct text *text, const char *key, char bracket) {
    add_key(text, key);
    text_add_bytes(text, &bracket, 1);
}

void json_end(struct text *text, char bracket) { text_add_bytes(text, &bracket, 1); }

void json_bytes(struct text *text, const char *key, const char *bytes, size_t count) {
    add_key(text, key);
    add_escaped(text, bytes, count);
}

void json_string(struct text *text, const char *key, const char *value) {
    json_bytes(text, key, value, strlen(value));
}

void json_number(struct text *text, const char *key, long long value) {
    add_key(text, key);
    text_add_number(text, value);
}

void json_bool(struct text *text, const char *key, bool value) {
    add_key(text, key);
    text_add(text, value ? "true" : "false");
}
